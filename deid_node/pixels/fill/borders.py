"""Straight borders that run under a hole: the edge of a banner, the bars of a scale.

A border is seen on two opposite sides of a hole, at the same height, with the same even
ground on the same side of it. Both must agree: the outline of anatomy steps too, and
not at one height. Where one side of the hole is the edge of the frame the other is
believed alone.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.surround import RING_PIXELS

EVEN_LEVELS: Final = 3.0
"""Grey levels, of 255, by which a ground may vary and still be one."""

STEP_LEVELS: Final = 12.0
"""Grey levels by which what lies beyond a border differs at least."""

LEAST_RUN_PIXELS: Final = 4
"""How long an even ground must run along the side of a hole to count."""

_SLACK: Final = 2  # pixels

Shades = NDArray[np.float32]
"""``(rows, columns, samples)`` on a scale of 0 to 255."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """The end of an even run: before row `at` one ground, from it on another."""

    at: int
    even_before: bool
    ground: NDArray[np.float64]


def row_borders(shades: Shades, known: Mask, island: Mask) -> tuple[int, ...]:
    """Return the rows at which level borders run under `island`, in order.

    Parameters
    ----------
    shades
        What surrounds it.
    known
        ``(rows, columns)``, the pixels that may be looked at.
    island
        One connected part of what is to be filled.

    Returns
    -------
    Each the first row of the ground below the border, between the first and the last of
    the island or right beside them. Columns are asked for with everything transposed.
    """
    down, across = np.nonzero(island)
    top, bottom = int(down.min()), int(down.max()) + 1
    left, right = int(across.min()), int(across.max()) + 1
    sides = [slice(max(0, left - RING_PIXELS), left), slice(right, right + RING_PIXELS)]
    seen = [_profile(shades[:, side], known[:, side]) for side in sides]
    # Beyond the hole too: a border close to its end needs a run to be seen at.
    reach = slice(max(0, top - RING_PIXELS), bottom + RING_PIXELS)
    edges = [None if one is None else _edges(one[reach], reach.start) for one in seen]
    both = [one for one in edges if one is not None]
    if not both:
        return ()
    agreed = both[0] if len(both) == 1 else [e for e in both[0] if _is_in(e, both[1])]
    # A border beside the hole counts too: what lies beyond it would bleed in. It cuts nothing,
    # so that one side is enough where the other cannot be seen.
    beside = {at for end in (top, bottom) for at in range(end - _SLACK, end + _SLACK + 1)}
    if len(both) == 2:
        agreed += [
            edge
            for edges_here, profile in zip(both, reversed(seen), strict=True)
            for edge in edges_here
            if edge.at in beside and _is_hidden(profile, edge.at)
        ]
    near = range(top - _SLACK, bottom + _SLACK + 1)
    ends, starts = (
        _apart_rows({edge.at for edge in agreed if edge.at in near and edge.even_before is before})
        for before in (True, False)
    )
    # Where a border is soft one ground ends some rows before the next starts.
    return tuple(sorted({*ends, *starts}))


def _is_hidden(profile: NDArray[np.float64] | None, row: int) -> bool:
    """Return whether nothing is known of a side where a border would be seen."""
    around = slice(max(0, row - LEAST_RUN_PIXELS), row + LEAST_RUN_PIXELS)
    return profile is None or not np.isfinite(profile[around]).any()


def _apart_rows(rows: Iterable[int]) -> list[int]:
    """Return `rows` in order, without those that tell of the same border once more."""
    apart: list[int] = []
    for row in sorted(rows):
        if not apart or row - apart[-1] > _SLACK:
            apart.append(row)
    return apart


def _profile(shades: Shades, known: Mask) -> NDArray[np.float64] | None:
    """Return the shade of each row of a strip, not a number where none is known; None: no strip."""
    if not known.any():
        return None
    values = np.where(known[..., None], shades.astype(np.float64), np.nan)
    result = np.full((len(values), values.shape[2]), np.nan)
    rows = known.any(axis=1)
    result[rows] = np.nanmedian(values[rows], axis=1)
    return result


def _edges(profile: NDArray[np.float64], first: int) -> list[_Edge]:
    """Return both ends of each even run of `profile`, whose first row is row `first`."""
    found = []
    for start, stop in _even_runs(profile):
        ground = np.median(profile[start:stop], axis=0)
        for at, beyond, even_before in (
            (start, profile[max(0, start - LEAST_RUN_PIXELS) : start], False),
            (stop, profile[stop : stop + LEAST_RUN_PIXELS], True),
        ):
            other = beyond[np.isfinite(beyond).all(axis=1)]
            if not len(other):
                continue
            # All of what is seen there, not one row: a grid line is no other ground.
            if np.abs(other - ground).max(axis=1).min() >= STEP_LEVELS:
                found.append(_Edge(first + at, even_before, ground))
    return found


def _even_runs(profile: NDArray[np.float64]) -> list[tuple[int, int]]:
    # Lists, not arrays: a scale bar has thousands of runs of a few rows, and the median of each
    # would cost a call of numpy.
    rows: list[list[float]] = profile.tolist()
    runs = []
    start = 0
    while start < len(rows):
        ordered = [[shade] for shade in rows[start]]
        stop = start + 1
        while stop < len(rows) and _apart(ordered, rows[stop]) <= EVEN_LEVELS:
            for shades, shade in zip(ordered, rows[stop], strict=True):
                insort(shades, shade)
            stop += 1
        if stop - start >= LEAST_RUN_PIXELS and np.isfinite(profile[start:stop]).all():
            runs.append((start, stop))
        start = stop
    return runs


def _apart(ordered: Sequence[Sequence[float]], row: Sequence[float]) -> float:
    """Return how far `row` is from the medians of a run, whose samples are `ordered`, at most."""
    distances = [abs(_median(shades) - one) for shades, one in zip(ordered, row, strict=True)]
    return max(distances) if all(map(isfinite, distances)) else inf


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _is_in(edge: _Edge, others: list[_Edge]) -> bool:
    return any(
        abs(edge.at - other.at) <= _SLACK
        and edge.even_before == other.even_before
        and np.abs(edge.ground - other.ground).max() <= EVEN_LEVELS
        for other in others
    )
