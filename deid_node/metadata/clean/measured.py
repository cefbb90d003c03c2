"""Numbers beside a concept: ages, and identifiers that pose as measurements.

A measurement is a fact of the image and stays. It does not where it is the age
of somebody older than 89, or where its digits are those of an identifier.
"""

import re
import struct
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from deid_node.metadata.clean.codes import MEANING, code_of
from deid_node.metadata.clean.concepts import Concepts, Kind
from deid_node.metadata.encoding.dates import OLDEST_YEARS, day_digits
from deid_node.metadata.encoding.elements import element_at, items_of, text_of

MEASURED: Final = 0x0040A300
NUMBER: Final = 0x0040A30A
_FLOATING: Final = 0x0040A161
_NUMERATOR, _DENOMINATOR = 0x0040A162, 0x0040A163
_OTHER_FORMS = (_FLOATING, _NUMERATOR, _DENOMINATOR)
_UNITS = 0x004008EA

_BIRTH_DATE = 0x00100030
_IDENTIFIERS = (
    *(0x00100020, 0x00101000, 0x00101001, 0x00080050, 0x00200010),
    *(0x00380010, 0x00401001, 0x00401002, 0x00402016, 0x00402017, 0x00102154, 0x00100050),
)
_LEAST_DIGITS: Final = 5  # shorter numbers are measured every day

# Years in one of a unit of time.
_DAY: Final = 1 / 365.25
_YEARS: Final = MappingProxyType({"year": 1.0, "month": 1 / 12, "week": 7 * _DAY, "day": _DAY})
_SHORT: Final = MappingProxyType({"hour": _DAY / 24, "minute": _DAY / 1440, "second": _DAY / 86400})
_LIFE_UNITS: Final = frozenset({"year", "month"})
_UCUM: Final = MappingProxyType(
    {"a": "year", "mo": "month", "wk": "week", "d": "day", "h": "hour", "min": "minute"}
    | {"s": "second"}
)
_NO_TIME: Final = "no time"
_ANNOTATION = re.compile(r"\{[^}]*\}")
_SCT: Final = MappingProxyType(
    {"258707000": "year", "258706009": "month", "258705008": "week", "258703001": "day"}
    | {"258702006": "hour", "258701004": "minute"}
)
_WORDS: Final = tuple(
    (unit, re.compile(rf"(?i)\b(?:{words})\b"))
    for unit, words in (
        ("year", "y|yrs?|years?|jahre?n?|ann[eé]es?|ans?|ann[oi]|años?|anos?|jaar|år|lat|rok|let"),
        ("month", "mos?|mon|mths?|months?|monate?n?|mois|mes(?:es|i|e)?|maanden?|måneder?"),
        ("week", "wks?|weeks?|wochen?|semaines?|settiman[ae]|semanas?|weken"),
        ("day", "d|days?|tage?n?|jours?|giorn[oi]|d[ií]as?|dagen"),
    )
)
_AGE: Final = re.compile(
    r"(?i)\b(?:age|aged|[aâ]ge|edad|et[aà]|idade|ik[aä]|wiek|v[eě]k|vozrast|возраст|ηλικία"
    # Of one word with whose it is: Patientenalter.
    r"|\w*(?:alter|alters|leeftijd|[aå]lder|ikä))\b"
)
_NO_DIGIT = re.compile(r"[^0-9]")
_MOST_DIGITS: Final = 64
_FORMS: Final = MappingProxyType({_FLOATING: "d", _NUMERATOR: "l", _DENOMINATOR: "L"})


def digits_of(dataset: Dataset) -> frozenset[str]:
    """Return the identifiers of `dataset` as digits: numbers of the patient and the birth date.

    Without what separates them and without leading zeros; those of fewer than
    five digits are measured every day, and are not among them.
    """
    found: set[str] = set()
    for tag in _IDENTIFIERS:
        element = element_at(dataset, tag)
        if element is not None:
            found.update(_NO_DIGIT.sub("", one) for one in text_of(element, dataset).split("\\"))
    element = element_at(dataset, _BIRTH_DATE)
    birth = "" if element is None else day_digits(text_of(element, dataset))
    year, month, day = birth[:4], birth[4:6], birth[6:]
    found.update((year + month + day, day + month + year, month + day + year))
    bare = {digits.lstrip("0") for digits in found}
    return frozenset(digits for digits in bare if len(digits) >= _LEAST_DIGITS)


