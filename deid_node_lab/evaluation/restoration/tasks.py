"""What a fill costs those who work with the images: two tasks, before and after.

The networks are trained on untouched pictures of the training part, and see here what
they have not seen. A figure of an arm is compared with that of the original on the same
patches, so how good the networks are matters less than that they are the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from deid_node.pixels.fill.tones import Shown
from deid_node_lab.evaluation.intervals import Sums
from deid_node_lab.evaluation.restoration.figures import Told, told
from deid_node_lab.evaluation.restoration.networks import StructureNet
from deid_node_lab.evaluation.restoration.schooling import (
    PATCH_PIXELS,
    STRUCTURE_PIXELS,
    Classifier,
    tensor_of,
)
from deid_node_lab.evaluation.restoration.structures import STRUCTURES, structures_of
from deid_node_lab.evaluation.restoration.views import Spot, Viewed, masks_at, patches_at

_BATCH: Final = 32
_FEW: Final = 5


def macro_f1(confusion: Sums, classes: int) -> NDArray[np.float64]:
    """Return the mean F1 over classes that occur, from flat confusion counts.

    Parameters
    ----------
    confusion
        ``(..., classes * classes)``: rows are what a patch is, columns what it was called.
    """
    table = confusion.reshape(*confusion.shape[:-1], classes, classes)
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    both = table.sum(-1) + table.sum(-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(table.sum(-1) > 0, 2 * hits / both, np.nan)
    return np.asarray(np.nanmean(f1, axis=-1))


def accuracy(confusion: Sums, classes: int) -> NDArray[np.float64]:
    """Return the share of patches that were called what they are."""
    table = confusion.reshape(*confusion.shape[:-1], classes, classes)
    return np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum((-2, -1)))


def classified(
    classifier: Classifier,
    views: Sequence[Viewed],
    spots: Sequence[Spot],
    fills: Mapping[str, Sequence[Shown]],
    reference: str,
) -> dict[str, Any]:
    """Return accuracy and F1 of naming the modality of patches, by arm, against `reference`."""
    named = [spot for spot in spots if views[spot.hole].modality in classifier.classes]
    truth = np.array([classifier.classes.index(views[spot.hole].modality) for spot in named])
    sources = [views[spot.hole].source for spot in named]
    count = len(classifier.classes)
    if not named:
        return {"classes": list(classifier.classes), "patches": 0, "arms": {}}
    tables = {
        name: _confusion(_called(classifier, patches_at(some, named, PATCH_PIXELS)), truth, count)
        for name, some in fills.items()
    }
    cells = count * count

    def f1_change(sums: Sums) -> NDArray[np.float64]:
        return macro_f1(sums[..., :cells], count) - macro_f1(sums[..., cells:], count)

    arms = {}
    for name, table in tables.items():
        both = np.concatenate([table, tables[reference]], axis=1)
        arms[name] = {
            "accuracy": told(table, sources, lambda sums: accuracy(sums, count)),
            "f1": told(table, sources, lambda sums: macro_f1(sums, count)),
            "f1_change": told(both, sources, f1_change),
        }
    return {"classes": list(classifier.classes), "patches": len(named), "arms": arms}


def outlined(
    net: StructureNet,
    views: Sequence[Viewed],
    spots: Sequence[Spot],
    fills: Mapping[str, Sequence[Shown]],
    reference: str,
) -> dict[str, Any]:
    """Return the Dice score of structures under the mask and in the whole patch, by arm.

    That under the mask is told by modality as well: there, and only there, arms differ.
    """
    truth = patches_at([view.truth for view in views], spots, STRUCTURE_PIXELS)
    taught = np.stack([structures_of(patch)[::2, ::2] for patch in truth])
    masks = np.stack([mask[::2, ::2] for mask in masks_at(views, spots, STRUCTURE_PIXELS)])
    said = {
        name: _outlines(net, patches_at(pictures, spots, STRUCTURE_PIXELS))
        for name, pictures in fills.items()
    }
    counts = {name: _overlaps(outlines, taught, masks) for name, outlines in said.items()}
    everywhere = np.ones_like(masks)
    whole = {name: _overlaps(outlines, taught, everywhere) for name, outlines in said.items()}
    modalities = np.array([views[spot.hole].modality for spot in spots])
    sources = np.array([views[spot.hole].source for spot in spots])
    arms: dict[str, Any] = {}
    for name, table in counts.items():
        arms[name] = _dice_told(table, counts[reference], sources)
        arms[name]["patch"] = _dice_told(whole[name], whole[reference], sources)
        arms[name]["by"] = {
            modality: _dice_told(table[there], counts[reference][there], sources[there])
            for modality in sorted(set(modalities))
            if (there := modalities == modality).sum() >= _FEW
        }
    return {"patches": len(spots), "arms": arms}


def dice(sums: Sums) -> NDArray[np.float64]:
    """Return the mean Dice score over structures that occur: ``(..., 2 * STRUCTURES)``.

    The first half of the counts is what outline and teacher share, the second what both
    have together.
    """
    shared, both = sums[..., :STRUCTURES], sums[..., STRUCTURES:]
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(both > 0, 2 * shared / both, np.nan)
    return np.asarray(np.nanmean(scores, axis=-1))


def _dice_told(table: Sums, base: Sums, sources: NDArray[Any]) -> dict[str, Told]:
    half = 2 * STRUCTURES
    return {
        "dice": told(table, list(sources), dice),
        "change": told(
            np.concatenate([table, base], axis=1),
            list(sources),
            lambda sums: dice(sums[..., :half]) - dice(sums[..., half:]),
        ),
    }


def _called(classifier: Classifier, patches: Sequence[Shown]) -> NDArray[np.int64]:
    with torch.no_grad():
        made = [
            classifier.net(tensor_of(patches[start : start + _BATCH])).argmax(1).numpy()
            for start in range(0, len(patches), _BATCH)
        ]
    return np.concatenate(made)


def _confusion(called: NDArray[np.int64], truth: NDArray[np.int64], count: int) -> Sums:
    table = np.zeros((len(called), count * count))
    table[np.arange(len(called)), truth * count + called] = 1
    return table


def _outlines(net: StructureNet, patches: Sequence[Shown]) -> NDArray[np.int64]:
    with torch.no_grad():
        made = [
            net(tensor_of(patches[start : start + _BATCH])).argmax(1).numpy()
            for start in range(0, len(patches), _BATCH)
        ]
    return np.concatenate(made)


def _overlaps(said: NDArray[Any], taught: NDArray[Any], masks: NDArray[np.bool_]) -> Sums:
    called = [masks & (said == structure) for structure in range(STRUCTURES)]
    are = [masks & (taught == structure) for structure in range(STRUCTURES)]
    shared = [(one & two).sum((1, 2)) for one, two in zip(called, are, strict=True)]
    both = [one.sum((1, 2)) + two.sum((1, 2)) for one, two in zip(called, are, strict=True)]
    return np.stack([*shared, *both], axis=1).astype(np.float64)
