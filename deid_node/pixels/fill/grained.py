"""An inpainter whose fills get the grain of their surround."""

from collections.abc import Sequence
from dataclasses import replace

from deid_node.pixels.fill.base import Filled, Inpainter
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.grain import with_grain


class GrainedInpainter:
    """Adds to the fills of another the noise that they lack."""

    def __init__(self, smooth: Inpainter) -> None:
        self._smooth = smooth

    @property
    def context_pixels(self) -> int:
        """As far as the other looks."""
        return self._smooth.context_pixels

    def made_up_pixels(self, crop: Crop) -> int:
        """As much as the other."""
        return self._smooth.made_up_pixels(crop)

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        return tuple(
            _grained(crop, filled)
            for crop, filled in zip(crops, self._smooth.fill(crops), strict=True)
        )


def _grained(crop: Crop, filled: Filled) -> Filled:
    if not crop.target.any():
        return filled
    shown = with_grain(crop, crop.shown(), crop.tone.shown(filled.values))
    return replace(filled, values=crop.back(shown))
