"""Squares a second that a diffusion model paints, beside what the device could do at most.

The model that ships, and one of the size of Stable Diffusion 2 with random weights: speed
needs no weights. The floor is the arithmetic of its UNet and autoencoder at the rate of
one large product of matrices, measured in the same run.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

from deid_node.pixels.fill.folder import open_folder, shipped
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.tiles import SIDE_PIXELS, Square
from tests.builders.stable_diffusion2 import FULL, TINY, build_sd2

PRODUCT = 8192
"""Side of the matrices that tell what the device can do."""


def measure_painters(folder: Path, *, rounds: int, each: int) -> None:
    """Print squares a second, share of the floor, and memory, for both models."""
    import torch

    # Without an accelerator a full-size model takes minutes a square: a tiny one shows it runs.
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size, said = (FULL, "full size") if device == "cuda" else (TINY, "tiny: no accelerator here")
    for name, model in (("ships", shipped()), (said, build_sd2(folder / "sd2", size=size))):
        painter = Painter(open_folder(StableDiffusionOptions(weights_dir=model, device="auto")))
        squares = [_square(number) for number in range(min(each, 32) if device == "cuda" else 1)]
        painter.paint(squares[:1])
        seconds = min(_seconds(painter, squares) for _ in range(rounds)) / len(squares)
        work, rate = _work(painter), _rate(device)
        print(
            f"{name:26} {device}: {1 / seconds:8.2f} squares a second, "
            f"{work / 1e12:.3f} TFLOP each, {work / seconds / rate:5.1%} of "
            f"{rate / 1e12:.3f} TFLOP/s, {_peak(device) / 2**30:.1f} GiB of the card at most"
        )


def _square(number: int) -> Square:
    picture = np.random.default_rng(number).uniform(0, 255, (SIDE_PIXELS, SIDE_PIXELS, 3))
    mask = np.zeros((SIDE_PIXELS, SIDE_PIXELS), np.bool_)
    mask[110:140, 30:220] = True
    return Square(picture.astype(np.float32), mask, 0, 0, 1, "ct image", number)


def _seconds(painter: Painter, squares: list[Square]) -> float:
    started = time.perf_counter()
    painter.paint(squares)
    return time.perf_counter() - started


def _work(painter: Painter) -> float:
    """Return how many operations one square takes, by torch's own count."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counted:
        painter.paint([_square(0)])
    return float(counted.get_total_flops())


def _rate(device: str) -> float:
    """Return operations a second of one large product, of the numbers that are painted with."""
    import torch

    side = PRODUCT if device == "cuda" else PRODUCT // 8
    kind = torch.float16 if device == "cuda" else torch.float32
    one, two = (torch.ones((side, side), device=device, dtype=kind) for _ in range(2))

    def product() -> float:
        _ready(device)
        started = time.perf_counter()
        torch.matmul(one, two)
        _ready(device)
        return time.perf_counter() - started

    product()
    return 2 * side**3 / min(product() for _ in range(5))


def _ready(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def _peak(device: str) -> Any:
    import torch

    return torch.cuda.max_memory_allocated() if device == "cuda" else 0
