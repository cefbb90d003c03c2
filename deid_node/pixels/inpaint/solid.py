"""One value for each part of the mask: the median of what surrounds it."""

from collections.abc import Sequence

from deid_node.pixels.arrays import DisplayFrame, Mask
from deid_node.pixels.inpaint.base import Filled
from deid_node.pixels.inpaint.surround import islands_of, median_of, pairs_of


class SolidInpainter:
    """Paints each part of a mask in the median of its surround: exact where that is flat."""

    def fill(
        self, frames: Sequence[DisplayFrame], masks: Sequence[Mask], *, seed: int
    ) -> Sequence[Filled]:
        """Return the filled frames; `seed` makes no difference."""
        del seed
        return tuple(_painted(frame, mask) for frame, mask in pairs_of(frames, masks))


def _painted(frame: DisplayFrame, mask: Mask) -> Filled:
    result = frame.copy()
    for island, ring in islands_of(mask):
        result[island] = median_of(frame, ring)
    return Filled(result, "solid")
