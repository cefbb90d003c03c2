"""Trains the reader: seeded, resumable, with its curve in a file.

The step number alone decides which lines are seen and how fast is learned, so a
training that was cut off goes on from its checkpoint as if it had not been.

    python -m deid_node_lab.training.reader --backgrounds DIR --fonts DIR --out DIR
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

from deid_node.pixels.text.read.crops import line_of
from deid_node.pixels.text.read.letters import reading_of
from deid_node_lab.models.reader import ReaderNet, ReaderShape
from deid_node_lab.training.alphabet import ALPHABET, classes_of
from deid_node_lab.training.backgrounds import read_backgrounds
from deid_node_lab.training.checkpoints import resume, save_checkpoint
from deid_node_lab.training.course import (
    chosen_device,
    follow,
    rate_of_learning,
    stream,
    write_down,
)
from deid_node_lab.training.faces import Face, find_faces
from deid_node_lab.training.finder import hold_out
from deid_node_lab.training.judging import Judged, error_rate
from deid_node_lab.training.lines import LineMaker, LineSample
from deid_node_lab.training.stamps import Scribe

CHECKPOINT = "reader.pt"
CURVE = "reader_curve.csv"
_VALIDATION_SEED_OFFSET = 7919
_COLUMNS = ("step", "learning_rate", "loss", "validation_loss", "exact", "letter_errors", "seconds")


@dataclass(frozen=True, slots=True)
class ReaderTraining:
    """All that decides what comes out of a training.

    `steps` may differ when a training is resumed: the rate of learning falls over
    the last `fall` share of them, so a lower number ends it sooner, a higher one later.
    A step takes the lines of `pages` pages, `group` of like width at a time.
    """

    backgrounds: Path
    fonts: tuple[Path, ...]
    out: Path
    steps: int = 8_000
    pages: int = 9
    group: int = 16
    seed: int = 17
    learning_rate: float = 2e-3
    warm_up: int = 200
    fall: float = 0.35
    average: float = 0.998
    save_every: int = 250
    validation_pages: int = 90
    threads: int = 2
    workers: int = 1
    device: str = "auto"
    half_precision: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of like width with what they say.

    `lines` is ``(count, 1, HEIGHT, width)``, padded on the right with their mean;
    `classes` holds the letters of all texts in a row, `lengths` how many each has.
    """

    lines: Tensor
    classes: Tensor
    lengths: Tensor
    heights: tuple[float, ...]


class _Batches(Dataset[tuple[Group, ...]]):
    """Batch number `step`; held as a dataset so that another process can make it."""

    def __init__(self, maker: LineMaker, pages: int, group: int, first: int, last: int) -> None:
        self._maker, self._pages, self._group = maker, pages, group
        self._first, self._last = first, last

    def __len__(self) -> int:
        return max(0, self._last - self._first)

    def __getitem__(self, offset: int) -> tuple[Group, ...]:
        start = (self._first + offset) * self._pages
        pages = (self._maker.page(start + number) for number in range(self._pages))
        return grouped([line for page in pages for line in page], self._group)


def parted(faces: Sequence[Face]) -> tuple[tuple[Face, ...], tuple[Face, ...], tuple[Face, ...]]:
    """Return the faces for training, for validation and for the test."""
    known, unseen = hold_out(faces)
    return known, unseen[::2], unseen[1::2]


def grouped(samples: Sequence[LineSample], most: int) -> tuple[Group, ...]:
    """Return the samples in groups of at most `most`, the narrow ones together."""
    lines = [(line_of(sample.crop), sample) for sample in samples]
    lines.sort(key=lambda one: one[0].shape[1])
    return tuple(_group(lines[start : start + most]) for start in range(0, len(lines), most))


def _group(lines: Sequence[tuple[np.ndarray, LineSample]]) -> Group:
    width = max(line.shape[1] for line, _ in lines)
    padded = [np.pad(line, ((0, 0), (0, width - line.shape[1]))) for line, _ in lines]
    classes = [classes_of(sample.text) for _, sample in lines]
    return Group(
        torch.from_numpy(np.stack(padded)[:, None]),
        torch.tensor([number for text in classes for number in text], dtype=torch.long),
        torch.tensor([len(text) for text in classes], dtype=torch.long),
        tuple(sample.height for _, sample in lines),
    )


