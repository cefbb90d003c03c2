"""Dates, times and ages of a header, and whether a line of text spells one of them."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_FIGURE: Final = re.compile(r"\d+")
_LONE_PAIR: Final = re.compile(r"\W*\d{1,2}\W+\d{1,2}\W*")
_CLOCK: Final = re.compile(r"(?<!\d)(\d{1,2})\s?[:hH]\s?(\d{2})(?!\d)")
_AGE: Final = re.compile(
    r"(?i:age)?\W*0*(\d{1,3})\s?(?i:y|yrs?|years?|m|mon|months?|w|wks?|weeks?|d|days?|j|jahre|ans?)?\W*"
)
_MONTHS: Final = (
    *(("jan",), ("feb", "fev", "fév"), ("mar", "mrz", "mär"), ("apr", "avr", "abr")),
    *(("may", "mai", "maj", "mag"), ("jun", "juin", "giu"), ("jul", "juil", "lug")),
    *(("aug", "aou", "aoû", "ago"), ("sep", "set"), ("oct", "okt", "out", "ott"), ("nov",)),
    ("dec", "déc", "dez", "dic"),
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Dates ``(year, month, day)``, times ``(hour, minute)``, ages in their own unit."""

    dates: frozenset[tuple[int, int, int]] = field(repr=False)
    times: frozenset[tuple[int, int]] = field(repr=False)
    clocks: frozenset[str] = field(repr=False)
    ages: frozenset[int] = field(repr=False)

    @classmethod
    def of(cls, values: Iterable[tuple[str, str]]) -> "Moments":
        """Return the moments of values given as ``(VR, text)``; what is no moment is passed over.

        Source: PS3.5 6.2 (AS, DA, DT, TM).
        """
        dates: set[tuple[int, int, int]] = set()
        clocks: set[str] = set()
        ages: set[int] = set()
        for vr, text in values:
            for value in text.split("\\"):
                digits = re.sub(r"[.:\- ]", "", value)
                if vr == "AS":
                    ages.update(int(figure) for figure in _FIGURE.findall(value))
                if vr in {"DA", "DT"} and re.match(r"\d{8}", digits, re.ASCII):
                    dates.add((int(digits[:4]), int(digits[4:6]), int(digits[6:8])))
                time = digits[8:] if vr == "DT" else digits
                if vr in {"DT", "TM"} and (clock := re.match(r"\d{4}(\d\d)?", time, re.ASCII)):
                    clocks.add(clock[0])
        both = {(int(clock[:2]), int(clock[2:4])) for clock in clocks}
        return cls(
            dates=frozenset(dates),
            times=frozenset(both | {(hour % 12 or 12, minute) for hour, minute in both}),
            clocks=frozenset(clock for clock in clocks if len(clock) == 6),
            ages=frozenset(ages),
        )

    def spelt_in(self, line: str) -> bool:
        """Return whether `line` holds one of the dates or times, or is one of the ages."""
        figures = [int(figure) for figure in _FIGURE.findall(line)]
        if not figures:
            return False
        digits = "".join(_FIGURE.findall(line))
        age = _AGE.fullmatch(line)
        return (
            any(_is_date(date, line.casefold(), figures, digits) for date in self.dates)
            or any((int(hour), int(minute)) in self.times for hour, minute in _CLOCK.findall(line))
            or (_LONE_PAIR.fullmatch(line) is not None and tuple(figures) in self.times)
            or any(clock in digits for clock in self.clocks)
            or (age is not None and int(age[1]) in self.ages)
        )


def _is_date(date: tuple[int, int, int], line: str, figures: list[int], digits: str) -> bool:
    year, month, day = date
    short = year % 100
    there = Counter(figures)
    if year in there and year >= 1000:
        return True
    if Counter((short, month, day)) <= there:
        return True
    if 1 <= month <= 12 and any(name in line for name in _MONTHS[month - 1]):
        return day in there or short in there
    if _LONE_PAIR.fullmatch(line) and sorted(figures) in (
        sorted((day, month)),
        sorted((month, short)),
    ):
        return True
    run_together = (
        order
        for y in (f"{year:04}", f"{short:02}")
        for order in (f"{y}{month:02}{day:02}", f"{day:02}{month:02}{y}", f"{month:02}{day:02}{y}")
    )
    return any(order in digits for order in run_together)
