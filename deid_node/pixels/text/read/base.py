"""What every reader promises to those who ask what a found line says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box

UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
"""What a reader says for letters that it does not know, one for all that stand together."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line says, and how sure that is.

    `text` may be a patient's name: it stays in the process, and the representation
    of this object does not show it. `confidence` says how sure it is that
    the line says just that, no letter more or less, from 0 to 1; 0 where nothing is read.
    """

    text: str = field(repr=False)
    confidence: float


class Reader(Protocol):
    """Reads lines of text on frames as a reader of films sees them.

    Promise, tested for every backend by ``tests/contract/test_reader.py``:

    * one reading comes back for each box given, in order; no boxes give nothing;
    * every confidence lies between 0 and 1, and is 0 where the text is empty;
    * the frame is not written to;
    * the same box on the same frame gives the same reading, whatever boxes stand
      beside it.

    A box is expected to hold one line, level or turned by a quarter. Letters of
    scripts that the reader does not know, and what it can make out as text but not
    read, come back as `UNKNOWN`, not as letters that look alike; runs of spaces as
    one. How often it errs is a figure, not a promise. Called by one thread at a time.
    """

    @property
    def name(self) -> str:
        """Backend and the first 8 digits of its weights' sha256, as ``crnn-1a2b3c4d``."""
        ...

    @property
    def min_confidence(self) -> float:
        """Confidence from which a reading may be relied on."""
        ...

    def read(self, frame: DisplayFrame, boxes: Sequence[Box]) -> Sequence[Reading]:
        """Return what stands in each of `boxes`.

        `frame` is grey ``(rows, columns)`` or RGB ``(rows, columns, 3)``, uint8; the
        boxes lie inside it.
        """
        ...
