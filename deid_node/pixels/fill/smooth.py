"""The shades of the surround, spread into a target like a membrane: no stroke, no edge.

What a texture that grows inwards may do by chance, draw a letter, this cannot: there is
no detail in it that is smaller than the hole.
"""

from collections.abc import Sequence

import numpy as np

from deid_node.pixels.fill.base import Filled, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.membrane import spread
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
