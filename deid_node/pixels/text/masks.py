"""Boxes that were found, made ready to be filled.

A mask is always made of whole boxes, widened: a mask in the shape of the strokes
could be read like the strokes. What is reported is the widened box, because
every pixel in it may change and none outside does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from deid_node.pixeldata.arrays import Mask
from deid_node.values.geometry import Box

FIXED: Final = "device_rule"
"""Source of a box that a site or the scanner has set."""

LEAST_MARGIN_PIXELS: Final = 3
MOST_MARGIN_PIXELS: Final = 8
JITTER_PIXELS: Final = 4
"""How far boxes of one and the same line may differ from look to look."""

PERSON: Final = "person"
"""Source of a box that a person has drawn, or agreed to, after looking at this instance."""

GIVEN: Final = frozenset({FIXED, PERSON})
"""Sources of boxes that nobody has to be sure of: they were not found."""

_MARGIN_OF_HEIGHT: Final = 6
_MERGE_WASTE: Final = 1.05
"""Two boxes that meet become one if that masks at most a twentieth more than both.

Lines of unequal length that stand close would else grow into a slab: on real screens most
of what is masked without need came from there (docs/decisions/pixels-finding.md)."""


@dataclass(frozen=True, slots=True, order=True)
class Marked:
    """A box to be filled, why (`source`: the finder's name or ``device_rule``) and how sure.

    `exact` says that the box gets no margin, and is never joined to a larger one.
    """

    box: Box
    score: float
    source: str
    exact: bool = False


def widened(
    marks: Iterable[Marked], *, rows: int, columns: int, grid_pixels: int = 1
) -> tuple[Marked, ...]:
    """Return `marks` with a margin, on a grid, cut at the frame's edge, merged.

    Parameters
    ----------
    marks
        As found; a box outside the frame is dropped, one across its edge is cut.
    rows, columns
        Of the frame.
    grid_pixels
        Edges move outwards to multiples of this: 8 or 16 for a JPEG, whose blocks
        carry an echo of the strokes to their own edge; 2 for subsampled colour.
    """
    grown = []
    for mark in marks:
        if mark.box.left >= columns or mark.box.top >= rows:
            continue
        height = mark.box.bottom - mark.box.top
        # A line of text may come as a box higher than wide; the shorter side is the letter.
        letter = min(height, mark.box.right - mark.box.left)
        margin = max(LEAST_MARGIN_PIXELS, min(letter // _MARGIN_OF_HEIGHT, MOST_MARGIN_PIXELS))
        reach = 0 if mark.exact else margin
        box = _snapped(mark.box.grown(reach, rows=rows, columns=columns), grid_pixels)
        cut = Box(box.left, box.top, min(columns, box.right), min(rows, box.bottom))
        grown.append(replace(mark, box=cut))
    return merged(grown)


def merged(marks: Iterable[Marked]) -> tuple[Marked, ...]:
    """Return `marks` with those joined that cover much the same, sorted.

    The union of the boxes never shrinks; score and source are the surer one's.
    """
    left = sorted(set(marks))
    again = True
    while again:
        again = False
        kept: list[Marked] = []
        for mark in left:
            for index, other in enumerate(kept):
                joined = _joined(mark, other)
                if joined is not None:
                    kept[index] = joined
                    again = True
                    break
            else:
                kept.append(mark)
        left = sorted(set(kept))
    return tuple(left)


def mask_of(boxes: Iterable[Box], *, rows: int, columns: int) -> Mask:
    """Return a mask ``(rows, columns)`` that is True in each of `boxes`."""
    mask = np.zeros((rows, columns), dtype=np.bool_)
    for box in boxes:
        mask[box.slices] = True
    return mask


def neighbourhoods(
    boxes: Sequence[Box], reach_pixels: int, *, rows: int, columns: int
) -> tuple[tuple[int, ...], ...]:
    """Return the indices of `boxes` in groups that lie within `reach_pixels` of each other.

    One group is filled at once, so that no seam shows between two lines of a block.
    """
    grown = [box.grown(reach_pixels, rows=rows, columns=columns) for box in boxes]
    groups: list[list[int]] = []
    for index in range(len(boxes)):
        touching = [g for g in groups if any(grown[index].intersects(boxes[n]) for n in g)]
        groups = [g for g in groups if g not in touching]
        groups.append(sorted([index, *(n for g in touching for n in g)]))
    return tuple(tuple(group) for group in sorted(groups))


def is_covered(box: Box, others: Iterable[Box]) -> bool:
    """Return whether `others` cover `box`, but for a rim that is as wide as boxes jitter."""
    across = min(JITTER_PIXELS, (box.right - box.left - 1) // 2)
    down = min(JITTER_PIXELS, (box.bottom - box.top - 1) // 2)
    inner = Box(box.left + across, box.top + down, box.right - across, box.bottom - down)
    open_pixels = np.ones((inner.bottom - inner.top, inner.right - inner.left), np.bool_)
    for other in others:
        if inner.intersects(other):
            left, top = max(0, other.left - inner.left), max(0, other.top - inner.top)
            open_pixels[top : other.bottom - inner.top, left : other.right - inner.left] = False
    return not open_pixels.any()


def hull(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of `boxes`."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def _snapped(box: Box, grid: int) -> Box:
    return Box(
        box.left // grid * grid,
        box.top // grid * grid,
        -(-box.right // grid) * grid,
        -(-box.bottom // grid) * grid,
    )


def _joined(one: Marked, two: Marked) -> Marked | None:
    a, b = one.box, two.box
    if not a.intersects(b):
        return None
    shared = (min(a.right, b.right) - max(a.left, b.left)) * (
        min(a.bottom, b.bottom) - max(a.top, b.top)
    )
    both = hull((a, b))
    if one.exact or two.exact:
        return next((mark for mark in (one, two) if mark.exact and mark.box == both), None)
    if both.area_pixels > _MERGE_WASTE * (a.area_pixels + b.area_pixels - shared):
        return None
    surer = max(one, two, key=lambda mark: (mark.score, mark.source))
    return Marked(both, surer.score, surer.source)
