"""Text drawn on held-out pictures, and the hole that the corridor would cut for it.

A hole keeps the truth below its text. Inpainters never get that: they get the
picture with text, through the same crop as in the corridor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask, StoredFrame
from deid_node.pixels.fill.choice import Ground, ground_of
from deid_node.pixels.fill.crops import Crop, crop_of
from deid_node.pixels.fill.solid import NARROW_PIXELS
from deid_node.pixels.fill.surround import islands_of
from deid_node.pixels.fill.tones import TOP
from deid_node.pixels.text.masks import Marked, hull, mask_of, widened
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.restoration.pictures import Picture
from deid_node_lab.training.content import Writer
from deid_node_lab.training.faces import Face
from deid_node_lab.training.stamps import Hand, Scribe

VIEW_PIXELS: Final = 72
"""How far around a hole its picture is kept for measuring: nothing beyond it changes."""

FLAT: Final = "flat"
ANATOMY: Final = "anatomy"
BACKGROUNDS: Final = (ANATOMY, FLAT)

_FLAT_GROUNDS: Final = frozenset({Ground.FLAT, Ground.GRADIENT})
_MEDIAN_CAPITAL_PIXELS: Final = 9.5
_SPREAD: Final = 0.35
_LEAST_CAPITAL_PIXELS, _MOST_CAPITAL_PIXELS = 6.0, 30.0
_TRIES: Final = 30
_BRIGHT_LEVEL: Final = 150
_MOST_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Stamped:
    """A line as it stands on a picture: its text, its ink from 0 to 255, its corner."""

    text: str = field(repr=False)
    alpha: NDArray[np.uint8] = field(repr=False)
    left: int
    top: int

    @property
    def box(self) -> Box:
        """Where its ink lies."""
        rows, columns = self.alpha.shape
        return Box(self.left, self.top, self.left + columns, self.top + rows)


@dataclass(frozen=True, eq=False)
class Hole:
    """One picture with a block of text, and the widened boxes that are filled."""

    picture: Picture
    lines: tuple[Stamped, ...]
    boxes: tuple[Box, ...]

    @cached_property
    def written(self) -> StoredFrame:
        """The picture with its text."""
        return written_on(self.picture, self.lines)

    @property
    def mask(self) -> Mask:
        """What is filled, over the whole frame."""
        layout = self.picture.layout
        return mask_of(self.boxes, rows=layout.rows, columns=layout.columns)

    @property
    def view(self) -> Box:
        """The part of the frame that is measured."""
        return self._around(VIEW_PIXELS)

    @cached_property
    def ground(self) -> Ground:
        """What its largest part lies on, as the corridor sees it."""
        crop = self.crop(NARROW_PIXELS)
        parts = islands_of(crop.target, crop.mask)
        island, ring = max(parts, key=lambda part: int(part[0].sum()))
        return ground_of(crop, island, ring)

    @property
    def background(self) -> str:
        """`FLAT` or `ANATOMY`."""
        return FLAT if self.ground in _FLAT_GROUNDS else ANATOMY

    def crop(self, context_pixels: int, *, prompt: str = "", seed: int = 0) -> Crop:
        """Return what an inpainter gets, cut from the picture with text."""
        window = self._around(context_pixels)
        return crop_of(
            self.written[window.slices], self.mask[window.slices], self.picture.layout, None,
            window=window, prompt=prompt, seed=seed,
        )  # fmt: skip

    def _around(self, pixels: int) -> Box:
        layout = self.picture.layout
        return hull(self.boxes).grown(pixels, rows=layout.rows, columns=layout.columns)


def written_on(picture: Picture, lines: Sequence[Stamped], *, strength: float = 1.0) -> StoredFrame:
    """Return a copy of a picture with `lines` on it: white, black where the ground is bright."""
    values = picture.values.copy()
    for line in lines:
        place = line.box.slices
        below = values[place].astype(np.float64)
        ink = 0.0 if picture.shown(values[place]).mean() > _BRIGHT_LEVEL else TOP
        share = line.alpha[..., None] if values.ndim == 3 else line.alpha
        level = picture.low + picture.step * ink
        below += strength * (share / TOP) * (level - below)
        values[place] = np.rint(below) if values.dtype.kind in "iu" else below
    return values


def holes_on(pictures: Sequence[Picture], faces: Sequence[Face], *, seed: int) -> Iterator[Hole]:
    """Yield for each picture a hole over anatomy and one over flat ground, where it has either."""
    scribe = Scribe(faces)
    for number, picture in enumerate(pictures):
        chance = np.random.default_rng([seed, number])
        wanted = set(BACKGROUNDS)
        for _ in range(_TRIES):
            hole = _placed(picture, block(scribe, chance), chance)
            if hole is not None and hole.background in wanted:
                wanted.remove(hole.background)
                yield hole
            if not wanted:
                break


def latin_hand(scribe: Scribe, chance: np.random.Generator, capital_pixels: float) -> Hand:
    """Return a way of writing letters that every reader knows."""
    while True:
        hand = scribe.hand(chance, capital_pixels)
        if hand.script == "latin":
            return hand


def capital_pixels(chance: np.random.Generator) -> float:
    """Return the height of a capital, as small as scanners write it."""
    capital = _MEDIAN_CAPITAL_PIXELS * float(np.exp(chance.normal(0, _SPREAD)))
    return float(np.clip(capital, _LEAST_CAPITAL_PIXELS, _MOST_CAPITAL_PIXELS))


def block(scribe: Scribe, chance: np.random.Generator) -> tuple[tuple[str, NDArray[np.uint8]], ...]:
    """Return one to three lines in one hand: their text and their ink."""
    hand = latin_hand(scribe, chance, capital_pixels(chance))
    writer = Writer(chance)
    texts = [writer.line(hand.script) for _ in range(int(chance.integers(1, 4)))]
    stamps = ((text, hand.stamp(text)) for text in texts)
    return tuple((text, alpha) for text, alpha in stamps if alpha is not None)


def hole_at(
    picture: Picture,
    stamps: Sequence[tuple[str, NDArray[np.uint8]]],
    left: int,
    top: int,
) -> Hole:
    """Return a hole for lines under each other, the first with its corner at ``(left, top)``."""
    lines = []
    for text, alpha in stamps:
        lines.append(Stamped(text, alpha, left, top))
        top += alpha.shape[0] + max(3, alpha.shape[0] // 3)
    return Hole(picture, tuple(lines), boxes_of(picture, lines))


def boxes_of(picture: Picture, lines: Sequence[Stamped]) -> tuple[Box, ...]:
    """Return the boxes that the corridor fills where a finder gives those of `lines`."""
    marks = [Marked(line.box, 1.0, "finder") for line in lines]
    layout = picture.layout
    return tuple(mark.box for mark in widened(marks, rows=layout.rows, columns=layout.columns))


def _placed(
    picture: Picture,
    stamps: Sequence[tuple[str, NDArray[np.uint8]]],
    chance: np.random.Generator,
) -> Hole | None:
    rows, columns = picture.layout.rows, picture.layout.columns
    height = sum(alpha.shape[0] + max(3, alpha.shape[0] // 3) for _, alpha in stamps)
    width = max((alpha.shape[1] for _, alpha in stamps), default=columns)
    if width >= columns or height >= rows or width * height > _MOST_SHARE * rows * columns:
        return None
    left = int(chance.integers(0, columns - width))
    top = int(chance.integers(0, rows - height))
    return hole_at(picture, stamps, left, top)
