"""Whether what was found in a mask, a label map or a grid of doses is writing.

Their shapes are findings: a finder takes a rib for an I and a ring for an O, and to
fill or to withhold for that would cost good segmentations. Text drawn as a mask is still
text, and it can be read. So the reader decides here, on words only: one letter names
nobody, and shapes spell no words. docs/decisions/pixels-finding.md has the figures.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.text.read.base import Reader, Reading
from deid_node.pixels.text.search import Look
from deid_node.values.geometry import Found

LEAST_CHARACTERS: Final = 3
"""Letters and digits that make a word."""

LEAST_CONFIDENCE: Final[Mapping[int, float]] = MappingProxyType({2: 0.8, 3: 0.57})
"""How sure the reader must be of each character, in the mean, by how many letters and
digits differ; of three and more the last. One letter again and again is a row of rings,
however sure. Confidence in a whole line would tell nothing, it falls with every letter."""


class Speller:
    """Reads what was found on frames; holds nothing of what it read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def spelled(self, look: Look) -> tuple[Found, ...]:
        """Return what of `look` says a word on a view where it stands, once."""
        words = (
            found
            for view, seen in zip(look.views, look.seen, strict=True)
            for found in self._words(view, seen)
        )
        return tuple(dict.fromkeys(words))

    def _words(self, view: DisplayFrame, seen: Sequence[Found]) -> Sequence[Found]:
        if not seen:
            return ()
        readings = self._reader.read(view, [found.box for found in seen])
        return [found for found, reading in zip(seen, readings, strict=True) if _is_word(reading)]


def _is_word(reading: Reading) -> bool:
    text = reading.text.strip()
    letters = [character for character in text.upper() if character.isalnum()]
    kinds = min(len(set(letters)), max(LEAST_CONFIDENCE))
    if len(letters) < LEAST_CHARACTERS or kinds not in LEAST_CONFIDENCE:
        return False
    return bool(reading.confidence ** (1 / len(text)) >= LEAST_CONFIDENCE[kinds])
