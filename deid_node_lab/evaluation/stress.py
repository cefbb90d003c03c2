"""The stress set: seeded pictures of each nuisance in turn, and how a finder does on them.

The same seed, level and number give the same picture; the first pictures of a
large run are those of a small one.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.display import in_views
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.tiles import spans
from deid_node_lab.evaluation.cases import Case, Item
from deid_node_lab.evaluation.graphics import GRAPHICS
from deid_node_lab.evaluation.hits import counts_of
from deid_node_lab.evaluation.nuisances import Level, Setting, font_of
from deid_node_lab.evaluation.strokes import plotted
from deid_node_lab.training.content import Writer
from deid_node_lab.training.faces import Face
from deid_node_lab.training.stamps import Hand

SEED: Final = 7
FIRST: Final = 3
"""How many of the first pictures of a level are told apart, for a quick comparison."""

_LINES: Final = 3
_TRIES: Final = 40
_MOST_OF_WIDTH: Final = 0.8
_TILE_PIXELS, _TILE_OVERLAP_PIXELS, _STRIDE = 1024, 128, 16


@dataclass(frozen=True, slots=True)
class Stress:
    """Makes the pictures of a level.

    Parameters
    ----------
    fonts
        Folders where font files are looked for.
    pictures
        Real pictures without text as backgrounds; without any their level is left out.
    """

    fonts: tuple[Path, ...] = ()
    pictures: tuple[DisplayFrame, ...] = ()

    def lacks(self, level: Level) -> str | None:
        """Return what is missing to draw a level, None when it can be drawn."""
        setting = level.setting
        if setting.fonts and font_of(setting, self.fonts) is None:
            return f"the font {setting.fonts[0]}"
        if setting.ground == "pictures" and not self.pictures:
            return "pictures without text"
        return None

    def cases(self, level: Level, count: int) -> Iterator[Case]:
        """Yield the first `count` pictures of a level."""
        key = zlib.crc32(f"{level.nuisance}/{level.name}".encode())
        font = font_of(level.setting, self.fonts)
        for index in range(count):
            chance = np.random.default_rng([SEED, key, index])
            yield _Drawing(level.setting, font, self._ground(level.setting, chance), chance).case()

    def _ground(self, setting: Setting, chance: np.random.Generator) -> NDArray[np.uint8]:
        rows, columns = setting.size
        canvas = np.full((rows, columns, 3), setting.ground_level, np.uint8)
        if setting.ground == "pictures":
            picture = self.pictures[int(chance.integers(len(self.pictures)))]
            grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            canvas[:] = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)[..., None]
        elif setting.ground == "noise":
            canvas[:] = np.clip(chance.normal(90, 25, (rows, columns, 1)), 0, 255)
        elif setting.ground != "flat":
            level = 185 if setting.ground == "bright anatomy" else 50
            canvas[:] = _tissue(rows, columns, level, chance)[..., None]
        return canvas


def measured(
    finder: Finder, stress: Stress, levels: Sequence[Level], *, images: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return by nuisance and level what was found: counts of all pictures and of the `FIRST`.

    With text the counts are lines asked for and found, without it pictures and those
    that were touched. Of pictures of several thousand pixels a tenth are drawn, at
    least two. Levels that cannot be drawn are left out.
    """
    told: dict[str, dict[str, dict[str, Any]]] = {}
    for level in levels:
        if stress.lacks(level) is not None:
            continue
        large = max(level.setting.size) > _TILE_PIXELS
        count = min(images, max(2, images // 10)) if large else images
        negative = level.setting.negative is not None
        kinds = ("images", "images_touched") if negative else ("items", "items_covered")
        pairs = []
        for case in stress.cases(level, count):
            counts, _ = counts_of(case, [one.box for one in finder.find([case.picture])[0]])
            pairs.append([counts[kind] for kind in kinds])
        asked, found = (int(n) for n in np.sum(pairs, 0))
        first = [int(n) for n in np.sum(pairs[:FIRST], 0)]
        told.setdefault(level.nuisance, {})[level.name] = {
            "asked": asked,
            "touched" if negative else "found": found,
            "first": first,
        }
    return told


class _Drawing:
    """One picture of a level."""

    def __init__(
        self,
        setting: Setting,
        font: Path | None,
        canvas: NDArray[np.uint8],
        chance: np.random.Generator,
    ) -> None:
        self._setting = setting
        self._canvas = canvas
        self._chance = chance
        self._writer = Writer(chance)
        self._taken = np.zeros(canvas.shape[:2], np.bool_)
        face = None if font is None else _face(font, setting)
        self._hand = Hand(face, setting.script, setting.capital_pixels, chance)

    def case(self) -> Case:
        """Draw, and return the picture with what stands on it."""
        setting = self._setting
        items: list[Item] = []
        if setting.negative is not None:
            if setting.negative in GRAPHICS:
                GRAPHICS[setting.negative](self._canvas, self._chance)
        elif setting.place == "seam":
            items = [item for x, y in self._seams() if (item := self._line((x, y))) is not None]
        else:
            found = (self._line() for _ in range(_LINES))
            items = [item for item in found if item is not None]
        picture = _damaged(self._canvas, setting.damage)
        picture = np.ascontiguousarray(picture)
        view = in_views(picture) if picture.ndim == 2 else picture
        return Case("stress", Dataset(), 0, (view,), picture, tuple(items))

    def _line(self, middle: tuple[int, int] | None = None) -> Item | None:
        alpha = self._stamp()
        if alpha is None:
            return None
        alpha, corners = _turned(alpha, self._setting.angle_degrees)
        rows, columns = self._canvas.shape[:2]
        height, width = alpha.shape
        if height > rows or width > columns:
            return None
        for _ in range(_TRIES):
            left = int(self._chance.integers(0, columns - width + 1))
            top = int(self._chance.integers(0, rows - height + 1))
            if middle is not None:
                left, top = middle[0] - width // 2, middle[1] - height // 2
            elif self._setting.place == "border":
                left, top = (0, top) if self._chance.random() < 0.5 else (left, 0)
            elif self._setting.place == "cut off":
                left = -int(width * self._chance.uniform(0.15, 0.5))
            x0, y0 = max(0, left), max(0, top)
            x1, y1 = min(columns, left + width), min(rows, top + height)
            if x0 < x1 and y0 < y1 and not self._taken[y0:y1, x0:x1].any():
                self._paint(alpha[y0 - top : y1 - top, x0 - left : x1 - left], x0, y0)
                # A gap of a letter's height keeps lines apart: two in a row are no nuisance here.
                gap = round(self._setting.capital_pixels)
                self._taken[max(0, y0 - gap) : y1 + gap, max(0, x0 - gap) : x1 + gap] = True
                placed = corners + np.array((left, top), np.float32)
                return Item(np.clip(placed, 0, (columns, rows)).astype(np.float32))
        return None

    def _stamp(self) -> NDArray[np.uint8] | None:
        text = self._writer.line(self._setting.script)
        most = _MOST_OF_WIDTH * min(self._canvas.shape[:2])
        while text:
            alpha = self._written(text)
            if alpha is None or alpha.shape[1] <= most:
                return alpha
            text = text[:-1].strip()
        return None

    def _written(self, text: str) -> NDArray[np.uint8] | None:
        if self._setting.plotted:
            return plotted(text, self._setting.capital_pixels)
        return self._hand.stamp(text)

    def _paint(self, alpha: NDArray[np.uint8], left: int, top: int) -> None:
        height, width = alpha.shape
        place = self._canvas[top : top + height, left : left + width]
        if self._setting.style == "outline":
            _blend(place, np.asarray(cv2.dilate(alpha, np.ones((3, 3), np.uint8))), (0, 0, 0))
        elif self._setting.style == "shadow":
            moved = np.zeros_like(alpha)
            moved[1:, 1:] = alpha[:-1, :-1]
            _blend(place, moved, (0, 0, 0))
        _blend(place, alpha, self._setting.ink)

    def _seams(self) -> Iterator[tuple[int, int]]:
        """Yield places where two or four tiles of a large frame meet."""
        downs, acrosses = (_cuts(length) for length in self._canvas.shape[:2])
        for y in downs:
            for x in acrosses:
                yield x, y
                yield x + _TILE_PIXELS // 2, y
        for x in acrosses:
            yield x, _TILE_PIXELS // 2


def _cuts(length: int) -> list[int]:
    """Return where the tiles of an axis meet, as the finder cuts it."""
    plan = spans(length, side=_TILE_PIXELS, overlap=_TILE_OVERLAP_PIXELS, stride=_STRIDE)
    return [span.kept_stop for span in plan[:-1]]


def _face(font: Path, setting: Setting) -> Face:
    bitmap = font.name.endswith((".otb", ".pcf.gz"))
    return Face(font, (setting.script,), round(setting.capital_pixels) if bitmap else None)


def _tissue(rows: int, columns: int, level: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return clouds of two sizes around a grey level, as soft tissue looks."""
    noise = chance.normal(0, 1, (rows, columns)).astype(np.float32)
    cloud = np.zeros_like(noise)
    for size, weight in ((12.0, 18.0), (2.0, 7.0)):
        soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), size), np.float32)
        cloud += weight * soft / float(soft.std())
    return np.clip(level + cloud, 0, 255).astype(np.uint8)


def _turned(
    alpha: NDArray[np.uint8], angle_degrees: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a stamp turned anticlockwise, and the corners of its line there."""
    height, width = alpha.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    if not angle_degrees:
        return alpha, corners
    turn = cv2.getRotationMatrix2D((0, 0), angle_degrees, 1.0)
    # Whole pixels at right angles: the centres of pixels turn, not their corners.
    moved = (corners @ turn[:, :2].T).astype(np.float32)
    low = np.floor(moved.min(0) + 1e-3)
    size = np.ceil(moved.max(0) - low - 1e-3).astype(int)
    if angle_degrees % 90 == 0:
        turned = np.ascontiguousarray(np.rot90(alpha, angle_degrees // 90))
    else:
        turn[:, 2] -= low
        turned = np.asarray(
            cv2.warpAffine(alpha, turn, (int(size[0]), int(size[1])), flags=cv2.INTER_LINEAR)
        )
    return turned.astype(np.uint8), (moved - low).astype(np.float32)


def _blend(place: NDArray[np.uint8], alpha: NDArray[Any], colour: tuple[int, int, int]) -> None:
    share = alpha.astype(np.float32)[..., None] / 255
    place[:] = (place + share * (np.array(colour, np.float32) - place) + 0.5).astype(np.uint8)


def _damaged(picture: NDArray[np.uint8], damage: str) -> NDArray[np.uint8]:
    if damage == "interlace":
        picture = picture.copy()
        picture[1::2] = np.roll(picture[1::2], 1, axis=1)
    elif damage == "blur":
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)
    elif damage.startswith("JPEG"):
        quality = int(damage.split()[1])
        _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    return picture
