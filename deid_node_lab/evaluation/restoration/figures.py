"""Figures of a set of holes with their intervals: patients are drawn again, not holes."""

from collections.abc import Callable, Sequence
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from deid_node_lab.evaluation.intervals import Sums, interval
from deid_node_lab.evaluation.restoration.distortion import psnr
from deid_node_lab.evaluation.restoration.telling import area_under_curve

Values = NDArray[np.float64]

_ROUNDS: Final = 400
_SEED: Final = 20_260_412
_TAILS: Final = (2.5, 97.5)


class Told(TypedDict):
    """A figure and its 95 % interval; None where there was nothing to count."""

    value: float | None
    low: float | None
    high: float | None


def mean_told(values: Values, sources: Sequence[str]) -> Told:
    """Return the mean over holes."""
    return told(np.stack([values, np.ones_like(values)], axis=1), sources, _first_by_second)


def ratio_told(above: Values, below: Values, sources: Sequence[str]) -> Told:
    """Return the ratio of two sums over holes."""
    return told(np.stack([above, below], axis=1), sources, _first_by_second)


def gain_told(errors: Values, of_other: Values, sources: Sequence[str]) -> Told:
    """Return by how many dB the mean square error of an arm is below another's."""
    return told(
        np.stack([errors, of_other], axis=1),
        sources,
        lambda sums: np.asarray(psnr(sums[..., 0]) - psnr(sums[..., 1])),
    )


def told(
    counts: Sums, sources: Sequence[str], figure: Callable[[Sums], NDArray[np.float64]]
) -> Told:
    """Return a figure of what was counted at each hole, ``(holes, kinds)``.

    Parameters
    ----------
    counts
        Rows with a number that is not finite are left out.
    sources
        Patient or folder of each hole.
    figure
        Takes sums and gives a number, as `intervals.interval` has it.
    """
    kept = np.flatnonzero(np.isfinite(counts).all(axis=1))
    table = summed(counts[kept], [sources[int(n)] for n in kept])
    if not len(table):
        return Told(value=None, low=None, high=None)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(figure(table.sum(0)))
    ends = interval(table, figure)
    return _rounded(value, ends)


def summed(counts: Sums, sources: Sequence[str]) -> Sums:
    """Return the sums over the holes of each source."""
    names, places = np.unique(np.array(sources, dtype=object).astype(str), return_inverse=True)
    table = np.zeros((len(names), counts.shape[1]))
    np.add.at(table, places, counts)
    return table


def areas_told(
    scores: Sequence[Values], reference: Values, sources: Sequence[str]
) -> list[tuple[Told, Told]]:
    """Return for each arm the area under its curve, and by how much it is above the reference's.

    Parameters
    ----------
    scores, reference
        ``(boxes, 2)``: what the network thought of each box untouched and filled.
    """
    names, places = np.unique(np.array(sources), return_inverse=True)
    boxes_of = [np.flatnonzero(places == number) for number in range(len(names))]
    chance = np.random.default_rng(_SEED)
    rounds = [
        np.concatenate([boxes_of[n] for n in chance.integers(len(names), size=len(names))])
        for _ in range(_ROUNDS)
    ]
    base = np.array([_area(reference[boxes]) for boxes in rounds])
    made = []
    for one in scores:
        drawn = np.array([_area(one[boxes]) for boxes in rounds])
        area = _rounded(_area(one), _ends(drawn))
        above = _rounded(_area(one) - _area(reference), _ends(drawn - base))
        made.append((area, above))
    return made


def _area(scores: Values) -> float:
    return area_under_curve(scores[:, 0], scores[:, 1])


def _ends(drawn: Values) -> tuple[float, float]:
    low, high = np.percentile(drawn, _TAILS)
    return float(low), float(high)


def _first_by_second(sums: Sums) -> NDArray[np.float64]:
    return np.asarray(sums[..., 0] / sums[..., 1], np.float64)


def _rounded(value: float, ends: tuple[float, float] | None) -> Told:
    if not np.isfinite(value) or ends is None:
        return Told(value=None, low=None, high=None)
    return Told(value=round(value, 5), low=round(ends[0], 5), high=round(ends[1], 5))
