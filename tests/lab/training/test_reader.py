"""The training of the reader runs and goes on where it was cut off."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")

import torch

from deid_node_lab.models.reader import ReaderNet, ReaderShape
from deid_node_lab.training.alphabet import ALPHABET
from deid_node_lab.training.checkpoints import load_reader
from deid_node_lab.training.course import rate_of_learning
from deid_node_lab.training.lines import LineSample
from deid_node_lab.training.reader import CURVE, ReaderTraining, grouped, reader_loss, train


@pytest.fixture
def options(tmp_path: Path) -> ReaderTraining:
    folder = tmp_path / "images"
    (folder / "us").mkdir(parents=True)
    chance = np.random.default_rng(0)
    rows = ["path,source_repo,source_path,licence,modality,text,note"]
    for number in range(40):
        name = f"us/{number}.png"
        cv2.imwrite(str(folder / name), chance.integers(0, 255, (80, 80), dtype=np.uint8))
        rows.append(f"{name},a/b,{name},CC0-1.0,US,,")
    (folder / "manifest.csv").write_text("\n".join(rows), "utf-8")
    return ReaderTraining(
        backgrounds=folder,
        fonts=(),
        out=tmp_path / "out",
        steps=4,
        pages=1,
        save_every=2,
        validation_pages=1,
        threads=1,
        workers=0,
        device="cpu",
        half_precision=False,
    )


def test_a_training_that_was_cut_off_goes_on_as_if_it_had_not(
    options: ReaderTraining, tmp_path: Path
) -> None:
    lines: list[str] = []
    straight = train(options, tell=lines.append)

    # The rate of learning looks at `steps`: the cut one is stopped by hand after two of four.
    cut = replace(options, out=tmp_path / "cut")

    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(cut, tell=stop)
    resumed = train(cut, tell=lines.append)

    first, second = load_reader(straight).state_dict(), load_reader(resumed).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (options.out / CURVE).read_text("utf-8").count("\n") == 3
    assert len(lines) == 3


def test_the_rate_of_learning_rises_and_falls() -> None:
    rates = [
        rate_of_learning(step, steps=1000, highest=0.01, warm_up=100, fall=0.35)
        for step in (0, 99, 500, 900, 999)
    ]

    assert rates[0] < rates[1] == rates[2] == 0.01
    assert rates[2] > rates[3] > rates[4] > 0


def test_lines_of_like_width_are_grouped_with_their_texts() -> None:
    texts = ["a wide line", "R", "", "12 cm"]
    widths = [200, 20, 40, 90]
    samples = [
        LineSample(np.zeros((20, width), np.uint8), text, 14.0)
        for text, width in zip(texts, widths, strict=True)
    ]

    narrow, wide = grouped(samples, 2)

    assert (narrow.lines.shape, wide.lines.shape) == ((2, 1, 32, 64), (2, 1, 32, 320))
    assert narrow.lengths.tolist() == [1, 0]
    letters = "".join(ALPHABET[number - 1] for number in wide.classes.tolist())
    assert letters == "12 cma wide line"


def test_a_few_steps_of_descent_learn_a_line() -> None:
    torch.manual_seed(1)
    crop = np.zeros((20, 60), np.uint8)
    cv2.putText(crop, "R 5", (8, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    (group,) = grouped([LineSample(crop, "R 5", 12.0)], 4)
    net = ReaderNet(ReaderShape(letters=len(ALPHABET), half=8, quarter=8, eighth=8, recurrent=8))
    descent = torch.optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = reader_loss(net, group, torch.device("cpu"))
        descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()
        losses.append(float(loss.detach()))

    assert losses[-1] < 0.2 * losses[0]
