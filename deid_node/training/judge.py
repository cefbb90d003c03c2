"""Trains the finder's second stage on the boxes that the first one proposes.

Text comes from painted samples, the rest from text-free pictures and from what a
finder took for text beside it. The boxes are gathered once, then seen many times:
mirrored grey scales and other contrast keep the judge from knowing them by heart.

    python -m deid_node.training.judge --finder ONNX --backgrounds DIR --fonts DIR --out DIR
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deid_node.models.judge import JudgeNet
from deid_node.pixels.find.crnn import CrnnFinder
from deid_node.pixels.find.options import CrnnOptions
from deid_node.training.backgrounds import Part, Pictures, read_every
from deid_node.training.course import chosen_device, rate_of_learning, write_down
from deid_node.training.faces import find_faces
from deid_node.training.finder import hold_out
from deid_node.training.hard import drawn
from deid_node.training.proposals import Proposal, of_sample, of_text_free
from deid_node.training.samples import SampleMaker
from deid_node.training.stamps import Scribe
from deid_node.training.views import as_frame, shown

CHECKPOINT = "judge.pt"
CURVE = "judge_curve.csv"
_COLUMNS = ("step", "learning_rate", "loss", "text_kept", "others_kept", "seconds")
_PROPOSE_SCORE = 0.2
_KEPT_SHARE = 0.995
_SIDE = 384
_DRAWN_FROM = {"train": 0, "validation": 70_000}


@dataclass(frozen=True, slots=True)
class JudgeTraining:
    """All that decides what comes out of a training.

    `samples` painted samples and `drawn` pictures made by code are shown to the finder
    beside every text-free picture, each of those `rounds` times in other views.
    """

    finder: Path
    backgrounds: tuple[Path, ...]
    fonts: tuple[Path, ...]
    out: Path
    samples: int = 4000
    drawn: int = 2000
    rounds: int = 2
    steps: int = 3000
    batch: int = 128
    seed: int = 41
    learning_rate: float = 2e-3
    threads: int = 1
    device: str = "auto"


class Boxes:
    """Proposals as arrays, those of text and the others apart."""

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self.near = np.stack([one.near for one in proposals])
        self.far = np.stack([one.far for one in proposals])
        self.facts = np.stack([one.facts for one in proposals])
        self.is_text = np.array([one.is_text for one in proposals], np.bool_)

    def batch(
        self, chance: np.random.Generator, count: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return near and far cuts, facts and answers of `count` boxes, half of them text."""
        halves = (np.flatnonzero(self.is_text), np.flatnonzero(~self.is_text))
        chosen = np.concatenate([chance.choice(half, count // 2) for half in halves])
        near, far = self.near[chosen].copy(), self.far[chosen].copy()
        for number in range(len(chosen)):
            _vary(near[number], far[number], chance)
        facts = self.facts[chosen] + chance.normal(0, 0.02, (len(chosen), 4)).astype(np.float32)
        return (
            torch.from_numpy(near).permute(0, 3, 1, 2),
            torch.from_numpy(far).permute(0, 3, 1, 2),
            torch.from_numpy(facts.astype(np.float32)),
            torch.from_numpy(self.is_text[chosen].astype(np.float32)),
        )


def _vary(near: NDArray[np.uint8], far: NDArray[np.uint8], chance: np.random.Generator) -> None:
    """Change the grey scale of both cuts alike, in place; their fourth channel stays."""
    levels = np.linspace(0, 1, 256) ** float(np.exp(chance.normal(0, 0.25)))
    table = np.clip(levels * 255 * chance.uniform(0.7, 1.2) + chance.uniform(-25, 25), 0, 255)
    if chance.random() < 0.3:
        table = table[::-1]
    curve = table.astype(np.uint8)
    near[..., :3], far[..., :3] = curve[near[..., :3]], curve[far[..., :3]]


def gather(options: JudgeTraining, part: Part, *, share: float = 1.0) -> Boxes:
    """Return what the finder proposes on samples and text-free pictures of `part`."""
    cv2.setNumThreads(1)
    model = CrnnOptions(model_file=options.finder, min_score=_PROPOSE_SCORE, device="cpu")
    finder = CrnnFinder(model, threads=options.threads)
    pictures = read_every(options.backgrounds, part)
    source = Pictures(pictures)
    faces = hold_out(find_faces(options.fonts))[0 if part == "train" else 1]
    maker = SampleMaker(pictures, Scribe(faces), side=_SIDE, seed=options.seed + len(part))
    chance = np.random.default_rng([options.seed, len(part)])
    every: list[Proposal] = []
    for number in range(round(options.samples * share)):
        every += of_sample(finder, maker.sample(number), chance)
    first, count = _DRAWN_FROM[part], round(options.drawn * share)
    for _ in range(options.rounds if part == "train" else 1):
        made = (drawn(source, first + number) for number in range(count))
        for one in (*pictures, *made):
            plain = as_frame(one.pixels)
            if plain is not one.pixels and chance.random() < 0.5:
                plain = shown(np.repeat(plain[..., :1], 3, 2), chance, faint=False)
            every += of_text_free(finder, plain, chance)
        first += count
    return Boxes(every)


def train(options: JudgeTraining, *, tell: Callable[[str], None] = print) -> Path:
    """Gather, train, and return the checkpoint's path; `tell` is called with lines of progress."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = chosen_device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    known = gather(options, "train")
    unseen = gather(options, "validation", share=0.25)
    tell(
        f"{known.is_text.sum()} boxes of text and {(~known.is_text).sum()} others; to validate "
        f"{unseen.is_text.sum()} and {(~unseen.is_text).sum()}; {time.monotonic() - started:.0f} s"
    )
    net = JudgeNet().to(device)
    descent = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=0.02)
    chance, losses = np.random.default_rng(options.seed), []
    for step in range(options.steps):
        rate = rate_of_learning(
            step, steps=options.steps, highest=options.learning_rate, warm_up=100, fall=0.6
        )
        for group in descent.param_groups:
            group["lr"] = rate
        net.train()
        near, far, facts, answers = (part.to(device) for part in known.batch(chance, options.batch))
        logits = net(near.float(), far.float(), facts)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, answers)
        descent.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()
        losses.append(float(loss.detach()))
        done = step + 1
        if done % 250 == 0 or done == options.steps:
            kept = examine(net, unseen, device)
            torch.save({"step": done, "net": net.state_dict()}, options.out / CHECKPOINT)
            row = (done, rate, float(np.mean(losses)), *kept, time.monotonic() - started)
            write_down(options.out / CURVE, _COLUMNS, row)
            tell(
                f"step {done}/{options.steps} loss {row[2]:.4f}; where {kept[0]:.4f} of the text "
                f"stays, {kept[1]:.4f} of the others do; {row[-1]:.0f} s"
            )
            losses.clear()
    return options.out / CHECKPOINT


def examine(net: JudgeNet, boxes: Boxes, device: torch.device) -> tuple[float, float]:
    """Return the share of text, and of other boxes, above the score that keeps that much text."""
    scores = judged(net, boxes, device)
    text, others = scores[boxes.is_text], scores[~boxes.is_text]
    if not (text.size and others.size):
        return 0.0, 0.0
    edge = np.quantile(text, 1 - _KEPT_SHARE)
    return float((text >= edge).mean()), float((others >= edge).mean())


def judged(net: JudgeNet, boxes: Boxes, device: torch.device) -> NDArray[np.float32]:
    """Return the logit of each of `boxes`."""
    net.eval()
    answers = []
    with torch.no_grad():
        for start in range(0, len(boxes.is_text), 256):
            own = slice(start, start + 256)
            near, far = (
                torch.from_numpy(cuts[own]).permute(0, 3, 1, 2).float().to(device)
                for cuts in (boxes.near, boxes.far)
            )
            facts = torch.from_numpy(boxes.facts[own]).to(device)
            answers.append(net(near, far, facts).cpu().numpy())
    return np.concatenate(answers) if answers else np.zeros(0, np.float32)


def load_judge(checkpoint: Path) -> JudgeNet:
    """Return the network of a checkpoint, ready to be exported."""
    net = JudgeNet()
    net.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["net"])
    return net.eval()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("finder", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("backgrounds", "fonts"):
        parser.add_argument(f"--{name}", type=Path, action="append", required=True)
    for name in ("samples", "drawn", "rounds", "steps", "batch", "seed", "threads"):
        parser.add_argument(f"--{name}", type=int, default=None)
    given = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    given |= {name: tuple(given[name]) for name in ("backgrounds", "fonts")}
    train(JudgeTraining(**given), tell=lambda line: print(line, flush=True))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