@dataclass(frozen=True, slots=True)
class Measured:
    """Judges the numbers of one instance.

    `identifiers` are digits that no number may have (`digits_of`); ages stay,
    up to 89, where `keeps_characteristics`.
    """

    concepts: Concepts
    identifiers: frozenset[str] = field(default=frozenset(), repr=False)
    keeps_characteristics: bool = False

    def judge(self, level: Dataset, new: Dataset) -> None:
        """Change the numbers of `new`, what the plan made of the content item `level`.

        A number that may not stay leaves a measurement without a value; where
        it stands beside its concept without a sequence around it, a zero.

        Source
        ------
        PS3.3 C.18.1 (Numeric Measurement Macro), 10.2 (Content Item Macro); PS3.15
        E.3.4, E.3.7; 45 CFR 164.514(b)(2)(i)(C) (ages above 89).
        """
        if MEASURED not in new and not self._stands_bare(new):
            return
        kinds = self.concepts.kinds_of(level)
        if not kinds:
            return
        may_be_age = not kinds.isdisjoint({Kind.UNKNOWN, Kind.CHARACTERISTIC})
        age = may_be_age and _AGE.search(self.concepts.names_of(level)) is not None
        element = element_at(new, MEASURED)
        if element is not None:
            values = [] if self._is_secret(kinds) else list(items_of(element, new))
            units = _units_in(level)
            kept = [
                one
                for at, one in enumerate(values)
                if self._stays(one, units[at] if at < len(units) else "", kinds, age=age)
            ]
            new[MEASURED] = DataElement(MEASURED, "SQ", Items(kept))
        if self._stands_bare(new) and (
            self._is_secret(kinds) or not self._stays(new, _unit_of(level), kinds, age=age)
        ):
            new[NUMBER] = DataElement(NUMBER, "DS", "0")
            _drop(new)

    def _stands_bare(self, new: Dataset) -> bool:
        return any(tag in new for tag in (NUMBER, *_OTHER_FORMS))

    def _is_secret(self, kinds: frozenset[Kind]) -> bool:
        if Kind.IDENTITY in kinds:
            return True
        return Kind.CHARACTERISTIC in kinds and not self.keeps_characteristics

    def _stays(self, value: Dataset, unit: str, kinds: frozenset[Kind], *, age: bool) -> bool:
        """Return whether the numbers of `value` may stay; an age above 89 is made 90.

        `unit` is what it was sent with: of a local one nothing may be left in `value`.
        """
        numbers = _numbers(value)
        if any(_bare(number) in self.identifiers for number in numbers):
            return False
        is_age = age and unit != _NO_TIME
        may_tell_age = Kind.UNKNOWN in kinds and (is_age or unit in _LIFE_UNITS)
        if may_tell_age and not self.keeps_characteristics:
            return False
        # Seconds of a clock may run into years; those of an age are somebody's.
        years = _YEARS.get(unit) or (_SHORT.get(unit) if is_age else None)
        if years is None and is_age:
            years = 1.0
        if years is not None and any(_above(number, years) for number in numbers):
            value[NUMBER] = DataElement(NUMBER, "DS", str(round((OLDEST_YEARS + 1) / years)))
            _drop(value)
        return True


def _units_in(level: Dataset) -> list[str]:
    """Return the units of time of the measured values of `level` as they were sent, in order."""
    element = element_at(level, MEASURED)
    return [] if element is None else [_unit_of(one) for one in items_of(element, level)]


def _drop(value: Dataset) -> None:
    for tag in _OTHER_FORMS:
        if tag in value:
            del value[tag]


def _numbers(value: Dataset) -> list[Decimal]:
    """Return the numbers of a measured value in all its forms; what is none is left out."""
    numbers = [_decimal(text) for text in _values(value, NUMBER) + _values(value, _FLOATING)]
    above = [_decimal(text) for text in _values(value, _NUMERATOR)]
    below = [_decimal(text) for text in _values(value, _DENOMINATOR)]
    numbers += above
    numbers += [a / b for a, b in zip(above, below, strict=False) if a is not None and b]
    return [number for number in numbers if number is not None and number.is_finite()]


def _values(level: Dataset, tag: int) -> list[str]:
    element = element_at(level, tag)
    if element is None:
        return []
    form = _FORMS.get(tag)
    if form is None or not isinstance(element, RawDataElement):
        return text_of(element, level).split("\\")
    little = element.is_little_endian or element.VR == "UN"
    layout = struct.Struct(("<" if little else ">") + form)
    stored = element.value or b""
    whole = len(stored) - len(stored) % layout.size
    return [str(number) for (number,) in layout.iter_unpack(stored[:whole])]


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _above(number: Decimal, years: float) -> bool:
    # Somebody is 89 until the birthday.
    return float(number) * years >= OLDEST_YEARS + 1


def _bare(number: Decimal) -> str:
    """Return the digits of a number as an identifier would have them."""
    if abs(number.adjusted()) > _MOST_DIGITS:
        return ""
    written = f"{number:f}"
    if "." in written:
        written = written.rstrip("0")
    return _NO_DIGIT.sub("", written).lstrip("0")


def _unit_of(value: Dataset) -> str:
    """Return the unit of time that `value` counts in; empty where nobody can tell."""
    units = element_at(value, _UNITS)
    for unit in [] if units is None else items_of(units, value):
        scheme, code = code_of(unit)
        if scheme == "UCUM":
            bare = _ANNOTATION.sub("", code).partition("_")[0]
            return _UCUM.get(bare, "" if bare in {"", "1"} else _NO_TIME)
        if scheme == "SCT" and code in _SCT:
            return _SCT[code]
        meaning = element_at(unit, MEANING)
        said = f"{code} {'' if meaning is None else text_of(meaning, unit)}"
        for word, rule in _WORDS:
            if rule.search(said):
                return word
    return ""
