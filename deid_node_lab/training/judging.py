"""How well a reader reads: lines that are right as a whole, and letters that are not.

A line counts as right only when every letter is: half a name is a name, and a rule
that keeps ``5 cm`` must not keep ``S cm``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from deid_node.pixels.text.keep.patterns import LISTS, compiled
from deid_node.pixels.text.read.base import UNKNOWN, Reading

_LISTED = tuple(pattern for name in LISTS for pattern in compiled(name))

HEIGHTS = (0, 7, 10, 20, 40)
"""Heights of the ink, in pixels, at which the tables part."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One reading beside what it should have been; `height` is the ink's, in pixels."""

    wanted: str
    reading: Reading
    height: float

    @property
    def right(self) -> bool:
        """Whether every letter is right."""
        return self.reading.text == self.wanted

    @property
    def letters_wrong(self) -> int:
        """Letters to change, add or take away."""
        return distance(self.reading.text, self.wanted)

    def trusted(self, min_confidence: float) -> bool:
        """Whether the reading is one that may be relied on: certain, and every letter known."""
        text = self.reading.text
        return bool(text) and UNKNOWN not in text and self.reading.confidence >= min_confidence

    @property
    def otherwise(self) -> bool:
        """Whether the line says something else: more than signs and the letters' size differ."""
        return _bare(self.reading.text) != _bare(self.wanted)

    @property
    def taken_for_listed(self) -> bool:
        """Whether the lists of `keep` name the reading but not the line, which says otherwise."""
        return self.otherwise and listed(self.reading.text) and not listed(self.wanted)


def listed(text: str) -> bool:
    """Return whether one of the lists that ship with ``keep`` names `text`."""
    return any(pattern.fullmatch(text) for pattern in _LISTED)


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum() or letter == UNKNOWN)


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many letters to change, add or take away make `other` of `one`.

    Source
    ------
    Levenshtein (1966); Wagner, Fischer (1974).
    """
    row = list(range(len(other) + 1))
    for count, letter in enumerate(one, start=1):
        last, row[0] = row[0], count
        for place, wanted in enumerate(other, start=1):
            last, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, last + (letter != wanted)),
            )
    return row[-1]


def error_rate(judged: Iterable[Judged]) -> float:
    """Return wrong letters as a share of the letters asked for; 0 where none are."""
    wrong = asked = 0
    for one in judged:
        wrong += one.letters_wrong
        asked += len(one.wanted)
    return wrong / asked if asked else 0.0


def height_class(height: float) -> str:
    """Return the name of the class of heights, as tables print it."""
    for low, high in pairwise(HEIGHTS):
        if height < high:
            return f"{low}-{high} px"
    return f"{HEIGHTS[-1]} px and more"
