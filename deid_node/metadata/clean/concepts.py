"""What a concept says of the value that stands beside it: somebody's, or the trade's.

A content item is a name and a value. The same date is nobody's business under
one name and a birth date under the next, and under a name that no terminology
has it may be either.
"""

import csv
from enum import StrEnum
from importlib.resources import files

from pydicom.dataset import Dataset

from deid_node.metadata.clean.codes import MEANING, code_of, known_meanings
from deid_node.metadata.encoding.elements import element_at, items_of, text_of

CONCEPT_NAME = 0x0040A043


class Kind(StrEnum):
    """What kind of value a concept asks for."""

    IDENTITY = "identity"
    """The name, number, place or birth of somebody or something."""
    CHARACTERISTIC = "characteristic"
    """The body of the patient: age, sex, size (Retain Patient Characteristics)."""
    SHARED = "shared"
    """A day that is the same for other people too."""
    KNOWN = "known"
    """A concept of a terminology that asks for none of these."""
    UNKNOWN = "unknown"
    """A concept of nobody's terminology."""


class Concepts:
    """Knows concepts; one object serves any number of instances.

    Source
    ------
    PS3.16 TID 1002, 1003, 1004, 1007, 1009, 1020, 3602, 8001, 10024, 12xx; for the
    others the terminologies that PS3.16 8 names.
    """

    def __init__(self) -> None:
        text = (files("deid_node.metadata") / "data/content_concepts.csv").read_text("utf-8")
        self._kinds = {
            (row["scheme"], row["value"]): Kind(row["kind"])
            for row in csv.DictReader(text.splitlines())
        }

    def kinds_of(self, level: Dataset) -> frozenset[Kind]:
        """Return what the concepts that name `level`, a content item, ask for; empty without one.

        Raises
        ------
        MalformedDataset
            The name cannot be read.
        """
        names = element_at(level, CONCEPT_NAME)
        if names is None:
            return frozenset()
        return frozenset(self._kind(name) for name in items_of(names, level))

    def may_tell_day(self, level: Dataset, *, moved: bool) -> bool:
        """Return whether the date of the content item `level` is one of the patient's life.

        Under a concept of nobody's terminology a date may be that of birth, or of
        anything else. One that is `moved` has to be the patient's by its name; one
        that stays may be of a scheme or a device as well.
        """
        kinds = self.kinds_of(level)
        if not kinds:
            return not moved
        return kinds <= ({Kind.KNOWN} if moved else {Kind.KNOWN, Kind.SHARED})

    def names_of(self, level: Dataset) -> str:
        """Return what the concepts that name `level` are called, as it was sent."""
        names = element_at(level, CONCEPT_NAME)
        said = [] if names is None else items_of(names, level)
        return " ".join(
            text_of(meaning, name) for name in said if (meaning := element_at(name, MEANING))
        )

    def _kind(self, name: Dataset) -> Kind:
        code = code_of(name)
        kind = self._kinds.get(code)
        if kind is not None:
            return kind
        return Kind.KNOWN if known_meanings(*code) else Kind.UNKNOWN
