"""One value for the whole mask: the median of what surrounds it."""

from collections.abc import Sequence

from deid_node.pixels.arrays import DisplayFrame, Mask
from deid_node.pixels.inpaint.base import Filled
from deid_node.pixels.inpaint.surround import median_of, pairs_of, ring_of


class SolidInpainter:
    """Paints each mask in the median of its surround: exact where that is flat."""

    def fill(
        self, frames: Sequence[DisplayFrame], masks: Sequence[Mask], *, seed: int
    ) -> Sequence[Filled]:
        """Return the filled frames; `seed` makes no difference."""
        del seed
        return tuple(_painted(frame, mask) for frame, mask in pairs_of(frames, masks))


def _painted(frame: DisplayFrame, mask: Mask) -> Filled:
    result = frame.copy()
    if mask.any():
        result[mask] = median_of(frame, ring_of(mask))
    return Filled(result, "solid")
