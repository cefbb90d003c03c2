"""Joins boxes that stand in one line.

``mA      50`` comes from the network as two boxes. What lies between two parts
of a line belongs to the line: a faint word there is a word that was missed.
"""

from collections.abc import Sequence

import numpy as np

from deid_node.values.geometry import Box, Found

_OVERLAP_SHARE = 0.6
_HEIGHT_RATIO = 1.8
_HIGHEST_LETTER_PIXELS = 32
"""What is higher reaches no further: it may be no line at all."""


def joined(found: Sequence[Found], *, reach: float) -> tuple[Found, ...]:
    """Return `found` with neighbours in a line made one, from top to bottom.

    Two boxes are neighbours when they overlap in height, are about as high, and the
    gap between them is at most `reach` times the lower height, where a height counts
    for 32 pixels at most. The score of a joined box is the best of its parts.
    """
    ordered = sorted(found, key=lambda one: one.box.left)
    groups: dict[int, list[Found]] = {}
    for one, first in zip(ordered, _first_of_line(ordered, reach), strict=True):
        groups.setdefault(first, []).append(one)
    hulls = (_hull(group) for group in groups.values())
    return tuple(sorted(hulls, key=lambda one: (one.box.top, one.box.left)))


def _first_of_line(ordered: Sequence[Found], reach: float) -> list[int]:
    """Return for each box the index of the first box of its line.

    A frame of noise may hold tens of thousands of boxes, so each is compared with
    those just right of it and not with all.
    """
    edges = np.array([(b.left, b.top, b.right, b.bottom) for b in (one.box for one in ordered)])
    left, top, right, bottom = edges.reshape(-1, 4).T
    height = bottom - top
    letter = np.minimum(height, _HIGHEST_LETTER_PIXELS)
    line = list(range(len(ordered)))

    def first(index: int) -> int:
        while line[index] != index:
            line[index] = line[line[index]]
            index = line[index]
        return index

    last = np.searchsorted(left, right + reach * letter, side="right")
    for index, stop in enumerate(last):
        beside = slice(index + 1, int(stop))
        lower = np.minimum(height[index], height[beside])
        overlap = np.minimum(bottom[index], bottom[beside]) - np.maximum(top[index], top[beside])
        near = (
            (overlap >= _OVERLAP_SHARE * lower)
            & (np.maximum(height[index], height[beside]) <= _HEIGHT_RATIO * lower)
            & (left[beside] - right[index] <= reach * np.minimum(letter[index], letter[beside]))
        )
        for other in np.flatnonzero(near):
            pair = sorted((first(index), first(index + 1 + int(other))))
            line[pair[1]] = pair[0]
    return [first(index) for index in range(len(ordered))]


def _hull(parts: Sequence[Found]) -> Found:
    boxes = [part.box for part in parts]
    hull = Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
    return Found(hull, max(part.score for part in parts))
