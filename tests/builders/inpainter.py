"""A diffusion model of the right make with random weights: it loads and fills, badly."""

from pathlib import Path

from deid_node.pixels.fill.folder import open_folder
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node.pixels.fill.painter import Painter
from deid_node_lab.models.export_inpainter import build_folder
from deid_node_lab.models.inpainter import InpainterShape

TINY = InpainterShape(
    autoencoder=(8, 8, 8), autoencoder_groups=4, unet=(8, 8), unet_groups=4, heads=2, text_width=8
)


def tiny_model(folder: Path) -> Path:
    """Write a tiny model below `folder` and return where it lies."""
    build_folder(folder / "tiny", TINY, seed=1)
    return folder / "tiny"


def painter_of(folder: Path) -> Painter:
    """Return a painter of one step."""
    return Painter(open_folder(StableDiffusionOptions(weights_dir=folder, steps=1, device="cpu")))
