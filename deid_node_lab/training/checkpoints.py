"""Weights on disk: the checkpoint of a training, and the arrays that ship."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from deid_node_lab.models.finder import FinderNet, FinderShape
from deid_node_lab.models.reader import ReaderNet, ReaderShape


def save_checkpoint(
    target: Path,
    step: int,
    net: FinderNet | ReaderNet,
    averaged: nn.Module,
    descent: torch.optim.Optimizer,
) -> None:
    """Write all that a training needs to go on; what stood there stays until it is whole."""
    shape = net.shape if isinstance(net, ReaderNet) else FinderShape()
    save_state(target, step, net, averaged, descent, shape=asdict(shape))


def save_state(
    target: Path,
    step: int,
    net: nn.Module,
    averaged: nn.Module,
    descent: torch.optim.Optimizer,
    *,
    shape: Mapping[str, object],
) -> None:
    """Write a checkpoint of any network; `shape` is what it is built again from."""
    half_written = target.with_suffix(".part")
    torch.save(
        {
            "step": step,
            "shape": dict(shape),
            "net": net.state_dict(),
            "averaged": averaged.state_dict(),
            "descent": descent.state_dict(),
        },
        half_written,
    )
    half_written.replace(target)


def resume(
    checkpoint: Path,
    net: nn.Module,
    averaged: nn.Module,
    descent: torch.optim.Optimizer,
    device: torch.device,
) -> int:
    """Fill what is given from a checkpoint, if there is one, and return its step."""
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, map_location=device, weights_only=True)
    net.load_state_dict(state["net"])
    averaged.load_state_dict(state["averaged"])
    descent.load_state_dict(state["descent"])
    return int(state["step"])


def load_net(checkpoint: Path, kind: Literal["averaged", "net"] = "averaged") -> FinderNet:
    """Return the averaged network of a checkpoint, or its last one, ready to be exported."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net = FinderNet(FinderShape(**state["shape"]))
    net.load_state_dict(state[kind])
    return net.eval()


def load_reader(checkpoint: Path, kind: Literal["averaged", "net"] = "averaged") -> ReaderNet:
    """Return the averaged reader of a checkpoint, or its last one, ready to be exported."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net = ReaderNet(ReaderShape(**state["shape"]))
    net.load_state_dict(state[kind])
    return net.eval()


def take_over(net: FinderNet, checkpoint: Path) -> None:
    """Give `net` the weights of another training, where both have them.

    `checkpoint` is that of a training, whose averaged weights are taken, or the
    ``finder.npz`` that ships.

    Raises
    ------
    ValueError
        The checkpoint holds a weight that `net` lacks, or has in another size.
    """
    if checkpoint.suffix == ".npz":
        known = read_weights(checkpoint)
    else:
        known = torch.load(checkpoint, map_location="cpu", weights_only=True)["averaged"]
    own = net.state_dict()
    if any(name not in own or own[name].shape != weight.shape for name, weight in known.items()):
        raise ValueError(f"not a smaller network of the same make: {checkpoint.name}")
    net.load_state_dict(own | known)


def save_weights(net: FinderNet, target: Path) -> None:
    """Write the weights of `net` as arrays by name, for other trainings to start from."""
    arrays = {name: weight.numpy() for name, weight in net.state_dict().items()}
    np.savez_compressed(target, **arrays)


def read_weights(source: Path) -> dict[str, Tensor]:
    """Return what `save_weights` wrote."""
    with np.load(source, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
