"""What may become of the dates of one instance, decided before the plan is applied."""

from dataclasses import dataclass, field
from datetime import date

from pydicom.dataset import Dataset

from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.encoding import dates
from deid_node.metadata.encoding.elements import element_at, text_of
from deid_node.metadata.encoding.whose import is_fill_in

_PATIENT_ID = 0x00100020
_ISSUER = 0x00100021
_BIRTH_DATE = 0x00100030
_AGE = 0x00101010
_STUDY_INSTANCE_UID = 0x0020000D
_STUDY_DATE = 0x00080020
_DAYS = (_STUDY_DATE, 0x00080021, 0x00080022, 0x00080023)
_YEAR_DIGITS = 4
_DAY_VRS = frozenset({"DA", "DT"})


@dataclass(frozen=True, slots=True)
class Chronology:
    """What may become of the dates of one instance.

    `days` is by how many they move; None where the instance is about nobody, so
    that there is nobody's life to move. `birth_date` is the one that may be moved
    with them; empty where none may. `birth` is the day of birth as digits, which
    stands nowhere else; empty where it is unknown or the patient was examined
    on it. `study` is the day of the study, from which an age could be counted.
    """

    days: int | None = field(default=0, repr=False)
    birth_date: str = field(default="", repr=False)
    birth: str = field(default="", repr=False)
    study: date | None = field(default=None, repr=False)

    def kept(self, text: str, vr: str) -> str | None:
        """Return `text`, the values of a DA, DT, TM or time zone, if each may stay as it is."""
        return None if self._tells(text, vr) else dates.checked(text, vr)

    def moved(self, text: str, vr: str) -> str | None:
        """Return `text` with its dates moved, if each may be told at all."""
        if vr not in _DAY_VRS:
            return dates.checked(text, vr)
        if self.days is None or (self._tells(text, vr) and not self.birth_date):
            return None
        return dates.moved(text, vr, days=self.days)

    def _tells(self, text: str, vr: str) -> bool:
        """Return whether a date is that of birth, or lies a life of more than 89 years back."""
        if vr not in _DAY_VRS:
            return False
        return any(self._is_birth_or_old(value) for value in text.split("\\"))

    def _is_birth_or_old(self, value: str) -> bool:
        digits = dates.day_digits(value)
        if len(digits) < _YEAR_DIGITS:
            return False
        if self.birth and (self.birth.startswith(digits) or digits.startswith(self.birth)):
            return True
        day = dates.day_of((digits + "0101")[:8])
        if day is None or self.study is None or is_fill_in(day):
            return False
        return dates.years_between(day, self.study) > dates.OLDEST_YEARS


def chronology_of(
    dataset: Dataset,
    pseudonyms: Pseudonyms,
    span: range | None,
    *,
    moves_birth_date: bool = False,
    of_patient: bool = True,
) -> Chronology:
    """Return what may become of the dates of `dataset`.

    The birth date may be moved only where it does not tell an age above 89: the
    moved dates keep their distance, so the age could be counted. One that is the
    first of January, or stands where none was known, is never moved: what it was
    can be guessed.

    Parameters
    ----------
    dataset
        A whole instance.
    pseudonyms
        What makes the days of a patient: the same for all its instances.
    span
        The days that are allowed, or None where dates are not modified.
    moves_birth_date
        Whether the birth date may move with the others.
    of_patient
        Whether objects of this kind are about somebody.

    Raises
    ------
    UnknownSubject
        The subject table does not name the patient.
    """
    birth = _text(dataset, _BIRTH_DATE)
    study = dates.day_of(_text(dataset, _STUDY_DATE))
    born = dates.day_of(birth)
    examined_at_birth = born is not None and born == study
    is_known = born is None or not is_fill_in(born)
    secret = dates.day_digits(birth) if is_known and not examined_at_birth else ""
    days: int | None = 0
    if span is not None:
        days = None
        if of_patient:
            days = pseudonyms.shift_days(
                _text(dataset, _PATIENT_ID),
                _text(dataset, _ISSUER),
                _text(dataset, _STUDY_INSTANCE_UID),
                span,
            )
    return Chronology(
        days=days,
        birth_date=birth if moves_birth_date and _is_young(dataset, birth) else "",
        birth=secret if len(secret) >= _YEAR_DIGITS else "",
        study=study,
    )


def _is_young(dataset: Dataset, birth: str) -> bool:
    born = dates.day_of(birth)
    days = [day for tag in _DAYS if (day := dates.day_of(_text(dataset, tag))) is not None]
    if born is None or not days or is_fill_in(born) or (born.month, born.day) == (1, 1):
        return False
    age = _text(dataset, _AGE)
    if age.endswith("Y") and not (age[:-1].isdecimal() and int(age[:-1]) <= dates.OLDEST_YEARS):
        return False
    return 0 <= dates.years_between(born, max(days)) <= dates.OLDEST_YEARS


def _text(dataset: Dataset, tag: int) -> str:
    element = element_at(dataset, tag)
    return "" if element is None else text_of(element, dataset)
