"""One value for each part of a target: the median of what surrounds it."""

from collections.abc import Sequence
from typing import Final

from deid_node.pixels.fill.base import Filled, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.surround import islands_of
from deid_node.values.fill import Fill

NARROW_PIXELS: Final = 24
"""Context of backends that look at the ring around a target."""


class SolidInpainter:
    """Paints each part of a target in the value that stands best for its surround.

    Exact where that is flat: the value is one that is stored there.
    """

    @property
    def context_pixels(self) -> int:
        """The ring is all that it looks at."""
        return NARROW_PIXELS

    def made_up_pixels(self, crop: Crop) -> int:  # noqa: ARG002
        """Nothing: what it puts there stands around."""
        return 0

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        return tuple(_painted(crop) for crop in crops)


def _painted(crop: Crop) -> Filled:
    values = crop.stored.copy()
    for island, ring in islands_of(crop.target, crop.mask):
        values[island] = crop.plain(ring)
    return filled_by(Fill.SOLID, crop, values)
