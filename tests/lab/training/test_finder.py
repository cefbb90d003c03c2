"""The training of the finder runs, learns and goes on where it was cut off."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")

import torch

from deid_node_lab.training.checkpoints import load_net
from deid_node_lab.training.finder import CURVE, FinderTraining, learning_rate, train
from deid_node_lab.training.losses import finder_loss


@pytest.fixture
def options(tmp_path: Path) -> FinderTraining:
    folder = tmp_path / "images"
    (folder / "us").mkdir(parents=True)
    chance = np.random.default_rng(0)
    rows = ["path,source_repo,source_path,licence,modality,text,note"]
    for number in range(40):
        name = f"us/{number}.png"
        cv2.imwrite(str(folder / name), chance.integers(0, 255, (80, 80), dtype=np.uint8))
        rows.append(f"{name},a/b,{name},CC0-1.0,US,,")
    (folder / "manifest.csv").write_text("\n".join(rows), "utf-8")
    return FinderTraining(
        backgrounds=(folder,),
        fonts=(),
        out=tmp_path / "out",
        steps=4,
        batch=2,
        side=128,
        save_every=2,
        validation_batches=1,
        threads=1,
        workers=0,
        device="cpu",
        half_precision=False,
    )


def with_changes(options: FinderTraining, **changes: object) -> FinderTraining:
    return replace(options, **changes)  # type: ignore[arg-type]


def test_a_training_that_was_cut_off_goes_on_as_if_it_had_not(
    options: FinderTraining, tmp_path: Path
) -> None:
    lines: list[str] = []
    straight = train(options, tell=lines.append)

    # The rate of learning looks at `steps`: the cut one is stopped by hand after two of four.
    cut = with_changes(options, out=tmp_path / "cut")

    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(cut, tell=stop)
    resumed = train(cut, tell=lines.append)

    first, second = load_net(straight).state_dict(), load_net(resumed).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (options.out / CURVE).read_text("utf-8").count("\n") == 3
    assert len(lines) == 3


def test_the_rate_of_learning_rises_and_falls(options: FinderTraining) -> None:
    longer = with_changes(options, steps=1000, warm_up=100)

    rates = [learning_rate(step, longer) for step in (0, 99, 500, 900, 999)]

    assert rates[0] < rates[1] == rates[2] == longer.learning_rate
    assert rates[2] > rates[3] > rates[4] > 0


def test_the_loss_prefers_the_right_map() -> None:
    region = torch.zeros((1, 32, 32))
    region[:, 8:16, 4:28] = 1.0
    core, weight = region.clone(), torch.ones_like(region)
    right = torch.stack([region * 12 - 6, region * 12 - 6], 1)

    assert finder_loss(right, core, region, weight) < finder_loss(-right, core, region, weight)
    assert finder_loss(right, core, region, weight) < 0.1


def test_a_pixel_of_no_weight_is_not_judged() -> None:
    region, weight = torch.zeros((1, 16, 16)), torch.ones((1, 16, 16))
    weight[:, 4:8] = 0.0
    calm = torch.full((1, 2, 16, 16), -8.0)
    loud = calm.clone()
    loud[:, :, 4:8] = 8.0

    assert torch.equal(
        finder_loss(calm, region, region, weight), finder_loss(loud, region, region, weight)
    )
