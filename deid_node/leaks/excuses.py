"""Hits that are none: words of the standard, where the standard speaks.

A false alarm withholds a patient every time; an excuse that goes too far lets a name
out. So every place where a hit stands is looked at, and one that cannot be
explained is enough.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from deid_node.leaks.folding import merged
from deid_node.leaks.matcher import Hit, Kind
from deid_node.leaks.terms import Terms

_WORD: Final = re.compile(rb"[a-z0-9]+")
_NEVER: Final = frozenset({Kind.DATE, Kind.UID})
_LONG: Final = 9  # letters of a name that stands inside other words by no chance


class _Word(NamedTuple):
    """A word of a value: where it begins in the squeezed text, and in which value it stands."""

    text: bytes
    start: int
    value: bytes


class Excuses:
    """Knows the words of the standard; one object serves any number of instances."""

    def __init__(self) -> None:
        self._terms = Terms()

    def excuse(self, keyword: str, vr: str, said: bytes, hits: Iterable[Hit]) -> bool:
        """Return whether each of `hits`, found in one attribute, names nobody there.

        Parameters
        ----------
        keyword, vr
            The attribute.
        said
            Its value, as it was searched.
        """
        words = _words(merged(said.lower()))
        return all(self._excused(keyword, vr, words, hit) for hit in hits)

    def _excused(self, keyword: str, vr: str, words: list[_Word], hit: Hit) -> bool:
        if hit.kind in _NEVER or not hit.found or (hit.kind is Kind.NUMBER and hit.found.isdigit()):
            return False
        places = list(_places(words, hit))
        return bool(places) and all(
            self._explained(keyword, vr, words[first:last], hit, at) for first, last, at in places
        )

    def _explained(self, keyword: str, vr: str, covered: list[_Word], hit: Hit, at: int) -> bool:
        """Return whether a hit from `at` on, in the words `covered`, is chance or a term."""
        starts = at == covered[0].start
        ends = at + len(hit.found) == covered[-1].start + len(covered[-1].text)
        whole = starts and ends
        if len(covered) == 1 and not whole:
            return self._is_part(keyword, vr, covered[0].text, hit)
        if len(covered) > 1 and not (starts or ends) and len(hit.found) < _LONG:
            return True
        if not self._terms.speaks_in(keyword, vr):
            return False
        if all(self._terms.is_phrase(word.value) for word in covered):
            return True
        if all(self._terms.is_sequence(word.text, keyword) for word in covered):
            return True
        known = all(self._terms.knows(word.text, keyword) for word in covered)
        # Values of their own are no name together.
        apart = len(covered) == 1 or len({word.value for word in covered}) == len(covered)
        return known and apart

    def _is_part(self, keyword: str, vr: str, word: bytes, hit: Hit) -> bool:
        """Return whether a hit inside of one word is chance (form in performance)."""
        if hit.kind is Kind.WORD:
            # Parted by capitals, or by digits.
            return self._terms.speaks_in(keyword, vr) and self._terms.knows(hit.found, keyword)
        return self._terms.knows_anywhere(word)


def _words(text: bytes) -> list[_Word]:
    words, start = [], 0
    for value in re.split(rb"\\|\n\xff\n", text):
        for match in _WORD.finditer(value):
            words.append(_Word(match[0], start, value))
            start += len(match[0])
    return words


def _places(words: list[_Word], hit: Hit) -> Iterable[tuple[int, int, int]]:
    """Yield the words that each place of a hit touches, first and behind the last, and its start.

    A part of a name that must be a word is sought in single words only.
    """
    dense = b"".join(word.text for word in words)
    at = dense.find(hit.found)
    while at >= 0:
        end = at + len(hit.found)
        touched = [n for n, word in enumerate(words) if word.start < end and at < _end(word)]
        alone = len(touched) == 1
        if alone or hit.kind is not Kind.WORD or all(len(words[n].text) == 1 for n in touched):
            yield touched[0], touched[-1] + 1, at
        at = dense.find(hit.found, at + 1)


def _end(word: _Word) -> int:
    return word.start + len(word.text)
