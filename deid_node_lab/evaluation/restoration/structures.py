"""What a rule sees in a patch: ground, tissue and what stands out of it, by brightness.

On a chest film these are lung, soft tissue and bone; on a CT air, tissue and bone; on
a blood smear nuclei, cells and plasma; in ultrasound dark, even and bright layers. No
picture comes with outlines drawn by a person, so the rule on the untouched patch is
the teacher, and a network has to say the same of the patch that was filled.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.fill.tones import TOP, Shown
from deid_node_lab.evaluation.restoration.distortion import grey_of

STRUCTURES: Final = 3

_BINS: Final = 64
_SMOOTH_SIGMA: Final = 2.0


def structures_of(shown: Shown) -> NDArray[np.uint8]:
    """Return 0, 1 or 2 for each pixel, from dark to bright, after noise is smoothed away."""
    grey = np.clip(grey_of(shown), 0, TOP).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(grey, (0, 0), _SMOOTH_SIGMA), np.float32)
    low, high = two_thresholds(smooth)
    return (smooth > low).astype(np.uint8) + (smooth > high)


def two_thresholds(grey: NDArray[np.float32]) -> tuple[float, float]:
    """Return the two thresholds that part `grey` into three classes as distinct as can be.

    Source
    ------
    Otsu: A threshold selection method from gray-level histograms, IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979), with two thresholds.
    """
    low, high = float(grey.min()), float(grey.max())
    if high - low < 1e-3:
        return high, high
    counts, edges = np.histogram(grey, bins=_BINS, range=(low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    weight = np.concatenate([[0.0], np.cumsum(counts)])
    moment = np.concatenate([[0.0], np.cumsum(counts * middles)])

    def between(start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.float64]:
        share = weight[stop] - weight[start]
        return np.asarray((moment[stop] - moment[start]) ** 2 / np.maximum(share, 1e-9))

    first, second = np.triu_indices(_BINS + 1, k=1)
    first, second = first.astype(np.int64), second.astype(np.int64)
    distinct = (
        between(np.zeros_like(first), first)
        + between(first, second)
        + between(second, np.full_like(second, _BINS))
    )
    best = int(distinct.argmax())
    return float(edges[first[best]]), float(edges[second[best]])
