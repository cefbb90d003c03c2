"""Frames seen from further away: large letters become letters that a finder knows.

A network that tells a letter of seven pixels from noise sees of a letter of two hundred
nothing but edges. Shrunk four and eight times it is a letter like any other.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import cv2
import numpy as np

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box, Found

DISTANCES: Final = (4, 8)
"""How many times a frame is shrunk; between two of them each height is seen well at one."""

LEAST_SIDE_PIXELS: Final = 900
"""Of a frame that is seen from further away: smaller ones have no room for such letters."""

LEAST_SCORE: Final = 0.98
"""From further away bones and teeth are letters, too: what is less sure does not count."""

LEAST_HEIGHT_PIXELS: Final = 16
"""Of a shrunk box: what is lower is seen from close by, and better."""

KNOWN_SHARE: Final = 0.75
"""Of a box: where that much was found from close by, it is lines that were seen there as lines."""


def is_large(frame: DisplayFrame) -> bool:
    """Return whether `frame` is to be seen from further away as well."""
    return bool(min(frame.shape[:2]) >= LEAST_SIDE_PIXELS)


def shrunk(frame: DisplayFrame, times: int) -> DisplayFrame:
    """Return `frame` so many times smaller, each pixel the mean of those that it stands for."""
    rows, columns = frame.shape[:2]
    size = (columns // times, rows // times)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def brought_near(
    found: Iterable[Found], times: int, *, rows: int, columns: int, known: Iterable[Found]
) -> Iterator[Found]:
    """Yield what was `found` on a shrunk frame where it stands on the frame itself.

    Left out is what is low or not sure, and what is `known` from close by.

    Parameters
    ----------
    found
        On the frame shrunk `times`.
    rows, columns
        Of the frame itself.
    known
        Found on the frame itself.
    """
    near = tuple(known)
    # The sides need not divide: a shrunk pixel is a little more than `times` wide.
    down, across = rows // times, columns // times
    for one in found:
        box = one.box
        if one.score < LEAST_SCORE or box.bottom - box.top < LEAST_HEIGHT_PIXELS:
            continue
        whole = Box(
            box.left * columns // across,
            box.top * rows // down,
            min(columns, -(-box.right * columns // across)),
            min(rows, -(-box.bottom * rows // down)),
        )
        if _covered_share(whole, near) < KNOWN_SHARE:
            yield Found(whole, one.score)


def _covered_share(box: Box, others: Iterable[Found]) -> float:
    covered = np.zeros((box.bottom - box.top, box.right - box.left), np.bool_)
    for other in others:
        down = slice(max(0, other.box.top - box.top), max(0, other.box.bottom - box.top))
        across = slice(max(0, other.box.left - box.left), max(0, other.box.right - box.left))
        covered[down, across] = True
    return float(covered.mean())
