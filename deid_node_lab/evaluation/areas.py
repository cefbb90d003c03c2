"""Which pixels a line of text takes up in its frame.

A line has four corners and may be slanted or reach over the border, so its pixels are
told as a mask in a place of the frame, never as a box alone.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.cases import Item

Place: TypeAlias = tuple[slice, slice]
"""Index of a part of a frame: rows, then columns."""


def painted(
    corners: NDArray[np.float32], shape: tuple[int, ...], *, more: int = 0
) -> tuple[Place, Mask]:
    """Return where a line lies in a frame of `shape`, and which pixels there are inside it.

    `more` pixels of room are left around, so that it may be dilated in its place.
    """
    rows, columns = shape[:2]
    low = np.clip(np.floor(corners.min(0)).astype(int) - more, 0, (columns, rows))
    high = np.clip(np.ceil(corners.max(0)).astype(int) + more, low, (columns, rows))
    left, top = (int(n) for n in low)
    width, height = (int(n) for n in high - low)
    inside = np.zeros((height, width), np.uint8)
    if inside.size:
        # Corners are edges of pixels; fillPoly takes centres and paints its border too.
        centre = corners.mean(0)
        points = corners + np.sign(centre - corners) * 0.5 - (left, top)
        cv2.fillPoly(inside, [points.round().astype(np.int32)], 1)
    return (slice(top, top + height), slice(left, left + width)), inside > 0


def upright(item: Item, *, rows: int, columns: int) -> Box:
    """Return the upright box around a line, cut at the frame's edge, of one pixel at least."""
    left, top = (int(n) for n in np.floor(item.corners.min(0)))
    right, bottom = (int(n) for n in np.ceil(item.corners.max(0)))
    left, top = min(max(0, left), columns - 1), min(max(0, top), rows - 1)
    return Box(left, top, max(left + 1, min(columns, right)), max(top + 1, min(rows, bottom)))
