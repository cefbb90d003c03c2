"""Whether a network can tell a filled box from an untouched one.

It is trained anew for each arm, on pairs of a box before and after; what it is tested
on comes from other patients. An area of 0.5 is guessing.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.tones import TOP, Shown
from deid_node_lab.evaluation.restoration.distortion import grey_of
from deid_node_lab.evaluation.restoration.networks import PatchNet
from deid_node_lab.evaluation.restoration.schooling import learn

TELLING_PIXELS: Final = 48
"""Side of what it sees."""

_FOLDS: Final = 2
_BATCH: Final = 16  # boxes, each untouched and filled
_SHADE_SIGMA: Final = 4.0
_FINE: Final = 16.0


def told_apart(
    untouched: Sequence[Shown],
    filled: Sequence[Shown],
    masks: Sequence[Mask],
    sources: Sequence[str],
    *,
    seed: int,
    steps: int,
) -> NDArray[np.float64]:
    """Return the network's score of each box: ``(count, 2)``, untouched and filled.

    A box is scored by the network that was trained on the sources of the other fold.

    Parameters
    ----------
    untouched, filled, masks
        Squares of `TELLING_PIXELS` about the same places.
    sources
        Patient or folder of each.
    """
    before = _seen(untouched, masks)
    after = _seen(filled, masks)
    fold = _folds(sources, seed)
    scores = np.full((len(sources), 2), np.nan)
    for number in range(_FOLDS):
        learned, tested = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if not (len(learned) and len(tested)):
            continue
        net = PatchNet(4, 2, widths=(12, 20, 28), keep_size=True)
        learn(net, lambda chance: _batch(before, after, learned, chance), steps=steps, seed=seed)  # noqa: B023
        with torch.no_grad():
            for column, seen in enumerate((before, after)):
                made = net(torch.from_numpy(seen[tested]))
                scores[tested, column] = (made[:, 1] - made[:, 0]).numpy()
    return scores


def area_under_curve(negative: NDArray[np.float64], positive: NDArray[np.float64]) -> float:
    """Return how often a positive score is above a negative one; ties count half.

    Source
    ------
    Hanley, McNeil: The meaning and use of the area under a receiver operating
    characteristic (ROC) curve, Radiology 143 (1982).
    """
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    upto = np.searchsorted(ordered, positive, side="right")
    return float((below + upto).sum() / (2 * len(negative) * len(positive)))


def _folds(sources: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Return the fold of each box: whole sources, the folds about equal in boxes."""
    names, places = np.unique(np.array(sources), return_inverse=True)
    counts = np.bincount(places, minlength=len(names))
    filled = np.zeros(_FOLDS)
    of_source = np.zeros(len(names), np.int64)
    order = np.random.default_rng(seed).permutation(len(names))
    for source in order[np.argsort(-counts[order], kind="stable")]:
        of_source[source] = int(filled.argmin())
        filled[of_source[source]] += counts[source]
    return of_source[places]


def _seen(patches: Sequence[Shown], masks: Sequence[Mask]) -> NDArray[np.float32]:
    """Return patches as the network takes them: the picture, what is fine in it, and the mask."""
    seen = []
    for patch, mask in zip(patches, masks, strict=True):
        grey = np.clip(grey_of(patch), 0, TOP).astype(np.float32)
        fine = grey - np.asarray(cv2.GaussianBlur(grey, (0, 0), _SHADE_SIGMA))
        finest = grey - np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0))
        layers = (grey / TOP - 0.5, fine / _FINE, finest / _FINE, mask.astype(np.float32))
        seen.append(np.stack(layers))
    return np.stack(seen).astype(np.float32)


def _batch(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    learned: NDArray[np.int64],
    chance: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    chosen = learned[chance.integers(len(learned), size=_BATCH)]
    pairs = np.concatenate([before[chosen], after[chosen]])
    if chance.random() < 0.5:
        pairs = pairs[..., ::-1]
    if chance.random() < 0.5:
        pairs = pairs[..., ::-1, :]
    wanted = np.repeat(np.arange(2), _BATCH)
    return torch.from_numpy(np.ascontiguousarray(pairs)), torch.from_numpy(wanted)
