"""How sure a figure is: the bootstrap over images.

Images are drawn again with replacement, not items: the twenty lines of one screen
stand or fall together. Where all came out alike the interval is a point;
`at_most` says what may still be true then.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 2000
_LEVEL = 0.95
_SEED = 20_260_411

Sums = NDArray[np.float64]
"""Counts added over images, the last axis being the kind of count."""


def interval(
    counts: Sums, figure: Callable[[Sums], NDArray[np.float64]], *, rounds: int = _ROUNDS
) -> tuple[float, float] | None:
    """Return the 95 % interval of a figure, resampling images; None where it is undefined.

    Parameters
    ----------
    counts
        ``(images, kinds)``: what was counted on each image.
    figure
        Takes sums ``(rounds, kinds)`` and gives one number a round, NaN where it has
        nothing to divide by. Rounds without a number are left out.
    rounds
        Resamples; the seed is fixed, so the same counts give the same interval.

    Source
    ------
    Efron, Tibshirani: An Introduction to the Bootstrap (1993), percentile interval.
    """
    images = len(counts)
    if not images:
        return None
    chance = np.random.default_rng(_SEED)
    weights = chance.multinomial(images, np.full(images, 1 / images), size=rounds)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = figure(weights @ counts)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return None
    edge = 100 * (1 - _LEVEL) / 2
    low, high = np.percentile(drawn, (edge, 100 - edge))
    return float(low), float(high)


def at_most(trials: int) -> float:
    """Return the share that may be true at 95 % when it happened in none of `trials`.

    Source
    ------
    Hanley, Lippman-Hand: If nothing goes wrong, is everything all right? JAMA 1983.
    """
    return min(1.0, 1 - (1 - _LEVEL) ** (1 / trials)) if trials else 1.0
