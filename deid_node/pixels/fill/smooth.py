"""The shades of the surround, spread into a target like a membrane: no stroke, no edge.

What a texture that grows inwards may do by chance, draw a letter, this cannot: there is
no detail in it that is smaller than the hole. Means over ever larger squares are taken
until every square knows something (pull), then the finer squares are filled from the
coarser ones (push). The cost does not grow with the hole.

Source: Gortler et al. (1996), The Lumigraph, 3.4 (pull-push).
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.base import Filled, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.solid import NARROW_PIXELS
from deid_node.values.fill import Fill


class SmoothInpainter:
    """Continues the shades around a target and none of their texture."""

    @property
    def context_pixels(self) -> int:
        """What lies next to the target weighs most by far."""
        return NARROW_PIXELS

    def made_up_pixels(self, crop: Crop) -> int:
        """Return the size of the whole target."""
        return int(crop.target.sum())

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        return tuple(_painted(crop) for crop in crops)


def _painted(crop: Crop) -> Filled:
    if not crop.target.any():
        return filled_by(Fill.SMOOTH, crop, crop.stored.copy())
    shown = crop.shown()
    planes = shown.reshape(*crop.mask.shape, -1)
    spread_out = [spread(planes[..., n], ~crop.mask) for n in range(planes.shape[2])]
    filled = np.stack(spread_out, axis=2).reshape(shown.shape)
    return filled_by(Fill.SMOOTH, crop, crop.back(filled))


def spread(values: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    """Return `values` ``(rows, columns)`` with those that are not `known` made of those that are.

    All zero where nothing is known.
    """
    plain = np.where(known, values, np.float32(0))
    return _spread(plain, known.astype(np.float32))


def _spread(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = values.shape
    if max(rows, columns) == 1 or weights.min() >= 1:
        return values
    even = ((0, rows % 2), (0, columns % 2))
    summed = _halved(np.pad(values * weights, even))
    share = _halved(np.pad(weights, even))
    means = np.asarray(summed / np.maximum(share, 1e-6), dtype=np.float32)
    coarse = _spread(means, np.minimum(share * 4, np.float32(1)))
    size = (columns + columns % 2, rows + rows % 2)
    fine = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)[:rows, :columns]
    return np.asarray(weights * values + (1 - weights) * fine, dtype=np.float32)


def _halved(values: NDArray[np.float32]) -> NDArray[np.float32]:
    four = values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]
    return np.asarray(four / 4, dtype=np.float32)
