"""How far features of filled volumes are from those of the untouched ones.

In deviations between the untouched volumes of one modality: what is small beside them
cannot be told in a study from what patients differ by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node_lab.evaluation.intervals import Sums
from deid_node_lab.evaluation.restoration.figures import Told, told

FIRST_ORDER: Final = (
    "mean", "deviation", "skewness", "kurtosis", "10th percentile", "median", "90th percentile",
    "entropy",
)  # fmt: skip
TEXTURE: Final = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "entropy")

GROUPS: Final[Mapping[str, slice]] = MappingProxyType(
    {
        "first-order": slice(0, len(FIRST_ORDER)),
        "texture": slice(len(FIRST_ORDER), len(FIRST_ORDER) + len(TEXTURE)),
    }
)
"""Where the features of a group stand among all."""

WHOLE: Final = "whole organ"
UNDER: Final = "under the mask"

STEADY: Final = 0.9
"""Agreement from which a feature is called reproducible, as reviews of radiomics do."""

_LEAST_DEVIATION: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Standardised:
    """The same features of the same volumes before and after: ``(volumes, features)`` each."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many features."""
        return int(self.before.shape[1])

    @property
    def distance(self) -> NDArray[np.float64]:
        """How far the features of each volume moved, in the median over them, in deviations.

        Not in the mean: where a tissue is drawn by its levels, volumes differ little in
        kurtosis, and one pixel of another level moves it by a hundred of such deviations.
        """
        return np.asarray(np.median(np.abs(self.after - self.before), axis=1))

    @property
    def steady(self) -> int:
        """How many features agree from `STEADY` on."""
        there = np.isfinite(self.before + self.after).all(axis=1)
        sums = self._moments()[there].sum(axis=0)
        return int((_concordances(sums, self.count) >= STEADY).sum())

    def agreement(self, sources: Sequence[str]) -> Told:
        """Return the concordance of the features, in the mean."""
        return told(
            self._moments(), sources, lambda sums: _concordances(sums, self.count).mean(axis=-1)
        )

    def _moments(self) -> Sums:
        one, two = self.before, self.after
        moments = [np.ones_like(one), one, two, one * one, two * two, one * two]
        return np.concatenate(moments, axis=1)


def standardised(
    before: NDArray[np.float64], after: NDArray[np.float64], kinds: Sequence[str]
) -> Standardised:
    """Return both in deviations between the volumes of one kind, from their mean.

    Parameters
    ----------
    before, after
        ``(volumes, features)``.
    kinds
        Modality of each volume.
    """
    made = []
    for values in (before, after):
        own = np.full_like(values, np.nan)
        for kind in set(kinds):
            rows = np.array([one == kind for one in kinds])
            known = before[rows & np.isfinite(before).all(axis=1)]
            if len(known) > 1:
                spread = np.maximum(known.std(axis=0), _LEAST_DEVIATION)
                own[rows] = (values[rows] - known.mean(axis=0)) / spread
        made.append(own)
    return Standardised(made[0], made[1])


def _concordances(sums: Sums, count: int) -> NDArray[np.float64]:
    """Return the concordance of each feature from sums of its moments.

    Source
    ------
    Lin: A concordance correlation coefficient to evaluate reproducibility, Biometrics 45 (1989).
    """
    number, one, two, ones, twos, both = np.moveaxis(
        sums.reshape(*sums.shape[:-1], 6, count), -2, 0
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, other = one / number, two / number
        apart = ones / number - mean**2 + twos / number - other**2 + (mean - other) ** 2
        return np.asarray(2 * (both / number - mean * other) / apart)
