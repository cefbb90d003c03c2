"""Telea's fast marching: what surrounds the mask grows into it.

Source: A. Telea, An image inpainting technique based on the fast marching
method, Journal of Graphics Tools 9 (2004); OpenCV's implementation.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.base import Filled, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.solid import NARROW_PIXELS
from deid_node.pixels.fill.tones import Shown
from deid_node.values.fill import Fill

RADIUS_PIXELS: Final = 3
_BORDER_PIXELS: Final = 2 * RADIUS_PIXELS


class TeleaInpainter:
    """Continues edges and shades into the target; smooth, without texture."""

    @property
    def context_pixels(self) -> int:
        """What grows inwards comes from near."""
        return NARROW_PIXELS

    def made_up_pixels(self, crop: Crop) -> int:
        """Return the size of the whole target."""
        return int(crop.target.sum())

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        return tuple(_painted(crop) for crop in crops)


def grown_in(shown: Shown, mask: Mask) -> Shown:
    """Return `shown` with the pixels under `mask` made of those around it.

    What stands under the mask makes no difference. A mask that leaves nothing gives
    the picture back.
    """
    if not mask.any() or mask.all():
        return shown.copy()
    hole = mask.astype(np.uint8)
    framed, wide = _framed(shown.reshape(*mask.shape, -1), hole)
    planes = [
        cv2.inpaint(np.ascontiguousarray(framed[..., n]), wide, RADIUS_PIXELS, cv2.INPAINT_TELEA)
        for n in range(framed.shape[2])
    ]
    inner = slice(_BORDER_PIXELS, -_BORDER_PIXELS)
    filled = np.stack(planes, axis=2)[inner, inner].reshape(shown.shape)
    result = shown.copy()
    result[mask] = filled[mask]
    return result


def _painted(crop: Crop) -> Filled:
    if not crop.target.any():
        return filled_by(Fill.TELEA, crop, crop.stored.copy())
    return filled_by(Fill.TELEA, crop, crop.back(grown_in(crop.shown(), crop.mask)))


def _framed(planes: Shown, hole: NDArray[np.uint8]) -> tuple[Shown, NDArray[np.uint8]]:
    """Return picture and mask with a known border around them.

    OpenCV reads memory that nobody wrote where a mask touches the edge of the
    image: the fill then differs from run to run. The border continues the nearest
    pixel that is known, and so does the blank under the mask.
    """
    _, labels = cv2.distanceTransformWithLabels(
        hole, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    known = np.zeros((int(labels.max()) + 1, planes.shape[2]), dtype=np.float32)
    known[labels[hole == 0]] = planes[hole == 0]
    blank = np.where(hole[..., None] > 0, known[labels], planes)
    wide = ((_BORDER_PIXELS, _BORDER_PIXELS), (_BORDER_PIXELS, _BORDER_PIXELS))
    return np.pad(blank, (*wide, (0, 0)), mode="edge"), np.pad(hole, wide)
