"""A network that outlines both anatomies of a volume, slice by slice, before and after a fill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deid_node.pixels.text.masks import mask_of
from deid_node_lab.evaluation.intervals import Sums
from deid_node_lab.evaluation.research.anatomies import ANATOMIES, LABELS, Labels, labels_of
from deid_node_lab.evaluation.restoration.networks import StructureNet
from deid_node_lab.evaluation.restoration.schooling import Schooling, cut, school, tensor_of
from deid_node_lab.evaluation.restoration.stack_arms import Slices, Stack
from deid_node_lab.evaluation.restoration.volumes import Volume

_SIDE_PIXELS: Final = 96
_BATCH: Final = 10
_CELL_PIXELS: Final = 8
_AT_ONCE: Final = 4
_KINDS: Final = LABELS - 1
_PLACES: Final = tuple(ANATOMIES)
_LEAST_VOLUMES: Final = 2


def outliners_of(volumes: Sequence[Volume], schooling: Schooling) -> dict[str, StructureNet]:
    """Return a network for each modality of which `volumes` can teach one."""
    made = {}
    for modality in ANATOMIES:
        own = [one for one in volumes if one.modality == modality]
        taught = [(one, labels) for one in own if (labels := labels_of(one)) is not None]
        if len(taught) >= _LEAST_VOLUMES:
            made[modality] = _outliner(modality, taught, schooling)
    return made


def _outliner(
    modality: str, taught: Sequence[tuple[Volume, Labels]], schooling: Schooling
) -> StructureNet:
    by_source: dict[str, list[tuple[Volume, Labels]]] = {}
    for one in taught:
        by_source.setdefault(one[0].source, []).append(one)
    groups = [by_source[name] for name in sorted(by_source)]

    def batch(chance: np.random.Generator) -> tuple[Tensor, Tensor]:
        shown, wanted = [], []
        for _ in range(_BATCH):
            group = groups[int(chance.integers(len(groups)))]
            volume, labels = group[int(chance.integers(len(group)))]
            count, rows, columns = labels.shape
            at = int(chance.integers(count))
            row, column = int(chance.integers(rows)), int(chance.integers(columns))
            patch, label = (
                cut(one[at], row, column, _SIDE_PIXELS) for one in (volume.slices, labels)
            )
            if chance.random() < 0.5:
                patch, label = patch[:, ::-1], label[:, ::-1]
            shown.append(regraded(patch.astype(np.float32), chance))
            wanted.append(label[::2, ::2].astype(np.int64))
        return tensor_of(shown), torch.from_numpy(np.stack(wanted))

    net = StructureNet(3, LABELS)
    seen = [one.slices for one, _ in taught]
    school(net, batch, f"anatomies of {modality}", seen, schooling)
    return net


def regraded(picture: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """Return a picture of 255 levels with other shades, as another window would show it."""
    bent = 255 * np.clip(picture / 255, 0, 1) ** float(np.exp(chance.normal(0, 0.2)))
    other = bent * chance.uniform(0.8, 1.2) + chance.uniform(-12, 12)
    return np.asarray(np.clip(other, 0, 255), np.float32)


def outlines(net: StructureNet, slices: Slices) -> Labels:
    """Return the label of every second pixel of every second row of each slice."""
    _, rows, columns = slices.shape
    high, wide = (-(-side // _CELL_PIXELS) * _CELL_PIXELS for side in (rows, columns))
    padded = np.pad(slices, ((0, 0), (0, high - rows), (0, wide - columns)), "edge")
    made = []
    with torch.no_grad():
        for start in range(0, len(padded), _AT_ONCE):
            scores = net(tensor_of(list(padded[start : start + _AT_ONCE])))
            made.append(scores.argmax(1).numpy().astype(np.uint8))
    return np.asarray(np.concatenate(made)[:, : -(-rows // 2), : -(-columns // 2)])


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """What was counted on one volume: under the mask and beside it.

    Both are ``(modalities x anatomies x 2)``, flat: what outline and rule share, and what both
    have together, on the slices that text stands on.
    """

    inside: Sums
    beside: Sums


class OutlineJudge:
    """Compares outlines with the rule on the untouched volume."""

    def __init__(self, nets: Mapping[str, StructureNet]) -> None:
        self._nets = nets

    def judges(self, volume: Volume) -> bool:
        """Return whether there is a network for it."""
        return volume.modality in self._nets

    def counted(self, stack: Stack, made: Slices, labels: Labels) -> Outlined:
        """Return the counts of one volume as an arm left it, `labels` being what the rule says."""
        chosen = list(stack.written)
        taught = labels[chosen][:, ::2, ::2]
        said = outlines(self._nets[stack.volume.modality], made[chosen])
        _, rows, columns = made.shape
        mask = mask_of([stack.box], rows=rows, columns=columns)[::2, ::2]
        place = _PLACES.index(stack.volume.modality)
        return Outlined(
            *(_overlap(said[:, there], taught[:, there], place) for there in (mask, ~mask))
        )


def _overlap(said: Labels, taught: Labels, place: int) -> Sums:
    counts = np.zeros((len(_PLACES), _KINDS, 2))
    for kind in range(_KINDS):
        one, two = said == kind + 1, taught == kind + 1
        counts[place, kind] = (one & two).sum(), one.sum() + two.sum()
    return counts.ravel()


CELLS: Final = len(_PLACES) * _KINDS * 2
"""Numbers that are counted on one volume."""


def dice(sums: Sums) -> NDArray[np.float64]:
    """Return the mean Dice score over the anatomies that occur: ``(..., CELLS)``."""
    return np.asarray(np.nanmean(_each(sums), axis=-1))


def dice_of(place: int) -> Any:
    """Return what gives the Dice score of one anatomy, counted through all modalities."""

    def one(sums: Sums) -> NDArray[np.float64]:
        return np.asarray(_each(sums)[..., place])

    return one


def anatomy_names() -> tuple[str, ...]:
    """Return the anatomies in the order of `dice_of`."""
    return tuple(f"{modality}, {name}" for modality in _PLACES for name in ANATOMIES[modality])


def _each(sums: Sums) -> NDArray[np.float64]:
    table = sums.reshape(*sums.shape[:-1], len(_PLACES) * _KINDS, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(table[..., 1] > 0, 2 * table[..., 0] / table[..., 1], np.nan))
