"""Pictures made by code: even ground, and texture that looks like nothing else."""

import cv2
import numpy as np

from deid_node.pixeldata.layout import Layout
from deid_node_lab.evaluation.restoration.pictures import Picture, picture_of
from deid_node_lab.training.backgrounds import Background

SIDE = 200


def flat_picture(source: str = "flat") -> Picture:
    """An even picture."""
    return picture_of(Background("a.png", "CT", "-", np.full((SIDE, SIDE), 40, np.uint8), source))


def rough_picture(
    number: int,
    *,
    colour: bool = False,
    deep: bool = False,
    modality: str = "MR",
    grain: float = 25.0,
) -> Picture:
    """Speckle on large shapes, in 8 bits or as a CT stores it."""
    pixels = rough_pixels(number, colour=colour, grain=grain)
    if not deep:
        return picture_of(Background("b.png", modality, "-", pixels, f"rough {number}"))
    values = (pixels.astype(np.int16) * 8 - 1000).astype(np.int16)
    layout = Layout("PixelData", SIDE, SIDE, 1, 16, 12, 11, True, "MONOCHROME2", 0, 1)
    return Picture(f"deep {number}", modality, values, layout, -1000.0, 8.0)


def rough_pixels(number: int, *, colour: bool = False, grain: float = 25.0) -> np.ndarray:
    """Return 8-bit texture."""
    chance = np.random.default_rng(number)
    shape = (SIDE, SIDE, 3) if colour else (SIDE, SIDE)
    shapes = cv2.GaussianBlur(chance.normal(0, 1, shape), (0, 0), 9)
    fine = cv2.GaussianBlur(chance.normal(0, 1, shape), (0, 0), 1.0)
    made = 120 + 40 * shapes / shapes.std() + grain * fine / fine.std()
    return np.asarray(np.clip(made, 0, 255), np.uint8)
