"""What can be done to an attribute: a closed set, with the letters of PS3.15."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """The action on an attribute; the value names it in reports and in `explain`.

    Source: PS3.15 E.2 (X, Z, D, U, K). A sequence under `KEEP`, `DUMMY` or
    `REPLACE_UID` stays, and the plan is applied to each attribute of its items.
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

    @property
    def letter(self) -> str:
        """The letter of PS3.15 that the action fulfils; a pseudonym is a dummy."""
        return self.value if len(self.value) == 1 else Action.DUMMY.value


@dataclass(frozen=True, slots=True)
class Ruling:
    """What happens to an attribute, and why.

    `source` is the action as printed in Table E.1-1, or the part of our policy
    that decides where the table says nothing.
    """

    action: Action
    source: str
    note: str = ""
