"""Latent diffusion: a model of images draws what may have been there.

A newcomer would show the model the whole frame. It sees squares around the target,
in the size that it was trained on; what it draws is brought back to the level of the
known pixels around it and gets their grain, because an autoencoder returns neither.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.base import Filled, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.grain import COARSE_PIXELS, with_grain
from deid_node.pixels.fill.smooth import spread
from deid_node.pixels.fill.tiles import SquarePainter, plan_of
from deid_node.pixels.fill.tones import TOP, Shown
from deid_node.values.fill import Fill

_SEAM_PIXELS: Final = 2.0
_CONTEXT_PIXELS: Final = 96


class DiffusionInpainter:
    """Fills targets with what `painter` draws; squares of all crops run together."""

    def __init__(self, painter: SquarePainter) -> None:
        self._painter = painter

    @property
    def context_pixels(self) -> int:
        """Enough for a square around a line of text."""
        return _CONTEXT_PIXELS

    def made_up_pixels(self, crop: Crop) -> int:
        """Return the size of the whole target."""
        return int(crop.target.sum())

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled; raise `FillFailed` where the model cannot run."""
        plans = {
            n: plan_of(crop, self._painter.guess)
            for n, crop in enumerate(crops)
            if crop.target.any()
        }
        painted = iter(
            self._painter.paint([one for plan in plans.values() for one in plan.squares])
        )
        return tuple(
            _finished(crop, plans[n].together([next(painted) for _ in plans[n].squares]))
            if n in plans
            else filled_by(Fill.DIFFUSION, crop, crop.stored.copy())
            for n, crop in enumerate(crops)
        )


def _finished(crop: Crop, drawn: Shown) -> Filled:
    shown = crop.shown()
    level = levelled(shown, drawn, ~crop.mask)
    grained = with_grain(crop, shown, level, COARSE_PIXELS, by_level=True)
    return filled_by(Fill.DIFFUSION, crop, crop.back(grained))


def levelled(shown: Shown, drawn: Shown, known: Mask) -> Shown:
    """Return `drawn`, moved so that it goes over into `shown` where that is `known`.

    What the two differ by around the mask is spread over it, without its grain.
    """
    if not known.any():
        return drawn
    apart = (shown - drawn).reshape(*known.shape, -1)
    moved = [spread(_smooth(apart[..., n], known), known) for n in range(apart.shape[2])]
    level = drawn + np.stack(moved, axis=2).reshape(drawn.shape)
    return np.asarray(np.clip(level, 0, TOP), dtype=np.float32)


def _smooth(values: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    weight = known.astype(np.float32)
    near = cv2.GaussianBlur(values * weight, (0, 0), _SEAM_PIXELS)
    share = cv2.GaussianBlur(weight, (0, 0), _SEAM_PIXELS)
    return np.asarray(near / np.maximum(share, 1e-6), dtype=np.float32)
