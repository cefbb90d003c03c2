"""A model of the right make and the wrong weights: it loads and fills, badly."""

from pathlib import Path

import pytest

from deid_node.models.export_inpainter import build_folder
from deid_node.models.inpainter import InpainterShape
from deid_node.pixels.inpaint.folder import open_folder
from deid_node.pixels.inpaint.options import StableDiffusionOptions
from deid_node.pixels.inpaint.painter import Painter

TINY = InpainterShape(
    autoencoder=(8, 8, 8), autoencoder_groups=4, unet=(8, 8), unet_groups=4, heads=2, text_width=8
)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    build_folder(folder, TINY, seed=1)
    return folder


@pytest.fixture(scope="session")
def tiny_painter(tiny_folder: Path) -> Painter:
    return Painter(open_folder(StableDiffusionOptions(weights_dir=tiny_folder, steps=1)))
