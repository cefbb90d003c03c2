"""First-order and texture features of an organ, in the manner of radiomics.

Of the region as it is drawn on the untouched volume, so that a figure tells of the values
and not of an outline that moved. Levels are bins of one width through all arms.

Source
------
Zwanenburg et al.: The Image Biomarker Standardization Initiative, Radiology 295 (2020):
names and formulas; the matrix of co-occurring levels is scikit-image's, added up over the
slices and four directions at a distance of one pixel.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from skimage.feature import graycomatrix, graycoprops

from deid_node_lab.evaluation.research.agreement import FIRST_ORDER, TEXTURE
from deid_node_lab.evaluation.restoration.stack_arms import Slices

_BIN_LEVELS: Final = 8
_BINS: Final = 256 // _BIN_LEVELS
_ANGLES: Final = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_LEAST_VOXELS: Final = 30


def features_of(slices: Slices, region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return `FIRST_ORDER`, then `TEXTURE`; not a number where the region is too small."""
    values = slices[region].astype(np.float64)
    pairs = _pairs(slices, region)
    if len(values) < _LEAST_VOXELS or not pairs.sum():
        return np.full(len(FIRST_ORDER) + len(TEXTURE), np.nan)
    return np.array([*_first_order(values), *_texture(pairs)])


def _first_order(values: NDArray[np.float64]) -> tuple[float, ...]:
    mean, spread = float(values.mean()), float(values.std())
    apart = (values - mean) / spread if spread else np.zeros_like(values)
    shares = np.bincount(values.astype(np.int64) // _BIN_LEVELS, minlength=_BINS) / len(values)
    low, middle, high = (float(one) for one in np.percentile(values, (10, 50, 90)))
    return (
        mean, spread, float((apart**3).mean()), float((apart**4).mean()), low, middle, high,
        _entropy(shares),
    )  # fmt: skip


def _texture(pairs: NDArray[np.float64]) -> tuple[float, ...]:
    shares = (pairs / pairs.sum())[..., None, None]
    told = [
        float(graycoprops(shares, name)[0, 0])
        for name in ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
    ]
    return (*told, _entropy(shares.ravel()))


def _pairs(slices: Slices, region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how often levels lie side by side within the region: ``(levels, levels)``."""
    # Level 0 is what lies beside the region; its pairs are left out.
    binned = np.where(region, slices // _BIN_LEVELS + 1, 0).astype(np.uint8)
    total = np.zeros((_BINS, _BINS))
    for one in binned:
        if one.any():
            matrix = graycomatrix(one, [1], _ANGLES, levels=_BINS + 1, symmetric=True)
            total += matrix[1:, 1:, 0].sum(axis=2)
    return total


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum())
