"""Content items of structured reports, cleaned so that the tree stays a tree.

No item goes and none comes: what an item says is replaced inside it. References
by position (Referenced Content Item Identifier) would otherwise point elsewhere.
"""

import csv
from collections.abc import Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from deid_node.metadata.cleaning import Planned
from deid_node.metadata.codes import MEANING, CodeCleaner, code_of
from deid_node.metadata.descriptors import DescriptorCleaner
from deid_node.metadata.dummies import dummy, dummy_code
from deid_node.metadata.elements import element_at, elements_of, items_of, text_of, vr_of

CONTENT = 0x0040A730
ACQUISITION_CONTEXT = 0x00400555
SPECIMEN_PREPARATION = 0x00400610
_STEP_CONTENT = 0x00400612
_CONCEPT_NAME = 0x0040A043
_CONCEPT = 0x0040A168
_TEXT_VALUE = 0x0040A160
_MEASURED = 0x0040A300
_DATES = (0x0040A120, 0x0040A121, 0x0040A122)

_SUBJECT_CHARACTERISTIC = "characteristic"


def load_concepts() -> MappingProxyType[tuple[str, str], str]:
    """Return what kind of secret a concept asks for, by ``(scheme, value)`` of its name.

    `identity` names, numbers or dates somebody or something; `characteristic` is
    the body of the patient (Retain Patient Characteristics).

    Source
    ------
    PS3.16 TID 1002, 1003, 1004, 1007, 1009, 1020, 3602, 8001, 10024, 12xx.
    """
    text = (files("deid_node.metadata") / "data/content_concepts.csv").read_text("utf-8")
    return MappingProxyType(
        {(row["scheme"], row["value"]): row["kind"] for row in csv.DictReader(text.splitlines())}
    )


class ContentCleaner:
    """Cleans the content items of one instance."""

    def __init__(
        self,
        descriptors: DescriptorCleaner,
        codes: CodeCleaner,
        concepts: Mapping[tuple[str, str], str],
        *,
        keeps_characteristics: bool,
    ) -> None:
        self._descriptors = descriptors
        self._codes = codes
        self._concepts = concepts
        self._keeps_characteristics = keeps_characteristics

    def content(self, items: Sequence[Dataset], planned: Planned) -> Sequence[Dataset]:
        """Return the content items for `items`: same order, relationship and value types.

        The plan has replaced names by a dummy, UIDs and references by new ones,
        and done with dates what the options say. What it cannot see is done
        here: text keeps words of the trade (a dummy stands where none is left),
        codes are checked, and what a concept names as somebody's name, number,
        birth or body does not stay.

        Source
        ------
        PS3.15 E.3.4 (Clean Structured Content Option); PS3.3 C.17.3.
        """
        return [self._item(item, planned(item)) for item in items]

    def preparations(self, items: Sequence[Dataset], planned: Planned) -> Sequence[Dataset]:
        """Return the steps of Specimen Preparation Sequence, their content items cleaned."""
        result = []
        for item in items:
            new = planned(item)
            steps = element_at(item, _STEP_CONTENT)
            if steps is not None:
                cleaned = self.content(items_of(steps, item), planned)
                new[_STEP_CONTENT] = DataElement(_STEP_CONTENT, "SQ", Items(cleaned))
            result.append(new)
        return result

    def with_codes(self, new: Dataset) -> Dataset:
        """Return `new`, its coded entries at every depth cleaned; it may be written to.

        What stands in a Content Sequence below was cleaned on the way.
        """
        for element in list(elements_of(new)):
            if int(element.tag) != CONTENT and vr_of(element) == "SQ":
                items = [self.with_codes(item) for item in items_of(element, new)]
                new[element.tag] = DataElement(element.tag, "SQ", Items(items))
        return self._codes.clean(new) if MEANING in new else new

    def _item(self, item: Dataset, new: Dataset) -> Dataset:
        if self._is_secret(item):
            _blank(item, new)
        else:
            text = element_at(item, _TEXT_VALUE)
            cleaned = None if text is None else self._descriptors.clean(text_of(text, item))
            if cleaned is not None:
                new[_TEXT_VALUE] = DataElement(_TEXT_VALUE, "UT", cleaned)
        return self.with_codes(new)

    def _is_secret(self, item: Dataset) -> bool:
        names = element_at(item, _CONCEPT_NAME)
        if names is None:
            return False
        kinds = {self._concepts.get(code_of(name)) for name in items_of(names, item)} - {None}
        if self._keeps_characteristics:
            kinds -= {_SUBJECT_CHARACTERISTIC}
        return bool(kinds)


def _blank(item: Dataset, new: Dataset) -> None:
    """Take the value out of an item whose concept says that it is about somebody.

    The plan has put a dummy for text and names already.
    """
    if _MEASURED in new:  # type 2: a measurement without a value
        new[_MEASURED] = DataElement(_MEASURED, "SQ", Items([]))
    if _CONCEPT in new:
        new[_CONCEPT] = DataElement(_CONCEPT, "SQ", Items([dummy_code()]))
    for tag in _DATES:
        date = element_at(item, tag)
        if date is not None and tag in new:
            new[tag] = dummy(date, item)
