"""What every inpainter promises to the cleaner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deid_node.pixeldata.arrays import Mask, StoredFrame
from deid_node.pixels.fill.crops import Crop
from deid_node.values.fill import Fill
from deid_node.values.geometry import Box


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Pixels of a crop, ``(rows, columns)``, and what made them (``solid``, ``telea``, ...)."""

    where: Mask
    method: Fill


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """A crop in stored values with its target filled, and what made which part of that."""

    values: StoredFrame
    parts: tuple[Part, ...]

    def method_in(self, box: Box) -> str:
        """Return what made the filled pixels in `box`, counted in the crop; empty where none is."""
        return next((part.method for part in self.parts if part.where[box.slices].any()), "")


class Inpainter(Protocol):
    """Fills masked pixels so that no text can be read there.

    Promise, tested for every backend by ``tests/contract/test_inpainter.py``:

    * one result comes back for each crop given, in order, same shape and dtype;
    * the parts cover the crop's target and nothing else, and outside it nothing changes;
    * the arguments are not written to;
    * the same crop gives the same bytes on the same machine, whatever else is asked with it;
    * an empty target costs no model call, and the crop comes back as it was.

    What stood under the mask cannot have an influence: it is not in the crop. Called
    by one thread at a time.
    """

    @property
    def context_pixels(self) -> int:
        """How far around a target it looks."""
        ...

    def made_up_pixels(self, crop: Crop) -> int:
        """Return how much of the target it would guess: anatomy, not an even ground."""
        ...

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled; raise `FillFailed` where the means for it are at an end."""
        ...


def filled_by(method: Fill, crop: Crop, values: StoredFrame) -> Filled:
    """Return a crop whose whole target was made by `method`."""
    return Filled(values, (Part(crop.target, method),) if crop.target.any() else ())
