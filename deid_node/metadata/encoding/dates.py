"""Dates, times and ages as they are written: checked, moved by whole days, capped.

A value that is not written as the standard wants is never passed on: what is no
date may be anything. Every function here returns None for it.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

from deid_node.metadata.encoding.dummies import DATE, TIME
from deid_node.metadata.encoding.whose import is_fill_in

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_OLD_DATE = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})", re.ASCII)  # ACR-NEMA, PS3.5 6.2 note
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?)?", re.ASCII)
_FRACTION = re.compile(r"\.\d{1,6}", re.ASCII)
_OLD_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:([0-5]\d|60)(\.\d{1,6})?)?", re.ASCII)
_ZONE = re.compile(r"[+-](0\d|1[0-4])[0-5]\d", re.ASCII)
_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)

_DIGIT = re.compile(r"\d", re.ASCII)
_LONGEST_DAY = 10  # characters, as in 2004.08.26

_SEPARATOR = "\\"
OLDEST_YEARS = 89
"""The oldest age that is told; who is older is told as 90 (45 CFR 164.514(b)(2)(i)(C))."""


def checked(text: str, vr: str) -> str | None:
    """Return `text`, the values of a DA, DT, TM or time zone (SH), if each is well written.

    Source
    ------
    PS3.5 Table 6.2-1 (DA, DT, TM); PS3.3 C.12.1.1.8 (Timezone Offset From UTC).
    """
    return _each(text, lambda value: value if _is_valid(value, vr) else None)


def moved(text: str, vr: str, *, days: int) -> str | None:
    """Return `text` with every date in it `days` later; times and time zones stay.

    A date and time that is less exact than a day cannot be moved by days. What
    stands where no date was known becomes a dummy: it is known outside, and moved
    it would tell the days.

    Source
    ------
    PS3.15 E.3.6 (Retain Longitudinal Temporal Information Options).
    """

    def later(value: str) -> str | None:
        if not _is_valid(value, vr):
            return None
        if vr not in {"DA", "DT"}:
            return value
        return _later(value, vr, days)

    return _each(text, later)


def capped(text: str) -> str | None:
    """Return the ages in `text`, those above 89 years as ``090Y``.

    Source
    ------
    PS3.5 Table 6.2-1 (AS); PS3.15 E.3.7 (Retain Patient Characteristics Option).
    """

    def cap(value: str) -> str | None:
        match = _AGE.fullmatch(value)
        if match is None:
            return None
        is_old = match[2] == "Y" and int(match[1]) > OLDEST_YEARS
        return f"{OLDEST_YEARS + 1:03}Y" if is_old else value

    return _each(text, cap)


def day_of(text: str) -> date | None:
    """Return the day that a single DA value names."""
    match = _DATE.fullmatch(text) or _OLD_DATE.fullmatch(text)
    try:
        return None if match is None else date(*(int(part) for part in match.groups()))
    except ValueError:
        return None


def day_digits(text: str) -> str:
    """Return the digits of year, month and day in one DA or DT value, as many as it has.

    Separators that people write between them are passed over.
    """
    if _ZONE.fullmatch(text[-5:]):
        text = text[:-5]
    return "".join(_DIGIT.findall(text[:_LONGEST_DAY]))[:8]


def years_between(birth: date, day: date) -> int:
    """Return the age in whole years on `day` of somebody born on `birth`."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def _each(text: str, change: Callable[[str], str | None]) -> str | None:
    values = [change(value.strip("\0 ")) for value in text.split(_SEPARATOR)]
    return None if None in values else _SEPARATOR.join(value or "" for value in values)


def _later(value: str, vr: str, days: int) -> str | None:
    written = value if "." in value[:5] else value[:8]
    day = day_of(written)
    if day is None:
        return None
    if is_fill_in(day):
        return DATE if vr == "DA" else DATE + TIME
    try:
        new = day + timedelta(days)
    except OverflowError:
        return None
    return f"{new.year:04}{new.month:02}{new.day:02}{value[len(written) :]}"


def _is_valid(value: str, vr: str) -> bool:
    match vr:
        case "DA":
            return day_of(value) is not None
        case "DT":
            return _is_moment(value)
        case "TM":
            return _is_time(value) or _OLD_TIME.fullmatch(value) is not None
        case "SH":
            return _ZONE.fullmatch(value) is not None
        case _:
            return False


def _is_time(value: str) -> bool:
    match = _TIME.match(value)
    if match is None:
        return False
    rest = value[match.end() :]
    return not rest or (match[3] is not None and _FRACTION.fullmatch(rest) is not None)


def _is_moment(value: str) -> bool:
    """Return whether `value` is a DT: a year, then as much more as is known, then a zone."""
    if len(value) > 5 and value[-5] in "+-":
        if not _ZONE.fullmatch(value[-5:]):
            return False
        value = value[:-5]
    if len(value) > 8:
        return day_of(value[:8]) is not None and _is_time(value[8:])
    # A year alone or a month of a year: completed to a day, it must be one.
    return (
        value.isdecimal() and len(value) in {4, 6, 8} and day_of((value + "0101")[:8]) is not None
    )
