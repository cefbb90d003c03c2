"""Telea's fast marching: what surrounds the mask grows into it.

Source: A. Telea, An image inpainting technique based on the fast marching
method, Journal of Graphics Tools 9 (2004); OpenCV's implementation.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.arrays import DisplayFrame, Mask
from deid_node.pixels.inpaint.base import Filled
from deid_node.pixels.inpaint.surround import median_of, pairs_of, ring_of

RADIUS_PIXELS: Final = 3
_FRAME_PIXELS: Final = 2 * RADIUS_PIXELS


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
    framed, hole = _framed(blank, mask)
    filled = np.asarray(cv2.inpaint(framed, hole, RADIUS_PIXELS, cv2.INPAINT_TELEA), np.uint8)
    inner = filled[_FRAME_PIXELS:-_FRAME_PIXELS, _FRAME_PIXELS:-_FRAME_PIXELS]
    return Filled(inner.reshape(frame.shape).copy(), "telea")


def _framed(blank: DisplayFrame, mask: Mask) -> tuple[DisplayFrame, NDArray[np.uint8]]:
    """Return frame and mask with a known border around them.

    OpenCV reads memory that nobody wrote where a mask touches the edge of the
    image: the fill then differs from run to run. The border continues the nearest
    pixel that is known.
    """
    hole = mask.astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        hole, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    known = np.zeros((int(labels.max()) + 1, *blank.shape[2:]), dtype=np.uint8)
    known[labels[~mask]] = blank[~mask]
    border = np.asarray(
        cv2.copyMakeBorder(
            known[labels],
            _FRAME_PIXELS,
            _FRAME_PIXELS,
            _FRAME_PIXELS,
            _FRAME_PIXELS,
            cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    ).reshape(blank.shape[0] + 2 * _FRAME_PIXELS, blank.shape[1] + 2 * _FRAME_PIXELS, -1)
    border[_FRAME_PIXELS:-_FRAME_PIXELS, _FRAME_PIXELS:-_FRAME_PIXELS] = blank.reshape(
        *mask.shape, -1
    )
    return border.squeeze(), np.pad(hole, _FRAME_PIXELS)
