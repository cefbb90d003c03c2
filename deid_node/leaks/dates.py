"""Dates that may stay, and those that may not: part of the second look.

Where a treatment keeps or moves dates, a date is no longer a leak by itself. It
is still one where it stands in text, where it is the birth date, and where it
was to be moved and was not.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from deid_node.leaks.values import Text

_DATE_VRS = frozenset({"DA", "DT"})
_BIRTH = "PatientBirthDate"
_STUDY = "StudyDate"
_DUMMY = b"19000101"
_YEAR_DIGITS = 4
_DIGITS = re.compile(rb"\D")

FULL = "retain_longitudinal_full_dates"
MODIFIED = "retain_longitudinal_modified_dates"

Days = Mapping[str, tuple[bytes, ...]]
"""The days of the DA and DT values of each keyword, in the order of the dataset."""


def days_of(texts: Iterable[Text]) -> Days:
    """Return the days that `texts` name, as eight digits each."""
    days: defaultdict[str, list[bytes]] = defaultdict(list)
    for text in texts:
        if text.vr in _DATE_VRS:
            for value in text.stored.split(b"\\"):
                days[text.keyword].append(_DIGITS.sub(b"", value[:10])[:8])
    return {keyword: tuple(found) for keyword, found in days.items()}


def is_date(text: Text) -> bool:
    """Return whether `text` is a date by its VR and by its characters."""
    return text.vr in _DATE_VRS and re.fullmatch(rb"[0-9.:+\-\\ \0]*", text.stored) is not None


def wrong_day(original: Days, cleaned: Days, retained: frozenset[str]) -> str | None:
    """Return the keyword of a date that should not stand where it stands, or None.

    Parameters
    ----------
    original, cleaned
        The days before and after.
    retained
        The options in force, by name; one of the two that speak of dates.
    """
    births = set(original.get(_BIRTH, ())) - {b"", _DUMMY}
    if births.intersection(cleaned.get(_BIRTH, ())):
        return _BIRTH
    # A newborn is examined on the day of birth, and that day may stay as the day of the study.
    unexcused = births - set(original.get(_STUDY, ())) if FULL in retained else births
    for keyword, days in cleaned.items():
        if keyword != _BIRTH and any(_is_part(day, unexcused) for day in days):
            return keyword
        if MODIFIED in retained and _stayed(original.get(keyword, ()), days):
            return keyword
    return None


def _is_part(day: bytes, births: Collection[bytes]) -> bool:
    """Return whether `day`, or the year or month that is all of it, is that of a birth."""
    return len(day) >= _YEAR_DIGITS and any(birth.startswith(day) for birth in births)


def _stayed(before: tuple[bytes, ...], after: tuple[bytes, ...]) -> bool:
    """Return whether a day stands where it stood; anywhere, if the places cannot be told."""
    if len(before) == len(after):
        pairs = zip(before, after, strict=True)
        return any(old == new and new not in {b"", _DUMMY} for old, new in pairs)
    return not (set(before) & set(after)) <= {b"", _DUMMY}
