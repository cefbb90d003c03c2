"""What we decide where Table E.1-1 leaves a choice or says nothing.

The table lists the attributes that the standard holds to be dangerous. All
others are judged here: text that people type is replaced, whatever the attribute
is called, unless a row of ``data/attribute_policy.csv`` names it with a reason.
See docs/decisions/metadata-plan.md.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from deid_node.metadata.plan.action import Action

TEXT_VRS = frozenset({"AE", "LO", "LT", "SH", "ST", "UC", "UR", "UT"})
NUMBER_VRS = frozenset({"AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
TIME_VRS = frozenset({"AS", "DA", "DT", "TM"})
KNOWN_VRS = TEXT_VRS | NUMBER_VRS | BULK_VRS | TIME_VRS | {"CS", "PN", "SQ", "UI"}

# Table E.1-1 names several actions where the type of the attribute differs from
# object to object. The one that is valid for every type is taken.
RESOLUTION: Final = MappingProxyType(
    {
        "X": Action.REMOVE,
        "Z": Action.EMPTY,
        "D": Action.DUMMY,
        "U": Action.REPLACE_UID,
        "K": Action.KEEP,
        "X/Z": Action.EMPTY,
        "X/D": Action.DUMMY,
        "Z/D": Action.DUMMY,
        "X/Z/D": Action.DUMMY,
        "X/Z/U*": Action.REPLACE_UID,
    }
)

# Z and Z/D allow a value that is consistent within a study; the identifiers that
# keep a study together get a pseudonym (PS3.15 E.1.1, note on consistent replacement).
PSEUDONYMS: Final = MappingProxyType(
    {
        "PatientName": Action.PATIENT_NAME,
        "PatientID": Action.PATIENT_ID,
        "AccessionNumber": Action.ACCESSION_NUMBER,
        "StudyID": Action.STUDY_ID,
    }
)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One attribute that our policy names, what is done to it, and why."""

    keyword: str
    action: Action
    reason: str


@cache
def load_policy() -> tuple[PolicyRow, ...]:
    """Return the attributes that our policy names, in order of their tags."""
    text = (files("deid_node.metadata") / "data/attribute_policy.csv").read_text("utf-8")
    return tuple(
        PolicyRow(cells["keyword"], Action(cells["action"]), cells["reason"])
        for cells in csv.DictReader(text.splitlines())
    )


def default_action(vr: str) -> Action:
    """Return what is done to a standard attribute that neither table nor policy names.

    Numbers and defined terms (CS) describe the image and stay. Text, times and
    names may be typed by people. Bytes of VR OB may hold anything; the wider
    binary VRs are arrays of numbers. A sequence stays and its items are judged.
    """
    if vr == "PN":
        return Action.EMPTY
    if vr in TEXT_VRS or vr in TIME_VRS:
        return Action.DUMMY
    if vr == "UI":
        return Action.REPLACE_UID
    if vr in {"OB", "UN"}:
        return Action.REMOVE
    return Action.KEEP
