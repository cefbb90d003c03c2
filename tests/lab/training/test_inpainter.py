"""Both stages of the inpainter's training learn, and go on where they were cut off."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

import torch

from deid_node.errors import InputError
from deid_node_lab.models.export_inpainter import read_folder, write_folder
from deid_node_lab.models.inpainter import parts_of
from deid_node_lab.training import inpainter_autoencoder, inpainter_unet
from deid_node_lab.training.inpainter import main
from deid_node_lab.training.inpainter_autoencoder import (
    autoencoder_loss,
    load_autoencoder,
    restored_psnr,
    train_autoencoder,
)
from deid_node_lab.training.inpainter_options import InpainterTraining
from deid_node_lab.training.inpainter_unet import train_unet, trained_parts
from tests.builders.inpainter import TINY


def silent(_line: str) -> None:
    pass


@pytest.fixture
def options(tmp_path: Path) -> InpainterTraining:
    folder = tmp_path / "images"
    (folder / "us").mkdir(parents=True)
    chance = np.random.default_rng(0)
    rows = ["path,source_repo,source_path,licence,modality,text,note"]
    for number in range(40):
        name = f"us/{number}.png"
        coarse = chance.integers(0, 255, (5, 5), dtype=np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(coarse, (40, 40)))
        rows.append(f"{name},a/b,{name},CC0-1.0,US,,")
    (folder / "manifest.csv").write_text("\n".join(rows), "utf-8")
    return InpainterTraining(
        backgrounds=(folder,), out=tmp_path / "out", shape=TINY, steps=4, batch=4, side=32,
        save_every=2, threads=1, workers=0, device="cpu", half_precision=False,
    )  # fmt: skip


Stage = Callable[..., Path]


@pytest.mark.parametrize("stage", [train_autoencoder, train_unet])
def test_a_stage_that_was_cut_off_goes_on_as_if_it_had_not(
    stage: Stage, options: InpainterTraining, tmp_path: Path
) -> None:
    if stage is train_unet:
        for out in (options.out, tmp_path / "cut"):
            train_autoencoder(replace(options, out=out, steps=1), tell=silent)
    straight = stage(options, tell=silent)
    cut = replace(options, out=tmp_path / "cut")

    # The rate of learning looks at `steps`: the cut one is stopped by hand after two of four.
    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage(cut, tell=stop)
    resumed = stage(cut, tell=silent)

    first, second = (
        torch.load(checkpoint, weights_only=True)["averaged"] for checkpoint in (straight, resumed)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_autoencoder_learns_to_give_back_what_it_is_given() -> None:
    pictures = torch.linspace(-1, 1, 32).expand(4, 3, 32, 32).contiguous()
    net = parts_of(TINY, seed=1).autoencoder.train()
    descent = torch.optim.Adam(net.parameters(), lr=0.01)
    chance = torch.Generator().manual_seed(1)
    before = restored_psnr(net, pictures)
    for _ in range(30):
        descent.zero_grad()
        autoencoder_loss(net, pictures, chance).backward()  # type: ignore[no-untyped-call]
        descent.step()

    assert restored_psnr(net, pictures) > before + 5


def test_the_unet_comes_nearer_to_the_truth(options: InpainterTraining) -> None:
    train_autoencoder(replace(options, steps=2), tell=silent)

    train_unet(replace(options, steps=40, save_every=10, learning_rate=5e-3), tell=silent)

    curve = np.loadtxt(
        options.out / inpainter_unet.CURVE, delimiter=",", skiprows=1, usecols=2, ndmin=1
    )
    assert curve[-1] < 0.8 * curve[0]


def test_the_latents_of_the_first_stage_are_given_a_spread_of_one(
    options: InpainterTraining,
) -> None:
    checkpoint = train_autoencoder(options, tell=silent)

    net = load_autoencoder(checkpoint, options)

    fresh = parts_of(TINY, seed=options.seed).autoencoder
    assert net.config.scaling_factor != fresh.config.scaling_factor
    assert 0.001 < net.config.scaling_factor < 1000


def test_a_unet_without_an_autoencoder_is_refused(options: InpainterTraining) -> None:
    with pytest.raises(InputError, match=r"autoencoder\.pt is missing"):
        train_unet(options, tell=silent)


def test_a_folder_that_is_none_of_an_inpainter_is_refused(
    options: InpainterTraining, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"model_index\.json is missing"):
        train_autoencoder(replace(options, start_from=tmp_path), tell=silent)


def test_a_training_goes_on_from_a_folder_as_it_ships(
    options: InpainterTraining, tmp_path: Path
) -> None:
    shipped = tmp_path / "shipped"
    write_folder(parts_of(TINY, seed=9), shipped)
    begun = replace(options, start_from=shipped, steps=1, learning_rate=0.0)

    train_unet(begun, tell=silent)

    known, learned = read_folder(shipped), trained_parts(begun)
    for part in ("autoencoder", "unet", "text_encoder"):
        weights = getattr(learned, part).state_dict()
        assert all(
            torch.allclose(weight, weights[name])
            for name, weight in getattr(known, part).state_dict().items()
        )


def test_what_both_stages_made_is_put_together(options: InpainterTraining) -> None:
    train_autoencoder(options, tell=silent)
    train_unet(options, tell=silent)

    parts = trained_parts(options)

    assert not parts.unet.training
    state = torch.load(options.out / inpainter_autoencoder.CHECKPOINT, weights_only=True)
    weight = parts.autoencoder.encoder.conv_in.weight
    assert torch.equal(weight, state["averaged"]["encoder.conv_in.weight"])


def test_the_command_trains_the_stage_it_is_told(
    options: InpainterTraining, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "start"
    write_folder(parts_of(TINY, seed=9), folder)

    done = main(
        [
            "--stage", "autoencoder", "--backgrounds", str(options.backgrounds[0]),
            "--out", str(tmp_path / "made"), "--start-from", str(folder), "--steps", "1",
            "--batch", "1", "--side", "32", "--threads", "1", "--workers", "0", "--device", "cpu",
        ]
    )  # fmt: skip

    assert done == 0
    assert (tmp_path / "made" / inpainter_autoencoder.CHECKPOINT).exists()
    assert "autoencoder step=1/1" in capsys.readouterr().out
