"""Lone marks that a found box cuts: an L of which the box holds the upper half.

A box that ends inside a letter would leave the rest of the letter on the film. Such a
box is drawn out to the ink that hangs together with what it holds. Only thin strokes
on a ground that surrounds them all count: a bone, a disc or a bright area that goes on
beyond the window is no letter, and the box stays as it was found.
"""

import math
from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box, Found

LEAST_CONTRAST: Final = 50
"""Grey levels between ink and ground, of 255: below it an edge is not sure."""

MOST_GROWTH: Final = 2.5
"""How long the whole mark may be, in lengths of the longer side of what was found of it."""

_LEAST_PIXELS: Final = 6
_MOST_ASPECT: Final = 2.5
"""A longer box is a line of text: the finder has its ends."""

_OWN_INK: Final = 0.6
"""Share of the ink in the box that must belong to the mark: noise and words are many pieces."""

_LEAST_SEEN: Final = 0.2
"""Share of the mark that must lie in the box."""

_THICKEST: Final = 0.17
"""Half the width of a stroke, in lengths of the mark: bold lead letters have 0.12 to 0.15."""


def made_whole(found: Iterable[Found], view: DisplayFrame) -> tuple[Found, ...]:
    """Return `found`, each box of a lone mark drawn out to the whole of its strokes.

    Parameters
    ----------
    found
        What was found on `view`. No box becomes smaller; scores stay.
    view
        ``(rows, columns)`` or ``(rows, columns, 3)``, 8 bits, as the finder was shown it.
    """
    return tuple(Found(_whole(one.box, view), one.score) for one in found)


def _whole(box: Box, view: DisplayFrame) -> Box:
    width, height = box.right - box.left, box.bottom - box.top
    long, short = max(width, height), min(width, height)
    if short < _LEAST_PIXELS or long > _MOST_ASPECT * short:
        return box
    rows, columns = view.shape[:2]
    if box.right > columns or box.bottom > rows:
        return box
    reach = math.ceil((MOST_GROWTH - 1) * long) + 1
    window = box.grown(reach, rows=rows, columns=columns)
    part = view[window.slices]
    grey = part if part.ndim == 2 else part.max(axis=2)
    inside = np.zeros(grey.shape, np.bool_)
    inside[
        box.top - window.top : box.bottom - window.top,
        box.left - window.left : box.right - window.left,
    ] = True
    seen = np.ascontiguousarray(grey[inside].reshape(height, width))
    level, _ = cv2.threshold(seen, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    above, below = seen[seen > level], seen[seen <= level]
    if not above.size or not below.size or above.mean() - below.mean() < LEAST_CONTRAST:
        return box
    # Half-way between: Otsu's level lies anywhere in the gap, and the ground shades off outside.
    bright = grey > (above.mean() + below.mean()) / 2
    for ink in (bright, ~bright):
        mark = _mark(ink, inside, MOST_GROWTH * long)
        if mark is not None:
            return Box(
                min(box.left, window.left + mark.left),
                min(box.top, window.top + mark.top),
                max(box.right, window.left + mark.right),
                max(box.bottom, window.top + mark.bottom),
            )
    return box


def _mark(ink: NDArray[np.bool_], inside: NDArray[np.bool_], longest: float) -> Box | None:
    """Return where the one stroke lies that most of the ink in the box belongs to, or None."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    in_box = np.bincount(pieces[inside & ink], minlength=len(stats))
    number = int(in_box.argmax())
    left, top, width, height, area = (int(value) for value in stats[number])
    rows, columns = ink.shape
    ends_inside = left > 0 and top > 0 and left + width < columns and top + height < rows
    if number == 0 or not ends_inside or max(width, height) > longest:
        return None
    if in_box[number] < max(_OWN_INK * in_box.sum(), _LEAST_SEEN * area):
        return None
    piece = np.ascontiguousarray(pieces == number, dtype=np.uint8)
    thickest = float(cv2.distanceTransform(piece, cv2.DIST_L2, 3).max())
    if thickest > _THICKEST * max(width, height):
        return None
    return Box(left, top, left + width, top + height)
