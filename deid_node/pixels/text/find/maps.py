"""Boxes from the two maps that the network draws.

The region map says where text is; the core map, a thinner one, says which lines
there are. Every pixel of the region ends in a box: where a core is missing the
region stands for itself, since a box too many costs less than a name left.

A line that runs askew would need a box as high as it is long, and all that lies
below would go with it: it comes as steps, small boxes that follow it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.values.geometry import Box, Found

_CORE_SCORE = 0.5
_LEAST_AREA = 3
_FULL_SHARE: Final = 0.6
"""Share of its box that an upright region fills; below it the box is parted."""
_LEAST_STEP: Final = 6
"""Length of a box, in pixels of the map, that is not parted."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """What the maps of a frame show: `lines` that lie straight, `steps` of those that do not."""

    lines: tuple[Found, ...]
    steps: tuple[Found, ...]


def boxes_of_maps(
    core: NDArray[np.float32],
    region: NDArray[np.float32],
    *,
    min_score: float,
    edge_score: float,
    scale: int,
    rows: int,
    columns: int,
) -> Boxes:
    """Return the boxes that the maps of one frame show, each kind from top to bottom.

    Parameters
    ----------
    core, region
        Certainties between 0 and 1, ``(rows / scale, columns / scale)``, rounded up.
    min_score
        Least peak of the region map inside a box.
    edge_score
        A box reaches as far as the region map stays at or above this.
    scale
        Pixels of the frame for one pixel of a map.
    rows, columns
        Size of the frame; boxes are cut to it.
    """
    inside = (region >= min(edge_score, min_score)).astype(np.uint8)
    count, islands = cv2.connectedComponents(inside, connectivity=8)
    if count == 1:
        return Boxes((), ())
    down, across = np.nonzero(inside)
    island = islands[down, across].astype(np.int64)
    line = _nearest_core(core, inside, island, count)
    keys = island * (int(line.max()) + 1) + line
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    score = np.maximum.reduceat(region[down, across][order], starts)
    ends = np.append(starts[1:], len(order))
    lines: list[Found] = []
    steps: list[Found] = []
    for start, end, peak in zip(starts, ends, score, strict=True):
        if end - start < _LEAST_AREA or peak < min_score:
            continue
        own = order[start:end]
        parts = tuple(_parted(across[own], down[own]))
        kind = lines if len(parts) == 1 else steps
        for left, top, right, bottom in parts:
            x0, y0 = left * scale, top * scale
            x1, y1 = min(columns, right * scale), min(rows, bottom * scale)
            if x0 < x1 and y0 < y1:
                kind.append(Found(Box(x0, y0, x1, y1), float(peak)))
    return Boxes(*(tuple(sorted(kind, key=_place)) for kind in (lines, steps)))


def _place(found: Found) -> tuple[int, int]:
    return found.box.top, found.box.left


def _parted(x: NDArray[np.intp], y: NDArray[np.intp]) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes ``left, top, right, bottom`` that hold the pixels at `x`, `y` and little else."""
    left, top, right, bottom = int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
    width, height = right - left, bottom - top
    if len(x) >= _FULL_SHARE * width * height or max(width, height) <= _LEAST_STEP:
        yield left, top, right, bottom
        return
    along, middle = (x, left + width // 2) if width >= height else (y, top + height // 2)
    for half in (along < middle, along >= middle):
        if half.any():
            yield from _parted(x[half], y[half])


def _nearest_core(
    core: NDArray[np.float32], inside: NDArray[np.uint8], island: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Return the number of the core nearest to each pixel inside; 0 on an island without one."""
    seeds = (core >= _CORE_SCORE) & (inside > 0)
    own = seeds[inside > 0]
    if not own.any():
        return np.zeros(len(island), np.int64)
    _, nearest = cv2.distanceTransformWithLabels(
        (~seeds).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_CCOMP
    )
    seeded = np.bincount(island[own], minlength=count) > 0
    return np.where(seeded[island], nearest[inside > 0], 0).astype(np.int64)
