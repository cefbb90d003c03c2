"""Private elements that stay: those of the safe list, under the creator that the list names.

A private tag means nothing by itself: what (0019,100C) is depends on who reserved
block 10 of group 0019 at the same level. Whatever is not found in the list by
creator, group and element goes, its reservation too.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from deid_node.errors import UnsupportedObject
from deid_node.metadata.clean.cleaning import Planned, Renewed
from deid_node.metadata.clean.forms import values_of, without_tails
from deid_node.metadata.clean.patient_terms import PatientTerms
from deid_node.metadata.clean.safe_private import SafeRow
from deid_node.metadata.clean.safe_values import SafeValues, names_somebody
from deid_node.metadata.encoding.elements import Stored, elements_of, is_empty, items_of, text_of
from deid_node.metadata.plan.policy import TEXT_VRS

_CHARACTERISTICS = 0x00080300
_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF
_STRINGS: Final = TEXT_VRS | {"CS", "DS", "IS", "UI"}
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_WIDE: Final = re.compile(r"(?:[^\0]\0){2}")  # UTF-16: its first letter is not what was meant


class SafePrivateKeeper:
    """Chooses the private elements of one instance that stay: what `PrivateKeeper` promises.

    Parameters
    ----------
    original
        The whole instance; its top level gets the record of what was kept.
    rows
        The safe list.
    patient_terms
        What is hunted in safe elements.
    values
        Says what a value may say.
    keeps_uids
        UIDs stay as they are (Retain UIDs).
    """

    def __init__(
        self,
        original: Dataset,
        rows: Mapping[tuple[str, int, int], SafeRow],
        patient_terms: PatientTerms,
        values: SafeValues,
        *,
        keeps_uids: bool,
    ) -> None:
        self._original = original
        self._rows = rows
        self._patient_terms = patient_terms
        self._values = values
        self._keeps_uids = keeps_uids
        self._blocks: set[tuple[int, str]] = set()

    def kept(self, level: Dataset, planned: Planned, renewed: Renewed) -> Sequence[DataElement]:
        """Return the private elements of `level` that stay, each block reserved anew.

        Blocks keep their numbers: attributes that point at private tags still
        do. At the top level Private Data Element Characteristics Sequence
        (0008,0300) comes with them and calls every kept block safe, at whatever
        depth it lies.

        Source
        ------
        PS3.15 E.3.10 (Retain Safe Private Option); PS3.3 C.12.1.1.7 (Private Data
        Element Characteristics); PS3.5 7.8.1 (private creators).
        """
        creators: dict[tuple[int, int], str] = {}
        result: dict[int, DataElement] = {}
        for element in elements_of(level):
            group, number = int(element.tag) >> 16, int(element.tag) & 0xFFFF
            if not group & 1:
                continue
            if _FIRST_BLOCK <= number <= _LAST_BLOCK:
                creators[group, number] = text_of(element, level).strip()
                continue
            creator = creators.get((group, number >> 8), "")
            row = self._rows.get((creator, group, number & 0xFF))
            new = None if row is None else self._safe(element, level, row, planned, renewed)
            if new is not None:
                reservation = group << 16 | number >> 8
                result[reservation] = DataElement(reservation, "LO", creator)
                result[int(element.tag)] = new
                self._blocks.add((group, creator))
        if level is self._original and self._blocks:
            result[_CHARACTERISTICS] = self._record()
        return [result[tag] for tag in sorted(result)]

    def _safe(
        self, element: Stored, level: Dataset, row: SafeRow, planned: Planned, renewed: Renewed
    ) -> DataElement | None:
        """Return the element with the VR of the list; None where its value is not of that VR."""
        if element.VR not in {None, "UN", row.vr}:
            return None
        if row.vr == "SQ":
            try:
                items = [planned(item) for item in items_of(element, level)]
            except UnsupportedObject:
                # Pixels lie in it, which nobody looks at; without it the instance is whole.
                return None
            filled = [item for item in items if len(item)]
            return DataElement(element.tag, "SQ", Items(filled)) if filled else None
        if is_empty(element, row.vr):
            return DataElement(element.tag, row.vr, None)
        if row.vr in _STRINGS:
            return self._spoken(element, level, row.vr, renewed)
        number = _number(element, level, row.vr)
        return number if number is not None and self._values.is_number(number) else None

    def _spoken(
        self, element: Stored, level: Dataset, vr: str, renewed: Renewed
    ) -> DataElement | None:
        sent = text_of(element, level)
        if _WIDE.search(sent) is not None:
            return None
        # A reader in C sees nothing behind a NUL.
        text = without_tails(sent, vr).strip(" ")
        values = values_of(text, vr)
        if vr == "UI":
            values = [value.strip(" ") for value in values]
            if not all(map(_UID.fullmatch, values)):
                return None
            uids = values if self._keeps_uids else [renewed(uid) for uid in values]
            return DataElement(element.tag, "UI", uids)
        if not all(self._values.fits(value, vr) for value in values):
            return None
        named = names_somebody if vr in {"DS", "IS"} else PatientTerms.is_in
        if any(named(self._patient_terms, value) for value in (*values, text)):
            return None
        return DataElement(element.tag, vr, text)

    def _record(self) -> DataElement:
        items = []
        for group, creator in sorted(self._blocks):
            item = Dataset()
            item.PrivateGroupReference = group
            item.PrivateCreatorReference = creator
            item.BlockIdentifyingInformationStatus = "SAFE"
            items.append(item)
        return DataElement(_CHARACTERISTICS, "SQ", Items(items))


def _number(element: Stored, level: Dataset, vr: str) -> DataElement | None:
    """Return an element of a binary VR, decoded as what the list says it is."""
    if isinstance(element, DataElement):
        fits = vr == element.VR
        return DataElement(element.tag, vr, element.value) if fits else None
    raw: RawDataElement = element._replace(VR=vr)
    if element.VR == "UN":  # PS3.5 6.2.2, note 2
        raw = raw._replace(is_implicit_VR=True, is_little_endian=True)
    try:
        return convert_raw_data_element(raw, encoding=level.original_character_set or None)
    except Exception:  # noqa: BLE001  # pydicom raises of every kind, and quotes values
        return None
