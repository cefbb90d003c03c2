"""Joins boxes that stand in one line.

``mA      50`` comes from the network as two boxes. What lies between two parts
of a line belongs to the line: a faint word there is a word that was missed.
"""

from collections.abc import Sequence

import numpy as np

from deid_node.values.geometry import Box, Found

_OVERLAP_SHARE = 0.6
_HEIGHT_RATIO = 1.8


def joined(found: Sequence[Found], *, reach: float) -> tuple[Found, ...]:
    """Return `found` with neighbours in a line made one, from top to bottom.

    Two boxes are neighbours when they overlap in height, are about as high, and the
    gap between them is at most `reach` times the lower height. The score of a joined
    box is the best of its parts.
    """
    if len(found) < 2 or reach <= 0:
        return tuple(found)
    edges = np.array([[b.left, b.top, b.right, b.bottom] for b in (one.box for one in found)])
    left, top, right, bottom = edges.T
    height = bottom - top
    lower = np.minimum(height[:, None], height)
    overlap = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    gap = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
    near = (
        (overlap >= _OVERLAP_SHARE * lower)
        & (np.maximum(height[:, None], height) <= _HEIGHT_RATIO * lower)
        & (gap <= reach * lower)
    )
    return tuple(
        sorted(
            (_hull([found[index] for index in group]) for group in _groups(near)),
            key=lambda one: (one.box.top, one.box.left),
        )
    )


def _groups(near: np.ndarray) -> list[list[int]]:
    waiting = set(range(len(near)))
    groups: list[list[int]] = []
    while waiting:
        first = min(waiting)
        waiting.discard(first)
        group, edge = [first], [first]
        while edge:
            beside = waiting.intersection(np.flatnonzero(near[edge.pop()]).tolist())
            waiting -= beside
            group += sorted(beside)
            edge += sorted(beside)
        groups.append(group)
    return groups


def _hull(parts: Sequence[Found]) -> Found:
    boxes = [part.box for part in parts]
    hull = Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
    return Found(hull, max(part.score for part in parts))
