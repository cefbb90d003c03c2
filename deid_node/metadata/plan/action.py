"""What can be done to an attribute: a closed set, with the letters of PS3.15."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Action(StrEnum):
    """The action on an attribute; the value names it in reports and in `explain`.

    Source: PS3.15 E.2 (X, Z, D, U, K), E.3 (C). A sequence under `KEEP`, `DUMMY`
    or `REPLACE_UID` stays, and the plan is applied to each attribute of its items.
    """

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    REPLACE_UID = "U"
    KEEP = "K"
    PATIENT_NAME = "patient_name"
    PATIENT_ID = "patient_id"
    ACCESSION_NUMBER = "accession_number"
    STUDY_ID = "study_id"
    KEEP_UID = "keep_uid"
    KEEP_DATE = "keep_date"
    SHIFT_DATE = "shift_date"
    BIRTH_DATE = "birth_date"
    CAP_AGE = "cap_age"
    AE_TITLE = "ae_title"
    CLEAN_TEXT = "clean_text"
    CLEAN_ITEMS = "clean_items"

    @property
    def letter(self) -> str:
        """The letter of PS3.15 that the action fulfils; a pseudonym is a dummy."""
        return self.value if len(self.value) == 1 else _LETTERS.get(self, Action.DUMMY.value)


_LETTERS: Final = MappingProxyType(
    {
        Action.KEEP_UID: "K",
        Action.KEEP_DATE: "K",
        Action.CAP_AGE: "K",
        Action.SHIFT_DATE: "C",
        Action.AE_TITLE: "C",
        Action.CLEAN_TEXT: "C",
        Action.CLEAN_ITEMS: "C",
    }
)

CONDITIONAL: Final = frozenset(
    {
        Action.KEEP_UID,
        Action.KEEP_DATE,
        Action.SHIFT_DATE,
        Action.BIRTH_DATE,
        Action.CAP_AGE,
        Action.CLEAN_TEXT,
        Action.CLEAN_ITEMS,
    }
)
"""Actions of options that look at the value: where it is not what it should be,
`Ruling.otherwise` is done instead."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What happens to an attribute, and why.

    `source` is the action as printed in Table E.1-1, or the part of our policy
    that decides where the table says nothing. `by` names the options (or the
    addition of the site) that decided instead of the basic profile. `otherwise`
    is done where a `CONDITIONAL` action cannot be: it needs no look at the value.
    """

    action: Action
    source: str
    note: str = ""
    by: str = ""
    otherwise: Action = Action.REMOVE
