"""Telea's fast marching: what surrounds the mask grows into it.

Source: A. Telea, An image inpainting technique based on the fast marching
method, Journal of Graphics Tools 9 (2004); OpenCV's implementation.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from deid_node.pixels.arrays import DisplayFrame, Mask
from deid_node.pixels.inpaint.base import Filled
from deid_node.pixels.inpaint.surround import median_of, pairs_of, ring_of

RADIUS_PIXELS: Final = 3


class TeleaInpainter:
    """Continues edges and shades into the mask; smooth, without texture."""

    def fill(
        self, frames: Sequence[DisplayFrame], masks: Sequence[Mask], *, seed: int
    ) -> Sequence[Filled]:
        """Return the filled frames; `seed` makes no difference."""
        del seed
        return tuple(_grown_in(frame, mask) for frame, mask in pairs_of(frames, masks))


def _grown_in(frame: DisplayFrame, mask: Mask) -> Filled:
    if not mask.any():
        return Filled(frame.copy(), "telea")
    blank = frame.copy()
    # The algorithm does not look under the mask; what it never gets it cannot leak.
    blank[mask] = median_of(frame, ring_of(mask))
    if mask.all():
        return Filled(blank, "solid")
    filled = cv2.inpaint(blank, mask.astype(np.uint8), RADIUS_PIXELS, cv2.INPAINT_TELEA)
    result = np.asarray(filled, dtype=np.uint8).reshape(frame.shape)
    return Filled(result, "telea")
