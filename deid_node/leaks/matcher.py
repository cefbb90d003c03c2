"""What of a identifiers stands in text: one matcher for prose and for what is read out of bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from deid_node.leaks.date_words import days_in
from deid_node.leaks.folding import merged, squeezed
from deid_node.leaks.identifiers import Identifiers, without_escapes

_LETTERS: Final = re.compile(rb"[a-z]+")
_LETTERS_AND_DIGITS: Final = re.compile(rb"[a-z0-9]+")
_DIGITS: Final = re.compile(rb"[0-9]+")
_GROUPED: Final = re.compile(rb"[0-9]+(?:[-_./ ][0-9]+)+")  # 44-88 12
_HUMPS: Final = re.compile(rb"[A-Z][a-z]+|[A-Z]+(?![a-z])")  # MrsLeeCT
_JOINED: Final = re.compile(rb"[a-z0-9]+(?:[-_./][a-z0-9]+)+")
_SPACED: Final = re.compile(rb"(?<![a-z])(?:[a-z][ ._*/-]{1,2}){2,}[a-z](?![a-z])")
UIDS: Final = re.compile(rb"[0-9]+(?:\.[0-9]+)+")

LEAST_INSIDE: Final = 6
"""Letters of a name that is searched inside other words, too."""


class Kind(Enum):
    """What was hit."""

    WORD = auto()
    """A part of a name, as a word."""
    INSIDE = auto()
    """A part of a name somewhere in text."""
    PAIR = auto()
    """Two parts of a name, side by side."""
    PLACE = auto()
    NUMBER = auto()
    DATE = auto()
    UID = auto()


@dataclass(frozen=True, slots=True)
class Hit:
    """What of the identifiers was found, folded; it is shown to nobody."""

    kind: Kind
    found: bytes = field(repr=False, default=b"")


def hits_in(
    stored: bytes, identifiers: Identifiers, *, short_years: bool = True, least_word: int = 0
) -> Iterator[Hit]:
    """Yield every hit of `identifiers` in text.

    Parameters
    ----------
    stored
        The text as bytes of any of the usual encodings; where it is more than
        ASCII, followed by what it says in Latin letters.
    identifiers
        What is looked for.
    short_years
        Whether years of two digits are read.
    least_word
        Letters of the shortest part of a name that counts.
    """
    lower = without_escapes(stored).lower()
    yield from names_in(stored, lower, identifiers, least_word=least_word)
    closed = lower.replace(b"\0", b"")
    runs = {*_LETTERS_AND_DIGITS.findall(closed), *_LETTERS_AND_DIGITS.findall(lower)}
    for text in dict.fromkeys((closed, lower)):
        runs.update(squeezed(joined) for joined in _JOINED.findall(text))
    for number in identifiers.numbers & runs:
        yield Hit(Kind.NUMBER, number)
    dense = squeezed(lower)
    for number in identifiers.long_numbers:
        if number in dense:
            yield Hit(Kind.NUMBER, number)
    if identifiers.cores:
        figures = [*_DIGITS.findall(closed), *map(squeezed, _GROUPED.findall(closed))]
        for core in identifiers.cores.intersection(figures):
            yield Hit(Kind.NUMBER, core)
    for text in dict.fromkeys((closed, lower)):
        if identifiers.dates and not identifiers.dates.isdisjoint(
            days_in(merged(text), short_years=short_years)
        ):
            yield Hit(Kind.DATE)
    if not identifiers.uids.isdisjoint(UIDS.findall(lower)):
        yield Hit(Kind.UID)


def names_in(
    stored: bytes, lower: bytes, identifiers: Identifiers, *, least_word: int = 0
) -> Iterator[Hit]:
    """Yield every hit of names and places; `lower` is `stored` in lower case."""
    words: set[bytes] = set()
    # Between two letters of one umlaut may lie a NUL, so it is looked at with and without.
    for plain in dict.fromkeys((lower, lower.replace(b"\0", b""))):
        text = merged(plain)
        words.update(_LETTERS.findall(text))
        words.update(squeezed(spaced) for spaced in _SPACED.findall(text))
    words.update(merged(hump.lower()) for hump in _HUMPS.findall(stored))
    for word in identifiers.words & words:
        if len(word) >= least_word:
            yield Hit(Kind.WORD, word)
    squeezed_text = squeezed(lower)
    denses = {squeezed(merged(lower)), merged(squeezed_text)}
    long_words = [word for word in identifiers.words if len(word) >= LEAST_INSIDE]
    for kind, names in (
        (Kind.INSIDE, long_words),
        (Kind.PAIR, identifiers.pairs),
        (Kind.PLACE, identifiers.places),
    ):
        for name in names:
            if any(name in dense or merged(name) in dense for dense in denses):
                yield Hit(kind, name)
    if any(name in squeezed_text for name in identifiers.foreign):
        yield Hit(Kind.PAIR)
