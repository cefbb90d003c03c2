"""What every finder promises to the cleaner."""

from collections.abc import Sequence
from typing import Protocol

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Found


class Finder(Protocol):
    """Looks for text on frames as a reader sees them.

    Promise, tested for every backend by ``tests/contract/test_finder.py``:

    * one tuple comes back for each frame given, in order; no frames give nothing;
    * every box lies inside its frame, every score between 0 and 1;
    * the arguments are not written to;
    * the same frame gives the same boxes, whatever frames stand beside it.

    It does not promise one box a line, nor that boxes are apart: a line may come
    as several boxes, two tight lines as one. Nor does it read. Called by one
    thread at a time.
    """

    @property
    def name(self) -> str:
        """Backend and the first 8 digits of its weights' sha256, as ``crnn-1a2b3c4d``."""
        ...

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        """Return what was found on each frame, from top to bottom, then left to right.

        Frames may differ in size and kind; each is grey ``(rows, columns)`` or RGB
        ``(rows, columns, 3)``, uint8.
        """
        ...
