"""Days as people write them, read out of text: part of the second look.

A day has dozens of spellings. So text is not searched for each of them: whatever
looks like a day is read, in every order that it may be meant in.
"""

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

Day = tuple[int, int, int]
"""Year, month, day."""

# By how they begin, folded. Where two languages mean different months, both are read.
_NAMES: Final = (
    "jan jen ene gen ian jaa sau oca tam led sty sij yan sic",
    "feb fev vee vas sub hel uno lut vel lyu",
    "mar mrz kov mal bre ozu ber",
    "apr avr abr bal huh dub kwi tra nis kvi",
    "maj may mai mei mag geg tou kve svi tra",
    "jun jui giu iun juu bir haz kes cer cze lip iyu che iou",
    "jul jui lug iul juu lie tem hei cer lip srp iyu iou",
    "aug aou ago rugp agu elo srp sie kol avg ser",
    "sep set sze rugs eyl syy zar wrz ruj sen ver",
    "oct okt ott out spa eki lok rij paz lis zho",
    "nov noi noy nom lap kas marr lis stu",
    "dec dez dic des dik det gru ara jou pro dek",
)
_BY_PREFIX: Final = tuple((number, tuple(names.split())) for number, names in enumerate(_NAMES, 1))
_ROMAN: Final = MappingProxyType({
    b"i": 1, b"ii": 2, b"iii": 3, b"iv": 4, b"v": 5, b"vi": 6, b"vii": 7, b"viii": 8, b"ix": 9,
    b"x": 10, b"xi": 11, b"xii": 12,
})  # fmt: skip
_MONTH: Final = (
    rb"((?:" + b"|".join(sorted({name[:3].encode() for _, some in _BY_PREFIX for name in some}))
    + rb")[a-z]{0,9})\.?"
)  # fmt: skip
# Between blanks and colons, two digits are a measurement or a time of day.
_OF_SHORT_YEARS: Final = frozenset((b"-", b".", b"/", b"_", b",", b", "))
# A sign that no Latin alphabet has is a question mark where text was folded, and some bytes
# where it was not.
_FOREIGN: Final = rb"\?|[\x80-\xff]{1,3}"
_JOINT: Final = rb"(?:[ ,./_'?:-]|[\x80-\xff]){0,4}"
_AS_NUMBERS: Final = re.compile(
    rb"(?<![0-9.])(?=([0-9]{4}|[0-9]{1,2})([-./_ :]|, ?|%b)([0-9]{1,2})\2"
    rb"([0-9]{4}|[0-9]{2})(?![0-9]))" % _FOREIGN
)
# Year, month and day, each with its sign behind it (1951\u5e742\u670813\u65e5).
_SIGNED: Final = re.compile(
    rb"(?<![0-9.])([0-9]{4}) ?(?:%b) ?([0-9]{1,2}) ?(?:%b) ?([0-9]{1,2}) ?(?:%b)"
    % (_FOREIGN, _FOREIGN, _FOREIGN)
)
_ROMAN_MONTH: Final = re.compile(
    rb"(?<![0-9.])([0-9]{1,2})([-./ ])([ivx]{1,4})\2([0-9]{4}|[0-9]{2})(?![0-9])"
)
_LAST_DAY: Final = re.compile(
    rb"(?<![0-9.])([0-9]{4})" + _JOINT + rb"([0-9]{1,2})" + _JOINT + _MONTH + rb"(?![a-z0-9])"
)
_DAY_FIRST: Final = re.compile(
    rb"(?<![0-9.])([0-9]{1,2})(?:st|nd|rd|th|\.)?" + _JOINT + rb"(?:of |de )?" + _MONTH
    + _JOINT + rb"(?:de )?([0-9]{4}|[0-9]{2})(?![0-9])"
)  # fmt: skip
_MONTH_FIRST: Final = re.compile(
    rb"(?<![a-z])" + _MONTH + _JOINT + rb"([0-9]{1,2})(?:st|nd|rd|th)?[ ,./_'-]{1,3}"
    rb"([0-9]{4}|[0-9]{2})(?![0-9])"
)
_YEAR_FIRST: Final = re.compile(
    rb"(?<![0-9.])([0-9]{4})" + _JOINT + _MONTH + _JOINT + rb"([0-9]{1,2})(?![0-9])"
)
_RUN: Final = re.compile(rb"(?<![0-9.])[0-9]{6,}")
_ALONE: Final = re.compile(rb"(?<![0-9a-z.])[0-9]{6}(?![0-9a-z.])")


