"""Whose day a date is: the patient's, or one that everybody shares.

Only the patient's days may move. The day on which a context group was published,
a tube was installed or a trial was approved is known outside: moved as well, it
would tell by how many days everything moved.
"""

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from pydicom.datadict import tag_for_keyword

_FIRST_YEAR: Final = 1901
_LAST_YEAR: Final = 2099
# Where clocks and calendars of programs begin or end, and what forms are filled with.
_EPOCHS: Final = (
    *(date(1901, 1, 1), date(1901, 12, 14), date(1904, 1, 1), date(1911, 11, 11)),
    *(date(1950, 1, 1), date(1958, 1, 1), date(1960, 1, 1), date(1968, 5, 24)),
    *(date(1970, 1, 1), date(1972, 1, 1), date(1978, 1, 1), date(1980, 1, 1), date(1980, 1, 6)),
    *(date(1984, 1, 1), date(1990, 1, 1), date(2000, 1, 1), date(2001, 1, 1), date(2036, 2, 7)),
    *(date(2038, 1, 1), date(2038, 1, 19), date(2040, 2, 6), date(2050, 1, 1)),
    *(date(2050, 12, 31), date(2079, 6, 6), date(2099, 12, 31)),
)
# West of Greenwich an epoch falls on the day before.
_FILL_INS: Final = frozenset({*_EPOCHS, *(day - timedelta(1) for day in _EPOCHS)})


class Whose(StrEnum):
    """Whose a date is."""

    PATIENT = "patient"
    """Of something that was done to the patient, or of an instance about it."""
    SHARED = "shared"
    """Of a scheme, a device, a product or a protocol: the same for other people too."""


@cache
def load_whose() -> Mapping[int, Whose]:
    """Return whose each date and time of the data dictionary is, by tag.

    Source
    ------
    PS3.6 (attributes of VR DA, DT, TM); PS3.3 for what they say; PS3.15 E.3.6, which
    speaks of longitudinal information of the patient.
    """
    text = (files("deid_node.metadata") / "data/dates_and_times.csv").read_text("utf-8")
    result: dict[int, Whose] = {}
    for row in csv.DictReader(text.splitlines()):
        tag = tag_for_keyword(row["keyword"])
        if tag is None:
            raise ValueError(f"the list of dates names an unknown attribute: {row['keyword']}")
        result[tag] = Whose(row["whose"])
    return MappingProxyType(result)


def is_fill_in(day: date) -> bool:
    """Return whether `day` stands where somebody or some clock knew none.

    All days before 1901 and after 2099, and the days on which clocks begin and
    forms are filled with: each is the same in the files of many people.
    """
    return not _FIRST_YEAR <= day.year <= _LAST_YEAR or day in _FILL_INS
