"""What every inpainter promises to the cleaner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deid_node.pixels.arrays import DisplayFrame, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """A filled frame and the method that made its pixels (``solid``, ``telea``, ...)."""

    frame: DisplayFrame
    method: str


class Inpainter(Protocol):
    """Fills masked pixels so that no text can be read there.

    Promise, tested for every backend by ``tests/contract/test_inpainter.py``:

    * one frame comes back for each frame given, in order, same shape;
    * the arguments are not written to;
    * the same frame, mask and seed give the same bytes on the same machine;
    * what stood under the mask has no influence on the result;
    * an empty mask costs no model call, and the frame comes back as it was.

    It may disturb pixels outside the mask: the caller keeps only what lies
    inside (``pixels.compose``). Frames are parts of images cut around a mask, grey
    or RGB, 8 bit; deeper images are mapped to and fro by the caller
    (``pixels.crops``). Called by one thread at a time.
    """

    def fill(
        self, frames: Sequence[DisplayFrame], masks: Sequence[Mask], *, seed: int
    ) -> Sequence[Filled]:
        """Return the filled frames; raise `ValueError` where frames and masks do not fit."""
        ...