def days_in(lower: bytes, *, short_years: bool) -> Iterator[Day]:
    """Yield every day that `lower`, text in lower case without accents, may name.

    Parameters
    ----------
    lower
        The text.
    short_years
        Years of two digits count as well: not where versions stand.
    """
    for match in _AS_NUMBERS.finditer(lower):
        first, separator, second, third = (match[n] for n in range(1, 5))
        if len(first) == 4 or len(third) == 4 or (short_years and separator in _OF_SHORT_YEARS):
            yield from _in_any_order(first, second, third)
    yield from _with_months(lower)
    yield from _without_separators(lower, short_years=short_years)


def _with_months(lower: bytes) -> Iterator[Day]:
    for match in _DAY_FIRST.finditer(lower):
        yield from _in_month(match[3], match[2], match[1])
    for match in _MONTH_FIRST.finditer(lower):
        yield from _in_month(match[3], match[1], match[2])
    for match in _YEAR_FIRST.finditer(lower):
        yield from _in_month(match[1], match[2], match[3])
    for match in _LAST_DAY.finditer(lower):
        yield from _in_month(match[1], match[3], match[2])
    for match in _SIGNED.finditer(lower):
        yield from _dated(match[1], int(match[2]), match[3])
    for match in _ROMAN_MONTH.finditer(lower):
        yield from _dated(match[4], _ROMAN.get(match[3], 0), match[1])


def _in_month(year: bytes, name: bytes, day: bytes) -> Iterator[Day]:
    word = name.decode("ascii")
    for number, beginnings in _BY_PREFIX:
        if word.startswith(beginnings):
            yield from _dated(year, number, day)


def _without_separators(lower: bytes, *, short_years: bool) -> Iterator[Day]:
    for match in _RUN.finditer(lower):
        run = match[0]
        if len(run) >= 8:
            yield from _dated(run[:4], int(run[4:6]), run[6:8])
        if len(run) == 8:
            yield from _in_any_order(run[:2], run[2:4], run[4:])
    if short_years:
        for match in _ALONE.finditer(lower):
            yield from _in_any_order(match[0][:2], match[0][2:4], match[0][4:])


def spelt_densely(day: Day) -> tuple[bytes, ...]:
    """Return the spellings of `day` that are told even from the bytes of pixels.

    Without separators, in lower case: eight digits in three orders, and with the
    English name of the month.
    """
    year, month, number = day
    name = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
            b"dec")[month - 1]  # fmt: skip
    y, m, d = b"%04d" % year, b"%02d" % month, b"%02d" % number
    return (y + m + d, d + m + y, m + d + y, d + name + y, name + d + y)


def day_of(digits: str) -> Day | None:
    """Return the day that eight digits name, the year first; None for what is no day."""
    if len(digits) != 8 or not digits.isdecimal():
        return None
    year, month, number = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    return (year, month, number) if 1 <= month <= 12 and 1 <= number <= 31 else None


def _in_any_order(first: bytes, second: bytes, third: bytes) -> Iterator[Day]:
    if len(first) == 4:
        yield from _dated(first, int(second), third)
        yield from _dated(first, int(third), second)
        return
    yield from _dated(third, int(second), first)
    yield from _dated(third, int(first), second)
    if len(third) == 2:
        yield from _dated(first, int(second), third)


def _dated(year: bytes, month: int, day: bytes) -> Iterator[Day]:
    if not (1 <= month <= 12 and 1 <= int(day) <= 31):
        return
    if len(year) == 4:
        yield int(year), month, int(day)
    elif len(year) == 2:
        yield 1900 + int(year), month, int(day)
        yield 2000 + int(year), month, int(day)
