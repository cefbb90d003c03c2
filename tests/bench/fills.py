"""What a region costs: each fill on one crop of 256 pixels, and how much of it is the network.

Where no model ships, the same architecture with random weights: speed needs no weights.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.crops import Crop, picture_crop
from deid_node.pixels.fill.folder import open_folder, shipped
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.values.fill import Fill
from deid_node.values.geometry import Box

BAR_SECONDS: Final = 1.5
"""For one crop on two cores, so twice as much of the processor's time."""


def measure_fills(folder: Path, *, rounds: int, each: int) -> None:
    """Print the milliseconds of each fill, the ratio to Telea, and the share of the network."""
    del each
    crop = _crop()
    telea = _milliseconds(partial(TeleaInpainter().fill, [crop]), rounds)
    print(f"{'telea without grain':22} {telea:9.1f} ms")
    for name, inpainter in backends().items():
        milliseconds = _milliseconds(partial(inpainter.fill, [crop]), rounds)
        print(f"{name:22} {milliseconds:9.1f} ms  {milliseconds / telea:7.1f} x telea")
    model, kind = shipped(), "ships"
    if not model.is_dir():
        model, kind = _random(folder), "has random weights"
    painter = Painter(open_folder(StableDiffusionOptions(weights_dir=model, device="cpu")))
    diffusion = backends(painter)[Fill.DIFFUSION]
    diffusion.fill([crop])
    whole = _milliseconds(partial(diffusion.fill, [crop]), rounds)
    network = _network_milliseconds(painter, rounds)
    print(
        f"{'diffusion':22} {whole:9.1f} ms  {whole / telea:7.1f} x telea  "
        f"(the model {kind}; {network / whole:.0%} of it in the UNet; "
        f"the bar is {2000 * BAR_SECONDS:.0f} ms)"
    )


def _crop() -> Crop:
    frame = np.random.default_rng(1).integers(0, 256, (256, 256)).astype(np.uint8)
    mask = np.zeros((256, 256), dtype=np.bool_)
    mask[Box(70, 116, 190, 140).slices] = True
    return picture_crop(frame, mask, prompt="ultrasound image")


def _random(folder: Path) -> Path:
    from deid_node_lab.models.export_inpainter import build_folder
    from deid_node_lab.models.inpainter import InpainterShape

    build_folder(folder / "random", InpainterShape(), seed=1)
    return folder / "random"


def _network_milliseconds(painter: Painter, rounds: int) -> float:
    """Return how long the UNet alone takes for all steps of one square."""
    import torch

    pipeline, steps = painter._pipeline, painter._folder.steps
    side = 256 // pipeline.vae_scale_factor
    latents = torch.zeros((1, 9, side, side))
    words = painter._embedding("ultrasound image")

    def run() -> None:
        with torch.inference_mode():
            for step in range(steps):
                pipeline.unet(latents, step, encoder_hidden_states=words)

    return _milliseconds(run, rounds)


def _milliseconds(run: Callable[[], object], rounds: int) -> float:
    """Return the processor's time of one run, all threads together: others may be at work."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        run()
        taken.append(1000 * (time.process_time() - started))
    return statistics.median(taken)
