"""What trainings have in common: how fast is learned when, and what is written down."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

Batch = TypeVar("Batch")


def rate_of_learning(step: int, *, steps: int, highest: float, warm_up: int, fall: float) -> float:
    """Return the rate of learning at `step`: up, level, and down to nothing at the end.

    It rises over the first `warm_up` steps and falls over the last `fall` share of them.
    """
    rising = (step + 1) / max(1, warm_up)
    falling = (steps - step) / max(1.0, fall * steps)
    return highest * min(1.0, rising, falling)


def follow(averaged: nn.Module, net: nn.Module, share: float) -> None:
    """Move the weights of `averaged` towards those of `net`; `share` of them stays."""
    with torch.no_grad():
        for slow, fast in zip(
            averaged.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if slow.dtype.is_floating_point:
                slow.lerp_(fast, 1.0 - share)
            else:
                slow.copy_(fast)


def write_down(curve: Path, columns: Sequence[str], row: Sequence[float]) -> None:
    """Add a row to a curve's CSV file, which begins with the names of its columns."""
    fresh = not curve.exists()
    with curve.open("a", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        if fresh:
            writer.writerow(columns)
        writer.writerow([f"{value:.6g}" for value in row])


def last_step(curve: Path) -> int | None:
    """Return the step of the latest row of a curve's CSV file, None where there is no file."""
    if not curve.exists():
        return None
    with curve.open(newline="", encoding="utf-8") as lines:
        return max(int(float(row["step"])) for row in csv.DictReader(lines))


def stream(batches: Dataset[Batch], *, workers: int) -> Iterator[Batch]:
    """Yield `batches` in order, made by so many processes ahead of time, or by none."""
    yield from DataLoader(
        batches, batch_size=None, shuffle=False, num_workers=workers,
        prefetch_factor=8 if workers else None, worker_init_fn=_yield_the_machine,
    )  # fmt: skip


def _yield_the_machine(_worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def chosen_device(wanted: str) -> torch.device:
    """Return the device that `wanted` names; ``auto`` takes a GPU when torch sees one."""
    if wanted != "auto":
        return torch.device(wanted)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
