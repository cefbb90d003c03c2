"""Coded entries with nothing in them but codes.

A code is a fact of its terminology; its meaning is a text that somebody wrote
beside it, and a local code may be a word of its own. So a meaning is checked
against the terminology, and a local code stays only if it speaks of the trade.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final, cast

from pydicom.dataset import Dataset
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

from deid_node.metadata.clean.descriptors import DescriptorCleaner
from deid_node.metadata.clean.patient_terms import PatientTerms
from deid_node.metadata.clean.ucum import is_unit
from deid_node.metadata.encoding.dummies import TEXT, dummy_code
from deid_node.metadata.encoding.elements import element_at, text_of

CODE_VALUE = 0x00080100
SCHEME = 0x00080102
MEANING = 0x00080104
_LONG_VALUE = 0x00080119
_URN_VALUE = 0x00080120
_VALUES = (CODE_VALUE, _LONG_VALUE, _URN_VALUE)
_LONGEST_VALUE = 18  # an SCT concept; nothing that is read from a terminology here is longer

# PS3.16 section 8: schemes that are published. A designator that begins with 99 is private.
_MORE_SCHEMES: Final = frozenset({"C4", "I9", "I9C", "I10P", "ICDO3", "SNM3", "SRT"})
_UNITS: Final = "UCUM"
_OLD_SNOMED: Final = ("SRT", "SNM3", "99SDM")
_SCHEMES: Final = frozenset(concepts) | _MORE_SCHEMES


@cache
def _meanings() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the meanings of each code by ``(scheme, value)``, the shortest first."""
    names = cast("Mapping[str, Mapping[str, Mapping[str, tuple[str, Sequence[int]]]]]", concepts)
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for scheme, concept in names.items():
        for codes in concept.values():
            for value, (meaning, _) in codes.items():
                found[scheme, value].add(meaning)
    # What SNOMED was before it had numbers.
    for old, new in mapping["SRT"].items():
        for scheme in _OLD_SNOMED:
            found[scheme, old] |= found.get(("SCT", new), set())
    return MappingProxyType(
        {code: tuple(sorted(some, key=lambda text: (len(text), text)))
         for code, some in found.items() if some}
    )  # fmt: skip


def known_meanings(scheme: str, value: str) -> tuple[str, ...]:
    """Return what its terminology calls the code, the shortest first; none where none has it.

    A unit means itself, whatever else it is called.

    Source
    ------
    PS3.16 (context groups, Annex D); UCUM for units.
    """
    known = _meanings().get((scheme, value), ())
    return (*known, value) if scheme == _UNITS and is_unit(value) else known


def code_of(item: Dataset) -> tuple[str, str]:
    """Return ``(scheme, value)`` of a coded entry; empty where it has none."""
    value = next(filter(None, (_text(item, tag) for tag in _VALUES)), "")
    return _text(item, SCHEME), value


class CodeCleaner:
    """Cleans the coded entries of one instance."""

    def __init__(self, descriptors: DescriptorCleaner, patient_terms: PatientTerms) -> None:
        self._descriptors = descriptors
        self._patient_terms = patient_terms

    def clean(self, item: Dataset) -> Dataset:
        """Return the coded entry for `item`, which the plan was applied to and may be written to.

        A code that a terminology knows stays. Its meaning does as well where it is
        that of the terminology or wholly consists of known words; else the
        terminology's comes back. Another code of a published scheme keeps its
        value, and its meaning as a whole or not at all: words taken out of one
        would say something else. A code of any other scheme stays only if its
        whole meaning does; else a dummy code comes back.

        Source
        ------
        PS3.3 8.8 (Code Sequence Macro); PS3.16 8 (coding schemes).
        """
        scheme, value = code_of(item)
        meaning = _text(item, MEANING)
        known = known_meanings(scheme, value)
        if meaning.casefold() in {one.casefold() for one in known}:
            return item
        if not known and not self._may_stay(value):
            return dummy_code()
        # The plan has put a dummy where a meaning was free text.
        if meaning != TEXT and self._descriptors.says_all(meaning):
            return item
        if not known and scheme not in _SCHEMES:
            return dummy_code()
        item.CodeMeaning = known[0] if known else TEXT
        return item

    def _may_stay(self, value: str) -> bool:
        """Return whether a code that no terminology has may be one, and is nobody's number."""
        return 0 < len(value) <= _LONGEST_VALUE and not self._patient_terms.is_in(value)


def _text(item: Dataset, tag: int) -> str:
    element = element_at(item, tag)
    return "" if element is None else text_of(element, item)
