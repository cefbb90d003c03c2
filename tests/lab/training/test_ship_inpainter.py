"""What ships is what was trained: the folder, its hashes, its figures and its card agree."""

import json
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from deid_node.pixels.fill.folder import open_folder
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node_lab.models.export_inpainter import hashes_of
from deid_node_lab.training.card import tables_of
from deid_node_lab.training.inpainter_autoencoder import train_autoencoder
from deid_node_lab.training.inpainter_options import InpainterTraining
from deid_node_lab.training.inpainter_unet import train_unet
from deid_node_lab.training.ship_inpainter import (
    CARD,
    NAME,
    InpainterShipment,
    inpainter_tables,
    ship,
)
from tests.builders.inpainter import TINY

WEIGHTS = Path(str(resources.files("deid_node.weights")))
MOST_BYTES = 60 * 2**20


def silent(_line: str) -> None:
    pass


@pytest.fixture
def shipment(tmp_path: Path) -> InpainterShipment:
    images = tmp_path / "images"
    write_pictures(images)
    training = InpainterTraining(
        backgrounds=(images,), out=tmp_path / "out", shape=TINY, steps=1, batch=2, side=32,
        threads=1, workers=0, device="cpu", half_precision=False,
    )  # fmt: skip
    train_autoencoder(training, tell=silent)
    train_unet(training, tell=silent)
    return InpainterShipment(
        tmp_path / "out", (images,), tmp_path / "target", shape=TINY, crops=1, threads=1
    )


def write_pictures(folder: Path) -> None:
    folder.mkdir()
    chance = np.random.default_rng(0)
    rows = ["path,source_repo,source_path,licence,modality,text,note"]
    for number in range(40):
        coarse = chance.integers(0, 255, (8, 8), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (64, 64)))
        rows.append(f"{number}.png,a/b,{number}.png,CC0-1.0,US,,")
    (folder / "manifest.csv").write_text("\n".join(rows), "utf-8")


def test_a_trained_inpainter_ships_with_hashes_and_figures(shipment: InpainterShipment) -> None:
    shipment.target.mkdir()
    card = shipment.target / CARD
    card.write_text("# Card\n<!-- figures -->\n<!-- end of figures -->\n", "utf-8")

    report = ship(shipment)

    assert report["sha256"] == hashes_of(shipment.target / NAME)
    assert json.loads((shipment.target / f"{NAME}.json").read_text("utf-8")) == report
    assert tables_of(card.read_text("utf-8")) == inpainter_tables(report)
    opened = open_folder(StableDiffusionOptions(weights_dir=shipment.target / NAME, device="cpu"))
    assert (opened.steps, opened.masked_image.value) == (shipment.steps, "harmonic")


def test_the_card_tells_the_figures() -> None:
    one = {"psnr": 24.126, "deviation": 0.9, "seconds": 1.25}
    report = {
        "weights": {"unet": 6_735_076}, "bytes": 14_994_825, "steps": 4, "held_out_crops": 60,
        "trained_steps": {"unet": 2000}, "trained_on": {"MIT": 3}, "held_out": {"4 steps": one},
    }  # fmt: skip

    said = inpainter_tables(report)

    assert "| Weights, unet | 6,735,076 |" in said
    assert "| 4 steps | 24.13 | 0.90 | 1.25 |" in said


@pytest.mark.skipif(not (WEIGHTS / NAME).is_dir(), reason="no inpainter ships")
def test_the_shipped_inpainter_is_the_one_that_its_card_tells_of() -> None:
    report = json.loads((WEIGHTS / f"{NAME}.json").read_text("utf-8"))

    assert report["sha256"] == hashes_of(WEIGHTS / NAME)
    assert report["bytes"] <= MOST_BYTES
    assert tables_of((WEIGHTS / CARD).read_text("utf-8")) == inpainter_tables(report)
    assert not any(name.endswith((".bin", ".ckpt", ".pt", ".pkl")) for name in report["sha256"])
