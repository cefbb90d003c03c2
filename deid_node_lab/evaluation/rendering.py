"""Text as small as scanners write it, drawn onto images that hold none.

Half of the lines have capitals below nine pixels, most are white, and they stand
over anatomy as often as beside it. The hand, the words and the paint are those of
the training's generator; the fonts should not be.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node_lab.evaluation.cases import Item
from deid_node_lab.training.content import Writer
from deid_node_lab.training.faces import Face
from deid_node_lab.training.painter import Ink, Painter
from deid_node_lab.training.stamps import Hand, Scribe

_MEDIAN_CAPITAL_PIXELS = 8.5
_SPREAD = 0.3
_LEAST_CAPITAL_PIXELS, _MOST_CAPITAL_PIXELS = 6.0, 40.0
_COLOURS = ((255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 128, 0))
_TRIES = 4


class ScannerText:
    """Draws blocks in corners and single lines anywhere; no line touches another.

    Parameters
    ----------
    faces
        Fonts; none gives the stroke fonts of OpenCV.
    seed
        With the index of a picture it decides all that is drawn on it.
    """

    def __init__(self, faces: Sequence[Face], *, seed: int) -> None:
        self._scribe = Scribe(faces)
        self._seed = seed

    def render(self, picture: DisplayFrame, index: int) -> tuple[DisplayFrame, tuple[Item, ...]]:
        """Return a copy of `picture` with text on it, and the lines as they stand there."""
        chance = np.random.default_rng([self._seed, index])
        grey = picture.ndim == 2
        canvas = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if grey else picture.copy()
        sheet = _Sheet(np.asarray(canvas, np.uint8), chance, self._scribe, grey=grey)
        corners = chance.permutation(4)[: int(chance.choice([1, 2, 3], p=[0.3, 0.4, 0.3]))]
        for corner in corners:
            sheet.block(int(corner))
        for _ in range(int(chance.integers(1, 4))):
            sheet.line_anywhere()
        if chance.random() < 0.4:
            sheet.mark()
        drawn = sheet.canvas[..., 0] if grey else sheet.canvas
        return np.ascontiguousarray(drawn), sheet.items()


class _Sheet:
    """One picture being written on."""

    def __init__(
        self,
        canvas: NDArray[np.uint8],
        chance: np.random.Generator,
        scribe: Scribe,
        *,
        grey: bool,
    ) -> None:
        self.canvas = canvas
        self._painter = Painter(canvas, chance, grey=grey)
        self._chance = chance
        self._scribe = scribe
        self._writer = Writer(chance)
        self._grey = grey
        self._texts: list[str] = []

    def items(self) -> tuple[Item, ...]:
        """Return the lines that were drawn."""
        lines = self._painter.lines
        return tuple(
            Item(line.corners, text) for line, text in zip(lines, self._texts, strict=True)
        )

    def block(self, corner: int) -> None:
        """Write two to five lines under each other in a corner (0 to 3)."""
        rows, columns = self.canvas.shape[:2]
        hand, ink = self._hand(), self._ink()
        margin = int(self._chance.integers(2, 13))
        gap = int(self._chance.integers(2, 7))
        stamps = [self._stamp(hand, self._writer.line(hand.script)) for _ in range(5)]
        kept = [one for one in stamps if one is not None][: int(self._chance.integers(2, 6))]
        height = sum(alpha.shape[0] + gap for _, alpha in kept)
        top = margin if corner < 2 else rows - margin - height
        for text, alpha in kept:
            left = margin if corner % 2 == 0 else columns - margin - alpha.shape[1]
            self._put(text, alpha, left, top, ink)
            top += alpha.shape[0] + gap

    def line_anywhere(self) -> None:
        """Write one line in its own hand where it finds room."""
        hand = self._hand()
        self._scatter(hand, self._writer.line(hand.script))

    def mark(self) -> None:
        """Write a laterality or orientation mark somewhere."""
        self._scatter(self._hand(), self._writer.mark())

    def _scatter(self, hand: Hand, text: str) -> None:
        stamp = self._stamp(hand, text)
        if stamp is None:
            return
        ink = self._ink()
        rows, columns = self.canvas.shape[:2]
        for _ in range(_TRIES):
            alpha = stamp[1]
            left = int(self._chance.integers(0, columns - alpha.shape[1] + 1))
            top = int(self._chance.integers(0, rows - alpha.shape[0] + 1))
            if self._put(text, alpha, left, top, ink):
                return

    def _put(self, text: str, alpha: NDArray[np.uint8], left: int, top: int, ink: Ink) -> bool:
        rows, columns = self.canvas.shape[:2]
        inside = left >= 0 and top >= 0
        inside = inside and left + alpha.shape[1] <= columns and top + alpha.shape[0] <= rows
        if not (inside and self._painter.put(alpha, left, top, ink)):
            return False
        self._texts.append(text)
        return True

    def _stamp(self, hand: Hand, text: str) -> tuple[str, NDArray[np.uint8]] | None:
        alpha = hand.stamp(text)
        rows, columns = self.canvas.shape[:2]
        if alpha is None or alpha.shape[0] > rows or alpha.shape[1] > columns:
            return None
        return text, alpha

    def _hand(self) -> Hand:
        capital = _MEDIAN_CAPITAL_PIXELS * float(np.exp(self._chance.normal(0, _SPREAD)))
        capital = float(np.clip(capital, _LEAST_CAPITAL_PIXELS, _MOST_CAPITAL_PIXELS))
        return self._scribe.hand(self._chance, capital)

    def _ink(self) -> Ink:
        draw = self._chance.random()
        if draw < 0.75:
            return Ink((255, 255, 255))
        if draw < 0.87:
            level = int(self._chance.integers(170, 245))
            return Ink((level, level, level))
        if draw < 0.94 or self._grey:
            return Ink((0, 0, 0))
        return Ink(_COLOURS[int(self._chance.integers(len(_COLOURS)))])
