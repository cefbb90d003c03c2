"""The views of all holes as one arm left them, and the squares that networks are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.tones import Shown
from deid_node_lab.evaluation.restoration.arms import Attempt
from deid_node_lab.evaluation.restoration.holes import Hole
from deid_node_lab.evaluation.restoration.schooling import cut

_STRIDE_PIXELS: Final = 40
_MOST_SPOTS: Final = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """A point under the mask of hole number `hole`, in pixels of its view."""

    hole: int
    row: int
    column: int


@dataclass(frozen=True, slots=True, eq=False)
class Viewed:
    """What is measured at one hole: the truth and its mask, cut to the view, 0 to 255."""

    truth: Shown
    mask: Mask
    source: str
    modality: str
    background: str
    ground: str
    deep: bool
    frame_pixels: int


def viewed(holes: Sequence[Hole]) -> tuple[Viewed, ...]:
    """Return the truth at each hole."""
    return tuple(
        Viewed(
            hole.picture.shown(hole.picture.values[hole.view.slices]),
            hole.mask[hole.view.slices],
            hole.picture.source,
            hole.picture.modality,
            hole.background,
            str(hole.ground),
            hole.picture.deep,
            hole.picture.layout.rows * hole.picture.layout.columns,
        )
        for hole in holes
    )


def shown_fills(holes: Sequence[Hole], attempts: Sequence[Attempt]) -> list[Shown]:
    """Return the views as an arm left them, 0 to 255."""
    return [
        hole.picture.shown(attempt.values) for hole, attempt in zip(holes, attempts, strict=True)
    ]


def spots_of(holes: Sequence[Hole], chosen: Sequence[int]) -> tuple[Spot, ...]:
    """Return points along the lines of the chosen holes, at most three a hole."""
    spots: list[Spot] = []
    for number in chosen:
        hole = holes[number]
        own = []
        for box in hole.boxes:
            row = (box.top + box.bottom) // 2 - hole.view.top
            count = max(1, (box.right - box.left) // _STRIDE_PIXELS)
            middles = np.linspace(box.left, box.right, 2 * count + 1)[1::2]
            own += [Spot(number, row, int(middle) - hole.view.left) for middle in middles]
        step = max(1, -(-len(own) // _MOST_SPOTS))
        spots += own[::step]
    return tuple(spots)


def patches_at(pictures: Sequence[Shown], spots: Sequence[Spot], side: int) -> list[Shown]:
    """Return the square of `side` pixels about each spot."""
    return [cut(pictures[spot.hole], spot.row, spot.column, side) for spot in spots]


def masks_at(views: Sequence[Viewed], spots: Sequence[Spot], side: int) -> list[Mask]:
    """Return the mask in the square of `side` pixels about each spot."""
    covered = [view.mask.astype(np.float32) for view in views]
    return [patch > 0 for patch in patches_at(covered, spots, side)]
