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

_MONTHS: Final = MappingProxyType({
    b"jan": 1, b"jen": 1, b"ene": 1, b"gen": 1, b"feb": 2, b"fev": 2, b"mar": 3, b"mrz": 3,
    b"maj": 5, b"apr": 4, b"avr": 4, b"abr": 4, b"may": 5, b"mai": 5, b"mei": 5, b"mag": 5,
    b"jun": 6, b"jui": 6, b"giu": 6, b"jul": 7, b"lug": 7, b"aug": 8, b"aou": 8, b"ago": 8,
    b"sep": 9, b"set": 9, b"oct": 10, b"okt": 10, b"ott": 10, b"out": 10, b"nov": 11,
    b"dec": 12, b"dez": 12, b"dic": 12, b"des": 12, b"dik": 12,
})  # fmt: skip
_MONTH: Final = rb"(" + b"|".join(_MONTHS) + rb")[a-z]{0,7}\.?"
_JOINT: Final = rb"[ ,./_'-]{0,3}"
_AS_NUMBERS: Final = re.compile(
    rb"(?<![0-9.])(?=([0-9]{4}|[0-9]{1,2})([-./_ ]|, ?)([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9]))"
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
        if len(first) == 4 or len(third) == 4 or (short_years and separator != b" "):
            yield from _in_any_order(first, second, third)
    yield from _with_months(lower)
    yield from _without_separators(lower, short_years=short_years)


def _with_months(lower: bytes) -> Iterator[Day]:
    for match in _DAY_FIRST.finditer(lower):
        yield from _dated(match[3], _MONTHS[match[2]], match[1])
    for match in _MONTH_FIRST.finditer(lower):
        yield from _dated(match[3], _MONTHS[match[1]], match[2])
    for match in _YEAR_FIRST.finditer(lower):
        yield from _dated(match[1], _MONTHS[match[2]], match[3])


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
