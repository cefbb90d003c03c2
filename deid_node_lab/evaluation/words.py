"""Whether words can still be read, as counts: what was read goes no further than here."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from deid_node.leaks.date_words import days_in
from deid_node.leaks.folding import folded, squeezed
from deid_node.leaks.identifiers import Identifiers

LEAST_LETTERS: Final = 3
"""Shorter words are not asked for: two letters are read somewhere on any picture."""

LEAST_FOR_A_SLIP: Final = 5
"""Letters from which one of them may be read wrongly."""

_RUN = re.compile(r"[^\W_]+")


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the words that are asked for, in lower case, each as often as it stands there.

    A word is what stands between blanks, of its letters and digits alone, ASCII, of at
    least `LEAST_LETTERS`.
    """
    bare = (_bare(word) for text in texts for word in text.split())
    return tuple(word for word in bare if len(word) >= LEAST_LETTERS and word.isascii())


def readable(asked: Sequence[str], read: Sequence[str]) -> int:
    """Return how many of the words `asked` can be read in the texts `read`.

    A word counts when it was read as it is. One of `LEAST_FOR_A_SLIP` letters or more
    counts also with one letter wrong, missing or too many, or inside a longer run.
    """
    runs = {_bare(word) for text in read for word in text.split()} - {""}
    return sum(_is_readable(word, runs) for word in asked)


def seen(read: Sequence[str]) -> int:
    """Return how many words were read at all, right or wrong."""
    return sum(len(_bare(word)) >= LEAST_LETTERS for text in read for word in text.split())


def identifiers_readable(identifiers: Identifiers, read: Sequence[str]) -> int:
    """Return how many identifiers of a header can be read: name parts, numbers, dates.

    They must stand there letter by letter, accents aside; a date counts once, however
    it is spelled.
    """
    whole = " ".join(read).lower()
    runs = {run.encode("ascii", "ignore") for run in _RUN.findall(whole)}
    words = identifiers.words & {folded(run) for run in _RUN.findall(whole)}
    blank_free = squeezed(whole.encode("utf-8"))
    numbers = (identifiers.numbers & runs) | {
        one for one in identifiers.long_numbers if one in blank_free
    }
    dates = identifiers.dates.intersection(days_in(folded(whole), short_years=False))
    return len(words) + len(numbers) + len(dates)


def within_one(first: str, second: str) -> bool:
    """Return whether one letter changed, added or left out makes `second` of `first`."""
    short, long = sorted((first, second), key=len)
    if len(long) - len(short) > 1:
        return False
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    skip = start + 1 if len(short) == len(long) else start
    return short[skip:] == long[start + 1 :]


def _is_readable(word: str, runs: set[str]) -> bool:
    if word in runs:
        return True
    return len(word) >= LEAST_FOR_A_SLIP and any(
        word in run or within_one(word, run) for run in runs
    )


def _bare(word: str) -> str:
    return "".join(_RUN.findall(word.lower()))
