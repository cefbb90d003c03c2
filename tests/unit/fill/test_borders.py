"""Even runs are told by the median of all that came before, however they are counted."""

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.fill.borders import EVEN_LEVELS, LEAST_RUN_PIXELS, row_borders
from deid_node.pixels.fill.surround import RING_PIXELS

ROWS, COLUMNS = 90, 60


def _runs_by_definition(profile: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the even runs of a profile, the median of each taken anew for every row."""
    runs, start = [], 0
    while start < len(profile):
        stop = start + 1
        while (
            stop < len(profile)
            and np.abs(np.median(profile[start:stop], axis=0) - profile[stop]).max() <= EVEN_LEVELS
        ):
            stop += 1
        if stop - start >= LEAST_RUN_PIXELS:
            runs.append((start, stop))
        start = stop
    return runs


def test_a_border_is_seen_where_an_even_run_by_definition_ends() -> None:
    draw = np.random.default_rng(4)
    borders = 0
    for _ in range(60):
        # Slow drifts, small noise and steps, so that runs end at drifts as well as at steps.
        steps = draw.choice([0, 0, 0, 0, 0.5, -0.5, 1.5, 25, -25], size=(ROWS, 3))
        profile = np.clip(np.cumsum(steps, axis=0) + draw.random((ROWS, 3)) + 100, 0, 255)
        shades = np.repeat(profile[:, None, :], COLUMNS, axis=1).astype(np.float32)
        hole = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
        hole[30:60, 25:35] = True

        found = row_borders(shades, ~hole, hole)

        seen = np.median(shades[:, 25 - RING_PIXELS : 25].astype(np.float64), axis=1)
        first = 30 - RING_PIXELS
        runs = _runs_by_definition(seen[first : 60 + RING_PIXELS])
        ends = {first + end for run in runs for end in run}
        assert set(found) <= ends
        borders += len(found)
    assert borders > 50
