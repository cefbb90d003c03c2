"""The plan carried out on one dataset, at every depth, into a new dataset.

What is kept is carried over as the bytes that lay in the file: nothing is
decoded and encoded again, so nothing changes and nothing can fail on the way.
"""

from collections import Counter
from collections.abc import Sequence

from pydicom.charset import default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from deid_node.dicom.part10 import DEEPEST
from deid_node.errors import MalformedDataset, UnsupportedObject
from deid_node.metadata.action import Action
from deid_node.metadata.dummies import dummy, dummy_code
from deid_node.metadata.elements import (
    Stored,
    element_at,
    elements_of,
    is_empty,
    items_of,
    text_of,
    vr_of,
)
from deid_node.metadata.plan import Plan
from deid_node.metadata.pseudonyms import Pseudonyms

_PATIENT_ID = 0x00100020
_CODE_MEANING = 0x00080104
_PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)

# A list of UIDs may run to thousands (RT); each is replaced by itself.
_SEPARATOR = "\\"


class Walk:
    """One pass over one dataset; counts what it does by the letters of PS3.15."""

    def __init__(self, plan: Plan, pseudonyms: Pseudonyms) -> None:
        self._plan = plan
        self._pseudonyms = pseudonyms
        self._depth = 0
        self._asked: dict[tuple[int, str], Action] = {}
        self.counts: Counter[str] = Counter()

    def over(self, dataset: Dataset) -> Dataset:
        """Return a new dataset: the plan applied to `dataset`, which is not written to.

        Raises
        ------
        UnknownElement
            An element cannot be judged.
        UnknownSubject
            The subject table does not name a patient.
        MalformedDataset
            A sequence cannot be taken apart, or is nested beyond any use.
        UnsupportedObject
            There are pixels inside a sequence that the plan keeps: nobody looks at
            those for text (icons are removed).

        Source
        ------
        PS3.15 E.1.1 (de-identifier), E.2.
        """
        return self._level(dataset)

    def _item(self, dataset: Dataset) -> Dataset:
        if any(tag in dataset for tag in _PIXELS):
            raise UnsupportedObject("pixels inside a sequence are not looked at")
        if self._depth == DEEPEST:
            raise MalformedDataset(f"sequences are nested more than {DEEPEST} deep")
        self._depth += 1
        result = self._level(dataset)
        self._depth -= 1
        return result

    def _level(self, dataset: Dataset) -> Dataset:
        charset = dataset.original_character_set
        # The writer carries bytes over only where it sees the character set unchanged.
        result = Dataset(parent_encoding=charset or default_encoding)
        elements = list(elements_of(dataset))
        implicit, little = _encoding(elements, dataset)
        result.set_original_encoding(implicit, little, charset)
        for element in elements:
            new = self._element(element, dataset)
            if new is not None:
                result[new.tag] = new
        return result

    def _element(self, element: Stored, parent: Dataset) -> Stored | None:
        if element.VR is None and not element.is_implicit_VR:
            raise MalformedDataset("an element has no VR where VRs are explicit")
        vr = vr_of(element)
        action = self._action(int(element.tag), vr)
        self.counts[action.letter] += 1
        if action is Action.REMOVE:
            return None
        if vr == "SQ":
            return self._sequence(element, parent, action)
        if action is Action.KEEP:
            return element if isinstance(element, RawDataElement) else _same(element)
        if action is Action.EMPTY or is_empty(element):
            return DataElement(element.tag, vr, None)
        return self._replaced(element, parent, action, vr)

    def _action(self, tag: int, vr: str) -> Action:
        # A multi-frame object asks the same thousands of times.
        action = self._asked.get((tag, vr))
        if action is None:
            action = self._asked[tag, vr] = self._plan.judge(tag, vr).action
        return action

    def _replaced(self, element: Stored, parent: Dataset, action: Action, vr: str) -> Stored | None:
        if action is Action.DUMMY and vr != "UI":
            return dummy(element, parent)
        original = text_of(element, parent)
        if action is Action.REPLACE_UID or vr == "UI":
            return DataElement(element.tag, "UI", self._uids(original))
        if action is Action.PATIENT_NAME:
            return DataElement(element.tag, vr, self._name(parent))
        if action is Action.PATIENT_ID:
            return DataElement(element.tag, vr, self._pseudonyms.patient_id(original))
        if action is Action.ACCESSION_NUMBER:
            return DataElement(element.tag, vr, self._pseudonyms.accession_number(original))
        return DataElement(element.tag, vr, self._pseudonyms.study_id(original))

    def _uids(self, original: str) -> list[str]:
        return [
            self._pseudonyms.uid(uid.strip("\0 ")) if uid.strip("\0 ") else ""
            for uid in original.split(_SEPARATOR)
        ]

    def _name(self, level: Dataset) -> str | None:
        """Return the pseudonym of the patient whose id stands at the same level, if one does."""
        patient_id = element_at(level, _PATIENT_ID)
        if patient_id is None or is_empty(patient_id):
            return None
        return self._pseudonyms.patient_id(text_of(patient_id, level))

    def _sequence(self, element: Stored, parent: Dataset, action: Action) -> DataElement:
        items: list[Dataset] = []
        if action is not Action.EMPTY:
            for item in items_of(element, parent):
                # A code that the table wants replaced names a person or a place by itself.
                is_code = action is Action.DUMMY and _CODE_MEANING in item
                items.append(dummy_code() if is_code else self._item(item))
        return DataElement(element.tag, "SQ", Items(items))


def _encoding(elements: Sequence[Stored], dataset: Dataset) -> tuple[bool | None, bool | None]:
    """Return (implicit VR, little endian) as the bytes are, whatever the transfer syntax says.

    The writer carries bytes over where they fit what is written, and encodes
    them anew where they do not.
    """
    for element in elements:
        if isinstance(element, RawDataElement):
            return element.is_implicit_VR, element.is_little_endian
    implicit, little = dataset.original_encoding
    return implicit, little


def _same(element: DataElement) -> DataElement:
    """Return an element of our own around the same value, which is not copied."""
    return DataElement(
        element.tag,
        element.VR,
        element.value,
        is_undefined_length=element.is_undefined_length,
        already_converted=True,
    )
