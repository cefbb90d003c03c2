"""Trains the judging networks on pictures of the training part, and keeps them by what made them.

The name of a kept file is a hash of the pictures' content and of the options, so a file
is never taken for another's.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deid_node.pixels.fill.tones import TOP, Shown
from deid_node_lab.evaluation.restoration.networks import PatchNet, StructureNet
from deid_node_lab.evaluation.restoration.structures import STRUCTURES, structures_of
from deid_node_lab.training.backgrounds import Background

PATCH_PIXELS: Final = 96
"""Side of what the classifier sees."""

STRUCTURE_PIXELS: Final = 128
"""Side of what the network of structures sees."""

_LEAST_PICTURES: Final = 20
_VERSION: Final = "2"
_RATE: Final = 3e-3
_BATCH: Final = 32
_STRUCTURE_BATCH: Final = 12
_TRIES: Final = 4
_EVEN_LEVELS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Schooling:
    """How long the networks learn, where they are kept, and whether anything is told."""

    folder: Path
    steps: int = 300
    seed: int = 7
    tell: Callable[[str], None] = lambda _line: None


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network that names the modality of a patch, and its classes in order."""

    net: PatchNet
    classes: tuple[str, ...]


def classifier_of(pictures: Sequence[Background], schooling: Schooling) -> Classifier:
    """Return a classifier of those modalities of which there are enough training pictures."""
    usable = [one for one in pictures if not one.graphic]
    names = sorted({one.modality for one in usable})
    classes = tuple(
        name for name in names if sum(one.modality == name for one in usable) >= _LEAST_PICTURES
    )
    groups = [[one for one in usable if one.modality == name] for name in classes]

    def batch(chance: np.random.Generator) -> tuple[Tensor, Tensor]:
        wanted = chance.integers(len(classes), size=_BATCH)
        drawn = [_drawn(groups[n][int(chance.integers(len(groups[n])))], chance) for n in wanted]
        return tensor_of(drawn), torch.from_numpy(wanted)

    net = PatchNet(3, len(classes))
    school(net, batch, f"classifier {classes}", [one.pixels for one in usable], schooling)
    return Classifier(net, classes)


def structure_net_of(pictures: Sequence[Background], schooling: Schooling) -> StructureNet:
    """Return a network that has learned what `structures_of` says of whole patches."""
    usable = [one for one in pictures if not one.graphic]
    groups: dict[str, list[Background]] = {}
    for one in usable:
        groups.setdefault(one.modality, []).append(one)
    names = sorted(groups)

    def batch(chance: np.random.Generator) -> tuple[Tensor, Tensor]:
        patches, labels = [], []
        for _ in range(_STRUCTURE_BATCH):
            group = groups[names[int(chance.integers(len(names)))]]
            picture = group[int(chance.integers(len(group)))]
            patch = _drawn(picture, chance, side=STRUCTURE_PIXELS)
            patches.append(patch)
            labels.append(structures_of(patch)[::2, ::2].astype(np.int64))
        return tensor_of(patches), torch.from_numpy(np.stack(labels))

    net = StructureNet(3, STRUCTURES)
    school(net, batch, "structures", [one.pixels for one in usable], schooling)
    return net


def tensor_of(patches: Sequence[Shown]) -> Tensor:
    """Return patches of one size, grey or RGB, as networks take them.

    ``(count, 3, side, side)``, float32 from -0.5 to 0.5.
    """
    colour = [
        np.repeat(patch[..., None], 3, axis=2) if patch.ndim == 2 else patch for patch in patches
    ]
    stacked = np.clip(np.stack(colour), 0, TOP).astype(np.float32) / np.float32(TOP) - 0.5
    return torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)))


def cut(shown: NDArray[Any], row: int, column: int, side: int) -> NDArray[Any]:
    """Return the square of `side` pixels about a point; what lies beyond the edge is its mirror."""
    half = side // 2
    rows = _mirrored(np.arange(row - half, row - half + side), shown.shape[0])
    columns = _mirrored(np.arange(column - half, column - half + side), shown.shape[1])
    return shown[np.ix_(rows, columns)]


def _mirrored(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    period = max(1, 2 * length - 2)
    folded = np.abs(places) % period
    return np.where(folded < length, folded, period - folded)


def _drawn(picture: Background, chance: np.random.Generator, side: int = PATCH_PIXELS) -> Shown:
    """Return a square of a picture, if it can be one that is not all ground."""
    rows, columns = picture.pixels.shape[:2]
    patch = np.zeros((side, side), np.float32)
    for _ in range(_TRIES):
        row, column = int(chance.integers(rows)), int(chance.integers(columns))
        patch = cut(picture.pixels, row, column, side).astype(np.float32)
        if patch.std() > _EVEN_LEVELS:
            break
    return patch[:, ::-1] if chance.random() < 0.5 else patch


def school(
    net: nn.Module,
    batch: Callable[[np.random.Generator], tuple[Tensor, Tensor]],
    what: str,
    taught: Sequence[NDArray[np.uint8]],
    schooling: Schooling,
) -> None:
    """Train `net` in place, or load what the same training on `taught` has left."""
    digest = hashlib.sha256(f"{_VERSION} {what} {schooling.steps} {schooling.seed}".encode())
    digest.update(str(net).encode())
    for pixels in taught:
        digest.update(pixels.tobytes())
    kept = schooling.folder / f"{digest.hexdigest()[:24]}.pt"
    if kept.is_file():
        net.load_state_dict(torch.load(kept, map_location="cpu", weights_only=True))
    else:
        learn(net, batch, steps=schooling.steps, seed=schooling.seed)
        schooling.tell(f"trained: {what}")
        schooling.folder.mkdir(parents=True, exist_ok=True)
        torch.save(net.state_dict(), kept)
    net.eval()


def learn(
    net: nn.Module,
    batch: Callable[[np.random.Generator], tuple[Tensor, Tensor]],
    *,
    steps: int,
    seed: int,
) -> None:
    """Train `net` in place by cross-entropy on seeded batches; its first weights are seeded too."""
    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            module.reset_parameters()
    chance = np.random.default_rng(seed)
    descent = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=1e-3)
    fall = torch.optim.lr_scheduler.OneCycleLR(descent, max_lr=_RATE, total_steps=steps)
    net.train()
    for _ in range(steps):
        patches, wanted = batch(chance)
        descent.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(patches), wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()
        fall.step()
    net.eval()
