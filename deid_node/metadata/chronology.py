"""How the dates of one patient are moved, decided before the plan is applied."""

from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from deid_node.metadata.dates import OLDEST_YEARS, day_of, years_between
from deid_node.metadata.elements import element_at, text_of
from deid_node.metadata.pseudonyms import Pseudonyms

_PATIENT_ID = 0x00100020
_ISSUER = 0x00100021
_BIRTH_DATE = 0x00100030
_AGE = 0x00101010
_STUDY_INSTANCE_UID = 0x0020000D
_DAYS = (0x00080020, 0x00080021, 0x00080022, 0x00080023)


@dataclass(frozen=True, slots=True)
class Chronology:
    """By how many days the dates of an instance move.

    `birth_date` is the one that may be moved with them; empty where none may.
    """

    days: int = field(default=0, repr=False)
    birth_date: str = field(default="", repr=False)


def chronology_of(dataset: Dataset, pseudonyms: Pseudonyms, span: range) -> Chronology:
    """Return how the dates of `dataset` move; the same for all instances of the patient.

    The birth date may be moved only where it does not tell an age above 89: the
    moved dates keep their distance, so the age could be counted.

    Raises
    ------
    UnknownSubject
        The subject table does not name the patient.
    """
    days = pseudonyms.shift_days(
        _text(dataset, _PATIENT_ID),
        _text(dataset, _ISSUER),
        _text(dataset, _STUDY_INSTANCE_UID),
        span,
    )
    birth = _text(dataset, _BIRTH_DATE)
    return Chronology(days, birth if _is_young(dataset, birth) else "")


def _is_young(dataset: Dataset, birth: str) -> bool:
    born = day_of(birth)
    days = [day for tag in _DAYS if (day := day_of(_text(dataset, tag))) is not None]
    if born is None or not days:
        return False
    age = _text(dataset, _AGE)
    if age.endswith("Y") and not (age[:-1].isdecimal() and int(age[:-1]) <= OLDEST_YEARS):
        return False
    return 0 <= years_between(born, max(days)) <= OLDEST_YEARS


def _text(dataset: Dataset, tag: int) -> str:
    element = element_at(dataset, tag)
    return "" if element is None else text_of(element, dataset)
