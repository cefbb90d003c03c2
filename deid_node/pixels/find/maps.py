"""Boxes from the two maps that the network draws.

The region map says where text is; the core map, a thinner one, says which lines
there are. Every pixel of the region ends in a box: where a core is missing the
region stands for itself, since a box too many costs less than a name left.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.values.geometry import Box, Found

_CORE_SCORE = 0.5
_LEAST_AREA = 3


def boxes_of_maps(
    core: NDArray[np.float32],
    region: NDArray[np.float32],
    *,
    min_score: float,
    edge_score: float,
    scale: int,
    rows: int,
    columns: int,
) -> tuple[Found, ...]:
    """Return the boxes that the maps of one frame show, from top to bottom.

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
        return ()
    down, across = np.nonzero(inside)
    island = islands[down, across].astype(np.int64)
    line = _nearest_core(core, inside, island, count)
    keys = island * (int(line.max()) + 1) + line
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    areas = np.diff(starts, append=len(order))
    edges = [
        reduce.reduceat(values[order], starts)
        for reduce, values in (
            (np.minimum, across),
            (np.minimum, down),
            (np.maximum, across),
            (np.maximum, down),
            (np.maximum, region[down, across]),
        )
    ]
    found: list[Found] = []
    for area, left, top, right, bottom, score in zip(areas, *edges, strict=True):
        x0, y0 = int(left) * scale, int(top) * scale
        x1, y1 = min(columns, (int(right) + 1) * scale), min(rows, (int(bottom) + 1) * scale)
        if area >= _LEAST_AREA and score >= min_score and x0 < x1 and y0 < y1:
            found.append(Found(Box(x0, y0, x1, y1), float(score)))
    return tuple(sorted(found, key=lambda one: (one.box.top, one.box.left)))


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
