"""Bytes that are no text, searched for what somebody wrote into them: part of the second look."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from deid_node.dicom.bulk import Bulk
from deid_node.leaks.date_words import Day, days_in, spelt_densely
from deid_node.leaks.folding import merged, squeezed
from deid_node.leaks.identifiers import Identifiers
from deid_node.leaks.matcher import LEAST_INSIDE, UIDS

_CHUNK_BYTES: Final = 1 << 22
_OVERLAP_BYTES: Final = 1 << 10
_UID_START: Final = 5
_AROUND_BYTES: Final = 32  # before and behind a year, where its day and month may stand
_LEAST_IN_PIXELS: Final = 5  # letters; shorter words turn up in pixels by chance
_PRINTED: Final = re.compile(rb"(?:[ -~\x80-\xff]\0?){4,}")


def printed(stored: bytes) -> bytes:
    """Return the runs of four and more printable characters in `stored`, one a line.

    Characters may be of one byte or, in UTF-16, of two.
    """
    return b"\n".join(_PRINTED.findall(stored))


def is_in_bulk(stored: Bulk | bytes, identifiers: Identifiers) -> bool:
    """Return whether anything of `identifiers` stands in a large value, read by the piece.

    Numbers of six characters and more, names of five letters written in one case,
    longer ones and two parts of a name, places and days are looked for, with
    anything between their parts; UIDs as they are. Shorter ones turn up in pixels by
    chance, and so do digits that climb evenly, as a grey wedge does.
    """
    numbers = {n for n in identifiers.long_numbers if not _is_pattern(n)}
    dense_names = {word for word in identifiers.words if len(word) >= LEAST_INSIDE}
    dense_names |= identifiers.pairs | identifiers.places
    days = {spelling for day in identifiers.dates for spelling in spelt_densely(day)}
    short = {word for word in identifiers.words if len(word) == _LEAST_IN_PIXELS}
    for chunk in _chunks(stored):
        lower = chunk.lower()
        dense = squeezed(lower)
        if any(needle in dense for needle in numbers | days | identifiers.foreign):
            return True
        if _has_day(lower, identifiers.dates):
            return True
        folded = merged(dense)
        if any(name in folded for name in dense_names):
            return True
        if any(_is_written(word, chunk, lower) for word in short) or _has_uid(
            chunk, identifiers.uids
        ):
            return True
    return False


def _is_written(word: bytes, chunk: bytes, lower: bytes) -> bool:
    """Return whether `word` stands in `chunk` in capitals, small letters or with one capital."""
    wide = b"\0".join(bytes([letter]) for letter in word)
    for spelling, look in ((word, lower), (wide, lower)):
        at = look.find(spelling)
        while at >= 0:
            text = chunk[at : at + len(spelling)].replace(b"\0", b"")
            if text in {word, word.upper(), word.title()}:
                return True
            at = look.find(spelling, at + 1)
    return False


def _has_day(lower: bytes, days: frozenset[Day]) -> bool:
    """Return whether one of `days` is written in `lower`, its year in four digits."""
    closed = lower.replace(b"\0", b"")
    for year in {day[0] for day in days}:
        figures = b"%04d" % year
        at = closed.find(figures)
        while at >= 0:
            around = closed[max(0, at - _AROUND_BYTES) : at + _AROUND_BYTES]
            if not days.isdisjoint(days_in(merged(around), short_years=False)):
                return True
            at = closed.find(figures, at + 1)
    return False


def _has_uid(chunk: bytes, uids: frozenset[bytes]) -> bool:
    # All UIDs of an instance share a few beginnings, which are rare in pixels.
    for start in {uid[:_UID_START] for uid in uids}:
        at = chunk.find(start)
        while at >= 0:
            uid = UIDS.match(chunk, at)
            if uid and uid[0] in uids:
                return True
            at = chunk.find(start, at + 1)
    return False


def _is_pattern(number: bytes) -> bool:
    """Return whether greys look so: two that alternate (404040), or climbing ones (123456)."""
    steps = {after - before for before, after in pairwise(number)}
    return len(steps) == 1 or len(set(number)) <= 2


def _chunks(stored: Bulk | bytes) -> Iterator[bytes]:
    for start in range(0, len(stored), _CHUNK_BYTES):
        yield stored[max(0, start - _OVERLAP_BYTES) : start + _CHUNK_BYTES]
