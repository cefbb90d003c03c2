"""Lines for a reader to learn from: painted on pages, damaged with them, cut as finders cut.

Several lines share a page, so that a cut shows what real cuts show: slivers of the
line above, bright anatomy below, the neighbour's first stroke.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.text.read.base import UNKNOWN
from deid_node.values.geometry import Box
from deid_node_lab.training.alphabet import asked_for
from deid_node_lab.training.backgrounds import Background, Pictures
from deid_node_lab.training.degrade import degraded
from deid_node_lab.training.distractors import distract
from deid_node_lab.training.painter import Painter
from deid_node_lab.training.scenes import scene
from deid_node_lab.training.stamps import Scribe
from deid_node_lab.training.wording import Wording

_LEAST_SIDE, _MOST_SIDE = 96, 448
_WIDEST = 13.0  # heights of a cut; a wider one costs more than it teaches
_TWO_LINES_SHARE = 0.06
_TURNED_SHARE = 0.03
_SLICED_SHARE = 0.02
_TEXT_FREE_SHARE = 0.08
_MOST_LINES = 6  # of one page: a batch shall show many hands


@dataclass(frozen=True, slots=True)
class LineSample:
    """A cut of a page, the text that a reader is to say, and the height of the ink in pixels.

    The height is 0 where nothing is written.
    """

    crop: DisplayFrame
    text: str
    height: float


@dataclass(frozen=True, slots=True)
class _Written:
    text: str
    corners: NDArray[np.float32]
    height: float


class LineMaker:
    """Makes pages of lines from backgrounds, fonts and a seed."""

    def __init__(self, backgrounds: Sequence[Background], scribe: Scribe, *, seed: int) -> None:
        self._pictures = Pictures(backgrounds)
        self._scribe = scribe
        self._seed = seed

    def page(self, index: int) -> tuple[LineSample, ...]:
        """Return the lines of page number `index`: none to six."""
        chance = np.random.default_rng([self._seed, index])
        capital = _capital_pixels(chance)
        side = int(np.clip(capital * chance.uniform(8, 17), _LEAST_SIDE, _MOST_SIDE))
        grey = bool(chance.random() < 0.6)
        canvas = scene(self._pictures, side, chance)
        if grey:
            canvas = np.repeat(cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
        if chance.random() < 0.35:
            distract(canvas, chance, int(chance.integers(1, 4)), grey=grey)
        painter = Painter(canvas, chance, grey=grey)
        written: tuple[_Written, ...] = ()
        if chance.random() > _TEXT_FREE_SHARE:
            written = tuple(self._write(painter, capital))
        picture, scale = _resampled(canvas, chance)
        picture = degraded(picture, chance)
        written = tuple(
            _Written(one.text, one.corners * scale, one.height * scale) for one in written
        )
        cuts = tuple(_cuts(picture, written, chance)) if written else _without_text(picture, chance)
        chosen = chance.permutation(len(cuts))[:_MOST_LINES]
        return tuple(cuts[number] for number in sorted(chosen))

    def _write(self, painter: Painter, capital: float) -> Iterator[_Written]:
        chance = painter.chance
        hand, ink = self._scribe.hand(chance, capital), painter.ink()
        wording = Wording(chance)
        gap = int(max(1, chance.uniform(0.05, 0.9) * capital))
        slant = float(chance.uniform(-3, 3)) if chance.random() < 0.12 else 0.0
        top = int(chance.integers(0, max(1, round(capital))))
        while top + capital < painter.side:
            if chance.random() < 0.12:
                hand, ink = self._scribe.hand(chance, capital), painter.ink()
            left, lowest = int(chance.integers(0, max(2, painter.side // 3))), top
            while left + capital < painter.side:
                text = wording.line(hand.script)
                stamp = hand.stamp(text) if text.strip() else None
                if stamp is None:
                    break
                if left + stamp.shape[1] <= painter.side and painter.put(
                    stamp, left, top, ink, slant_degrees=slant
                ):
                    line = painter.lines[-1]
                    yield _Written(asked_for(text), line.corners, float(stamp.shape[0]))
                    lowest = max(lowest, round(float(line.corners[:, 1].max())))
                left += stamp.shape[1] + round(float(chance.uniform(0.6, 6.0)) * capital)
            top = max(lowest, top + round(0.5 * capital)) + gap


def _capital_pixels(chance: np.random.Generator) -> float:
    draw = chance.random()
    if draw < 0.5:
        return float(chance.uniform(5.5, 11))
    if draw < 0.85:
        return float(chance.uniform(11, 22))
    return float(np.exp(chance.uniform(np.log(22), np.log(80))))


def _resampled(
    canvas: NDArray[np.uint8], chance: np.random.Generator
) -> tuple[NDArray[np.uint8], float]:
    if chance.random() > 0.25:
        return canvas, 1.0
    side = round(canvas.shape[0] * float(np.exp(chance.uniform(-0.35, 0.5))))
    method = int(chance.choice([cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC]))
    picture = cv2.resize(canvas, (side, side), interpolation=method)
    return np.asarray(picture, np.uint8), side / canvas.shape[0]


def _cuts(
    picture: NDArray[np.uint8], written: Sequence[_Written], chance: np.random.Generator
) -> Iterator[LineSample]:
    for number, one in enumerate(written):
        box = _as_found(one.corners, picture, chance)
        if box is None or not one.text:
            continue
        if chance.random() < _TWO_LINES_SHARE:
            yield from _with_the_next(picture, one, written[number + 1 :], chance)
        elif len(one.text) > 3 and chance.random() < _TURNED_SHARE:
            yield _sample(np.rot90(picture[box.slices], int(chance.integers(1, 4))), UNKNOWN, one)
        elif len(one.text) > 3 and chance.random() < _SLICED_SHARE:
            ink = float(one.corners[:, 1].min())
            cut = round(ink + one.height * float(chance.uniform(0.35, 0.5)))
            cut = max(box.top + 2, min(box.bottom, cut))
            yield _sample(picture[box.top : cut, box.left : box.right], UNKNOWN, one)
        elif box.right - box.left <= _WIDEST * (box.bottom - box.top):
            yield _sample(picture[box.slices], one.text, one)


def _with_the_next(
    picture: NDArray[np.uint8],
    one: _Written,
    others: Sequence[_Written],
    chance: np.random.Generator,
) -> Iterator[LineSample]:
    """Yield a cut of two lines at once: whoever reads but one of them hides the other."""
    for other in others:
        overlap = min(one.corners[1, 0], other.corners[1, 0]) - max(
            one.corners[0, 0], other.corners[0, 0]
        )
        below = other.corners[0, 1] >= one.corners[2, 1] - 0.1 * one.height
        close = other.corners[0, 1] - one.corners[2, 1] < one.height
        if below and close and overlap > 0:
            box = _as_found(np.concatenate([one.corners, other.corners]), picture, chance)
            if box is not None:
                yield _sample(picture[box.slices], UNKNOWN, one)
            return


def _without_text(
    picture: NDArray[np.uint8], chance: np.random.Generator
) -> tuple[LineSample, ...]:
    return tuple(
        LineSample(np.ascontiguousarray(picture[_anywhere(picture, chance).slices]), "", 0.0)
        for _ in range(_MOST_LINES)
    )


def _anywhere(picture: NDArray[np.uint8], chance: np.random.Generator) -> Box:
    side = picture.shape[0]
    height = int(np.clip(np.exp(chance.uniform(np.log(7), np.log(60))), 4, side // 2))
    width = int(np.clip(height * np.exp(chance.uniform(np.log(0.4), np.log(8))), 4, side - 1))
    left, top = int(chance.integers(0, side - width)), int(chance.integers(0, side - height))
    return Box(left, top, left + width, top + height)


def _as_found(
    corners: NDArray[np.float32], picture: NDArray[np.uint8], chance: np.random.Generator
) -> Box | None:
    """Return the box that a finder might give: the ink, one pixel less to some more."""
    rows, columns = picture.shape[:2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    if low.min() < -1 or high[0] > columns + 1 or high[1] > rows + 1:
        return None
    most = max(4.0, 0.25 * float(high[1] - low[1])) if chance.random() < 0.15 else 4.0
    left, top, right, bottom = chance.uniform(-1, most, 4)
    x0, y0 = max(0, round(float(low[0] - left))), max(0, round(float(low[1] - top)))
    x1 = min(columns, round(float(high[0] + right)))
    y1 = min(rows, round(float(high[1] + bottom)))
    return Box(x0, y0, x1, y1) if x1 - x0 >= 2 and y1 - y0 >= 3 else None


def _sample(crop: NDArray[np.uint8], text: str, line: _Written) -> LineSample:
    return LineSample(np.ascontiguousarray(crop), text, line.height)
