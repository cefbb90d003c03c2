"""A classifier of the part of the body that a slice shows, before and after a fill.

It sees whole slices, as a tool that sorts a collection does, so a fill has to change a
great deal before its answer is another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deid_node_lab.evaluation.anatomy import of_picture
from deid_node_lab.evaluation.intervals import Sums
from deid_node_lab.evaluation.research.outlining import regraded
from deid_node_lab.evaluation.restoration.distortion import grey_of
from deid_node_lab.evaluation.restoration.networks import PatchNet
from deid_node_lab.evaluation.restoration.schooling import Schooling, school, tensor_of
from deid_node_lab.evaluation.restoration.stack_arms import Slices, Stack
from deid_node_lab.training.backgrounds import Background

_SIDE_PIXELS: Final = 96
_BATCH: Final = 32
_LEAST_PICTURES: Final = 20
_SECTIONS: Final = frozenset({"CT", "MR"})
_PARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "head and neck": ("head", "neck"),
        "trunk": ("chest", "abdomen", "trunk", "lumbar spine", "pelvis"),
        "limb": ("limb", "shoulder"),
    }
)
"""What is told apart; finer ones have too few sources to learn from."""

_LEAST_PARTS: Final = 2

COUNTED: Final = 4
"""Numbers that are counted on one volume: slices, named rightly, named anew, certainty lost."""


@dataclass(frozen=True, slots=True)
class Namer:
    """A network that names the part of the body of a slice, and its answers in order."""

    net: PatchNet
    parts: tuple[str, ...]


def namer_of(pictures: Sequence[Background], schooling: Schooling) -> Namer | None:
    """Return a classifier of the parts that enough pictures show; None where there are not two."""
    groups: dict[str, dict[str, list[Background]]] = {}
    for one in pictures:
        part = part_of(of_picture(one.path)[0])
        if one.modality in _SECTIONS and part is not None:
            groups.setdefault(part, {}).setdefault(one.source, []).append(one)
    parts = tuple(
        sorted(
            name
            for name, sources in groups.items()
            if sum(map(len, sources.values())) >= _LEAST_PICTURES
        )
    )
    if len(parts) < _LEAST_PARTS:
        return None
    by_part = [[groups[name][source] for source in sorted(groups[name])] for name in parts]

    def batch(chance: np.random.Generator) -> tuple[Tensor, Tensor]:
        wanted = chance.integers(len(parts), size=_BATCH)
        shown = []
        for number in wanted:
            sources = by_part[int(number)]
            own = sources[int(chance.integers(len(sources)))]
            picture = own[int(chance.integers(len(own)))].pixels
            whole = regraded(_whole(_trimmed(grey_of(picture.astype(np.float32)), chance)), chance)
            shown.append(whole[:, ::-1] if chance.random() < 0.5 else whole)
        return tensor_of(shown), torch.from_numpy(wanted)

    net = PatchNet(3, len(parts))
    taught = [one.pixels for sources in by_part for own in sources for one in own]
    school(net, batch, f"parts of the body {parts}", taught, schooling)
    return Namer(net, parts)


def part_of(anatomy: str) -> str | None:
    """Return the part of the body that an anatomy is of, None where it is of none of them."""
    return next((part for part, own in _PARTS.items() if anatomy in own), None)


def certainties(namer: Namer, slices: Slices) -> NDArray[np.float64]:
    """Return how certain the network is of each part: ``(slices, parts)``, sums of 1."""
    with torch.no_grad():
        scores = namer.net(tensor_of([_whole(one) for one in slices]))
    return np.asarray(torch.softmax(scores, dim=1).numpy(), np.float64)


def named(namer: Namer, stack: Stack, made: Slices) -> Sums:
    """Return the counts of one volume as an arm left it."""
    chosen = list(stack.written)
    before = certainties(namer, stack.volume.slices[chosen])
    after = certainties(namer, made[chosen])
    first, now = before.argmax(1), after.argmax(1)
    rows = np.arange(len(chosen))
    part = part_of(stack.volume.anatomy)
    right = (now == namer.parts.index(part)).sum() if part in namer.parts else np.nan
    lost = (before[rows, first] - after[rows, first]).sum()
    return np.array([len(chosen), right, (now != first).sum(), lost], np.float64)


def _whole(picture: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture in a square, its longer side filling it."""
    rows, columns = picture.shape
    scale = _SIDE_PIXELS / max(rows, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    square = np.zeros((_SIDE_PIXELS, _SIDE_PIXELS), np.float32)
    top, left = (_SIDE_PIXELS - size[1]) // 2, (_SIDE_PIXELS - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square


def _trimmed(picture: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """Return a picture without up to an eighth of it on each side."""
    rows, columns = picture.shape
    top, bottom = (int(chance.integers(rows // 8 + 1)) for _ in range(2))
    left, right = (int(chance.integers(columns // 8 + 1)) for _ in range(2))
    return picture[top : rows - bottom, left : columns - right]
