"""One line of text as an alpha mask, cropped to its ink.

Vector fonts, bitmap fonts (also doubled pixel by pixel, as old consoles did) and
plotter strokes look different at seven pixels; all three are drawn here.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deid_node_lab.training.content import Script, Writer
from deid_node_lab.training.faces import Face, by_folder

_HERSHEY = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL,
)  # fmt: skip
_FOREIGN: tuple[Script, ...] = ("accents", "greek", "cyrillic", "cjk", "arabic")
_MAXIMUM_WIDTH_PIXELS = 1400


class Hand:
    """A way of writing, kept for all lines of one screen: face, size, smoothing.

    Real screens use one or two; a new font a line would teach the finder to
    look for variety.
    """

    def __init__(
        self,
        face: Face | None,
        script: Script,
        capital_pixels: float,
        chance: np.random.Generator,
    ) -> None:
        self.script: Script = script
        self._smooth = bool(chance.random() < 0.7)
        self._repeat = 1
        self._font: ImageFont.FreeTypeFont | None = None
        self._scale = 1.0
        self._thickness = 1
        self._outline = 0
        if face is None:
            self._stroke_font = _HERSHEY[int(chance.integers(len(_HERSHEY)))]
            height = cv2.getTextSize("H", self._stroke_font, 4.0, 1)[0][1] / 4.0
            self._scale = capital_pixels / height
            self._thickness = max(1, round(capital_pixels / chance.uniform(7.0, 14.0)))
        elif face.bitmap_size is not None:
            own = face.bitmap_size * face.capital_share
            self._repeat = max(1, min(4, round(capital_pixels / own)))
            self._font = ImageFont.truetype(str(face.file), face.bitmap_size)
        else:
            size = capital_pixels / face.capital_share
            self._font = ImageFont.truetype(str(face.file), size)
            self._outline = 1 if chance.random() < 0.06 and capital_pixels > 10 else 0
            self._smooth = self._smooth or (capital_pixels < 9 and chance.random() < 0.6)

    def stamp(self, text: str) -> NDArray[np.uint8] | None:
        """Return the ink of `text` as alpha ``(rows, columns)``, or None when nothing is drawn."""
        alpha = self._strokes(text) if self._font is None else self._glyphs(self._font, text)
        if self._repeat > 1:
            alpha = alpha.repeat(self._repeat, 0).repeat(self._repeat, 1)
        rows, columns = np.flatnonzero(alpha.max(1) > 40), np.flatnonzero(alpha.max(0) > 40)
        if not (len(rows) and len(columns)):
            return None
        alpha = alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # Hairline cuts at a few pixels are all smoothing: full ink must exist somewhere.
        peak = int(alpha.max())
        if peak < 200:
            alpha = np.minimum(alpha.astype(np.uint16) * 230 // peak, 255).astype(np.uint8)
        return np.ascontiguousarray(alpha)

    def _glyphs(self, font: ImageFont.FreeTypeFont, text: str) -> NDArray[np.uint8]:
        left, top, right, bottom = font.getbbox(text, stroke_width=self._outline)
        width = min(int(right - left) + 4, _MAXIMUM_WIDTH_PIXELS)
        image = Image.new("L", (max(1, width), max(1, int(bottom - top) + 4)))
        draw = ImageDraw.Draw(image)
        draw.fontmode = "L" if self._smooth else "1"
        draw.text((2 - left, 2 - top), text, fill=255, font=font, stroke_width=self._outline)
        return np.asarray(image)

    def _strokes(self, text: str) -> NDArray[np.uint8]:
        text = text.encode("ascii", "replace").decode()
        (width, height), below = cv2.getTextSize(
            text, self._stroke_font, self._scale, self._thickness
        )
        edge = 2 + self._thickness
        shape = (height + below + 2 * edge, min(width, _MAXIMUM_WIDTH_PIXELS) + 2 * edge)
        alpha = np.zeros(shape, np.uint8)
        kind = cv2.LINE_AA if self._smooth else cv2.LINE_8
        cv2.putText(
            alpha, text, (edge, edge + height), self._stroke_font, self._scale, 255,
            self._thickness, kind,
        )  # fmt: skip
        return alpha


class Scribe:
    """Chooses hands: vector, bitmap and stroke fonts in a fixed mix."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self._vector = by_folder([face for face in faces if face.bitmap_size is None])
        self._bitmap = by_folder([face for face in faces if face.bitmap_size is not None])

    def hand(self, chance: np.random.Generator, capital_pixels: float) -> Hand:
        """Return a way of writing whose capitals are about `capital_pixels` high."""
        script: Script = "latin"
        if chance.random() < 0.14:
            script = _FOREIGN[int(chance.integers(len(_FOREIGN)))]
        if script == "cjk":
            capital_pixels = max(capital_pixels, 8.0)
        draw = chance.random()
        pools = self._vector if draw < 0.6 or script != "latin" else self._bitmap
        if draw > 0.84 and script == "latin":
            pools = ()
        for _ in range(24):
            if not pools:
                break
            pool = pools[int(chance.integers(len(pools)))]
            face = pool[int(chance.integers(len(pool)))]
            if script in face.scripts and _fits(face, capital_pixels):
                return Hand(face, script, capital_pixels, chance)
        return Hand(None, "latin", capital_pixels, chance)

    def line(self, hand: Hand, writer: Writer) -> NDArray[np.uint8] | None:
        """Return one invented line in `hand`."""
        return hand.stamp(writer.line(hand.script))


def _fits(face: Face, capital_pixels: float) -> bool:
    if face.bitmap_size is None:
        return True
    own = face.bitmap_size * face.capital_share
    return own < 1.4 * capital_pixels
