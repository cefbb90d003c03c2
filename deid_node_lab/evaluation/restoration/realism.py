"""How real a set of fills looks to a network, whatever stood there before.

Features are those of the modality classifier that is trained for this evaluation: the
networks whose features are usual for such figures cannot be had here, so numbers do
not compare with those of other publications, only arm with arm.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.tones import Shown
from deid_node_lab.evaluation.restoration.networks import LAYERS, PatchNet
from deid_node_lab.evaluation.restoration.schooling import tensor_of

_BATCH: Final = 64


def features_of(net: PatchNet, patches: Sequence[Shown]) -> NDArray[np.float64]:
    """Return what the network judges each of `patches` by: ``(count, width)``."""
    with torch.no_grad():
        made = [
            net.features(tensor_of(patches[start : start + _BATCH])).numpy()
            for start in range(0, len(patches), _BATCH)
        ]
    return np.concatenate(made).astype(np.float64)


def frechet_distance(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Return the distance of two sets of features, each taken for a normal distribution.

    Parameters
    ----------
    one, two
        ``(count, width)``, at least two of each.

    Source
    ------
    Dowson, Landau: The Frechet distance between multivariate normal distributions, Journal
    of Multivariate Analysis 12 (1982); as a figure of realism: Heusel et al., NIPS 2017.
    """
    apart = one.mean(0) - two.mean(0)
    first, second = np.atleast_2d(np.cov(one.T)), np.atleast_2d(np.cov(two.T))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.linalg.eigvalsh(root @ second @ root)
    overlap = float(np.sqrt(np.maximum(shared, 0)).sum())
    return max(0.0, float(apart @ apart + np.trace(first) + np.trace(second) - 2 * overlap))


def feature_distance(net: PatchNet, truth: Shown, fill: Shown, mask: Mask) -> float:
    """Return how far apart the network sees two patches under a mask, over its first layers.

    At each layer the channels of a place are brought to length one; the squared
    differences are averaged over the places that the mask covers.

    Source
    ------
    Zhang et al.: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric,
    CVPR 2018, with the features of another network and without learned weights.
    """
    with torch.no_grad():
        pairs = net.maps(tensor_of([truth, fill]))[:LAYERS]
        covered = torch.from_numpy(mask.astype(np.float32))[None, None]
        total = 0.0
        for maps in pairs:
            unit = maps / maps.norm(dim=1, keepdim=True).clamp_min(1e-6)
            squares = (unit[0] - unit[1]).square().sum(dim=0)
            share = nn.functional.interpolate(covered, size=squares.shape, mode="area")[0, 0]
            total += float((squares * share).sum() / share.sum().clamp_min(1e-6))
    return total / len(pairs)