def train(options: ReaderTraining, *, tell: Callable[[str], None] = print) -> Path:
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
    known, unseen, _ = parted(find_faces(options.fonts))
    maker = LineMaker(
        read_backgrounds(options.backgrounds, "train"), Scribe(known), seed=options.seed
    )
    check = LineMaker(
        read_backgrounds(options.backgrounds, "validation"), Scribe(unseen),
        seed=options.seed + _VALIDATION_SEED_OFFSET,
    )  # fmt: skip
    examined = _Batches(check, options.validation_pages, options.group, 0, 1)[0]
    net = ReaderNet(ReaderShape(letters=len(ALPHABET)))
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(net).requires_grad_(False)
    descent = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=0.01)
    first = resume(options.out / CHECKPOINT, net, averaged, descent, device)
    batches = _Batches(maker, options.pages, options.group, first, options.steps)
    started, losses = time.monotonic(), []
    for step, groups in enumerate(stream(batches, workers=options.workers), start=first):
        rate = rate_of_learning(
            step, steps=options.steps, highest=options.learning_rate,
            warm_up=options.warm_up, fall=options.fall,
        )  # fmt: skip
        for parameters in descent.param_groups:
            parameters["lr"] = rate
        net.train()
        losses.append(_learn(net, groups, descent, half_precision=options.half_precision))
        follow(averaged, net, min(options.average, (step + 1) / (step + 10)))
        if (step + 1) % options.save_every == 0 or step + 1 == options.steps:
            save_checkpoint(options.out / CHECKPOINT, step + 1, net, averaged, descent)
            found = examine(averaged, examined, device)
            row = (
                step + 1, rate, float(np.mean(losses)), *found, time.monotonic() - started
            )  # fmt: skip
            write_down(options.out / CURVE, _COLUMNS, row)
            losses.clear()
            tell(
                f"reader step={step + 1}/{options.steps} loss={row[2]:.3f} "
                f"validation={row[3]:.3f} exact={row[4]:.4f} letter_errors={row[5]:.4f}"
            )
    return options.out / CHECKPOINT


def reader_loss(net: nn.Module, group: Group, device: torch.device) -> Tensor:
    """Return how little the network expects each line's text, added up over the lines."""
    logits = net(group.lines.to(device).contiguous(memory_format=torch.channels_last))
    chances = logits.float().log_softmax(-1).permute(1, 0, 2)
    steps = torch.full((chances.shape[1],), chances.shape[0], dtype=torch.long)
    loss: Tensor = nn.functional.ctc_loss(
        chances, group.classes.to(device), steps, group.lengths, reduction="none",
        zero_infinity=True,
    ).sum()  # fmt: skip
    return loss


def examine(
    net: ReaderNet, groups: Sequence[Group], device: torch.device
) -> tuple[float, float, float]:
    """Return the loss a line, the share of lines that are right, and the letters' error rate."""
    net.eval()
    loss = 0.0
    judged: list[Judged] = []
    with torch.no_grad():
        for group in groups:
            loss += float(reader_loss(net, group, device))
            certainties = net(group.lines.to(device)).softmax(-1).cpu().numpy()
            texts = iter(group.classes.tolist())
            for said, length, height in zip(
                certainties, group.lengths.tolist(), group.heights, strict=True
            ):
                wanted = "".join(ALPHABET[next(texts) - 1] for _ in range(length))
                judged.append(Judged(wanted, reading_of(said, ALPHABET), height))
    right = sum(one.right for one in judged)
    return loss / len(judged), right / len(judged), error_rate(judged)


def _learn(
    net: ReaderNet,
    groups: Sequence[Group],
    descent: torch.optim.Optimizer,
    *,
    half_precision: bool,
) -> float:
    device = next(net.parameters()).device
    lines = sum(len(group.heights) for group in groups)
    descent.zero_grad(set_to_none=True)
    total = 0.0
    for group in groups:
        with torch.autocast(device.type, torch.bfloat16, enabled=half_precision):
            loss = reader_loss(net, group, device) / lines
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    descent.step()
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backgrounds", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument(
        "--fonts", type=Path, action="append", required=True, help="folder of fonts"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and curve")
    for name in ("steps", "pages", "group", "seed", "threads", "workers"):
        parser.add_argument(f"--{name}", type=int, default=None)
    parser.add_argument("--device", default="auto")
    given = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    given["fonts"] = tuple(given["fonts"])
    train(ReaderTraining(**given), tell=lambda line: print(line, flush=True))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
