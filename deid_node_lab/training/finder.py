"""Trains the finder: seeded, resumable, with its curve in a file.

The step number alone decides which samples are seen and how fast is learned, so
a training that was cut off goes on from its checkpoint as if it had not been.
A running average of the weights is kept beside them: while the rate of learning
is high it is steadier than any single step, at the end of a run the two meet.

    python -m deid_node_lab.training.finder --backgrounds DIR --fonts DIR --out DIR
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from deid_node_lab.models.finder import FinderNet
from deid_node_lab.training.backgrounds import read_every
from deid_node_lab.training.checkpoints import resume, save_checkpoint, take_over
from deid_node_lab.training.course import (
    chosen_device,
    follow,
    rate_of_learning,
    stream,
    write_down,
)
from deid_node_lab.training.faces import Face, find_faces
from deid_node_lab.training.hard import read_hard
from deid_node_lab.training.losses import finder_loss
from deid_node_lab.training.samples import Sample, SampleMaker
from deid_node_lab.training.stamps import Scribe

CHECKPOINT = "finder.pt"
CURVE = "finder_curve.csv"
_VALIDATION_SEED_OFFSET = 7919
_COLUMNS = ("step", "learning_rate", "loss", "validation_loss", "recall", "precision", "seconds")


@dataclass(frozen=True, slots=True)
class FinderTraining:
    """All that decides what comes out of a training.

    `steps` may differ when a training is resumed: the rate of learning falls over
    the last `fall` share of them, so a lower number ends it sooner, a higher one later.
    `start_from` is the checkpoint of another training: what it knows is taken over, blocks
    that it lacks begin by letting through what they read. `hard` is a file of
    `deid_node_lab.training.hard`: at its places training looks more often.
    """

    backgrounds: tuple[Path, ...]
    fonts: tuple[Path, ...]
    out: Path
    start_from: Path | None = None
    hard: Path | None = None
    steps: int = 12_000
    batch: int = 8
    side: int = 320
    seed: int = 11
    learning_rate: float = 2e-3
    warm_up: int = 300
    fall: float = 0.35
    average: float = 0.999
    save_every: int = 250
    validation_batches: int = 12
    threads: int = 2
    workers: int = 1
    device: str = "auto"
    half_precision: bool = True


Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class _Batches(Dataset[Batch]):
    """Batch number `step`; held as a dataset so that another process can make it."""

    def __init__(self, maker: SampleMaker, batch: int, first: int, last: int) -> None:
        self._maker, self._batch, self._first, self._last = maker, batch, first, last

    def __len__(self) -> int:
        return max(0, self._last - self._first)

    def __getitem__(self, offset: int) -> Batch:
        start = (self._first + offset) * self._batch
        return collate([self._maker.sample(start + item) for item in range(self._batch)])


def collate(samples: Sequence[Sample]) -> Batch:
    """Return pictures ``(count, 3, side, side)`` uint8, cores, regions and weights."""
    pictures = np.stack([sample.picture.transpose(2, 0, 1) for sample in samples])
    maps = [np.stack([getattr(s, name) for s in samples]) for name in ("core", "region", "weight")]
    core, region, weight = (torch.from_numpy(array) for array in maps)
    return torch.from_numpy(pictures), core, region, weight


def hold_out(faces: Sequence[Face]) -> tuple[tuple[Face, ...], tuple[Face, ...]]:
    """Return the faces for training, and every twelfth for validation."""
    return (
        tuple(face for index, face in enumerate(faces) if index % 12 != 5),
        tuple(face for index, face in enumerate(faces) if index % 12 == 5),
    )


def train(options: FinderTraining, *, tell: Callable[[str], None] = print) -> Path:
    """Train, or go on training, and return the checkpoint's path.

    Parameters
    ----------
    options
        Where the images and fonts are, and every number that matters.
    tell
        Called with one line of progress at each checkpoint.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    cv2.setNumThreads(1)
    device = chosen_device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    known, unseen = hold_out(find_faces(options.fonts))
    pictures = read_every(options.backgrounds, "train")
    hard = read_hard(options.hard, pictures) if options.hard else ()
    maker = SampleMaker(pictures, Scribe(known), side=options.side, seed=options.seed, hard=hard)
    check = SampleMaker(
        read_every(options.backgrounds, "validation"), Scribe(unseen),
        side=options.side, seed=options.seed + _VALIDATION_SEED_OFFSET,
    )  # fmt: skip
    net = FinderNet()
    if options.start_from is not None:
        take_over(net, options.start_from)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(net).requires_grad_(False)
    descent = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=0.01)
    first = resume(options.out / CHECKPOINT, net, averaged, descent, device)
    examined = [
        _Batches(check, options.batch, 0, options.validation_batches)[n]
        for n in range(options.validation_batches)
    ]
    batches = _Batches(maker, options.batch, first, options.steps)
    started, losses = time.monotonic(), []
    for step, batch in enumerate(stream(batches, workers=options.workers), start=first):
        rate = learning_rate(step, options)
        for group in descent.param_groups:
            group["lr"] = rate
        net.train()
        with torch.autocast(device.type, torch.bfloat16, enabled=options.half_precision):
            logits = net(_frames(batch[0], device))
        loss = finder_loss(logits.float(), *(target.to(device) for target in batch[1:]))
        descent.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        descent.step()
        follow(averaged, net, min(options.average, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        done = step + 1
        if done % options.save_every == 0 or done == options.steps:
            row = (done, rate, float(np.mean(losses)), *examine(averaged, examined, device))
            save_checkpoint(options.out / CHECKPOINT, done, net, averaged, descent)
            write_down(options.out / CURVE, _COLUMNS, (*row, time.monotonic() - started))
            tell(
                f"step {done}/{options.steps} loss {row[2]:.4f} validation {row[3]:.4f} "
                f"recall {row[4]:.4f} precision {row[5]:.4f} {time.monotonic() - started:.0f} s"
            )
            losses.clear()
    return options.out / CHECKPOINT


def learning_rate(step: int, options: FinderTraining) -> float:
    """Return the rate of learning at `step`: up, level, and down to nothing at the end."""
    return rate_of_learning(
        step, steps=options.steps, highest=options.learning_rate,
        warm_up=options.warm_up, fall=options.fall,
    )  # fmt: skip


def examine(
    net: FinderNet, batches: Sequence[Batch], device: torch.device
) -> tuple[float, float, float]:
    """Return loss, recall and precision of the region map's pixels at one half."""
    net.eval()
    loss, hit, asked, said = 0.0, 0.0, 0.0, 0.0
    with torch.no_grad():
        for pictures, *targets in batches:
            logits = net(_frames(pictures, device)).float().cpu()
            loss += float(finder_loss(logits, *targets)) / len(batches)
            seen, inside = logits[:, 1] > 0, targets[2] > 0
            wanted = targets[1] > 0.5
            hit += float((seen & wanted & inside).sum())
            asked += float((wanted & inside).sum())
            said += float((seen & inside).sum())
    return loss, hit / max(1.0, asked), hit / max(1.0, said)


def _frames(pictures: Tensor, device: torch.device) -> Tensor:
    return pictures.to(device).float().contiguous(memory_format=torch.channels_last)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, what in (("backgrounds", "folder with manifest.csv"), ("fonts", "folder of fonts")):
        parser.add_argument(f"--{name}", type=Path, action="append", required=True, help=what)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and curve")
    parser.add_argument("--start-from", type=Path, help="checkpoint of a training to go on from")
    parser.add_argument("--hard", type=Path, help="file of places to look at more often")
    for name in ("steps", "batch", "side", "seed", "threads", "workers"):
        parser.add_argument(f"--{name}", type=int, default=None)
    for name in ("learning-rate", "fall"):
        parser.add_argument(f"--{name}", type=float, default=None)
    parser.add_argument("--device", default="auto")
    given = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    given |= {name: tuple(given[name]) for name in ("backgrounds", "fonts")}
    train(FinderTraining(**given), tell=lambda line: print(line, flush=True))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
