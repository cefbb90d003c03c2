"""Coded entries with nothing in them but codes.

A code is a fact of its terminology; its meaning is a text that somebody wrote
beside it, and a local code may be a word of its own. So a meaning is checked
against the terminology, and a local code stays only if it speaks of the trade.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final, cast

from pydicom.dataset import Dataset
from pydicom.sr._concepts_dict import concepts

from deid_node.metadata.descriptors import DescriptorCleaner
from deid_node.metadata.dummies import TEXT, dummy_code
from deid_node.metadata.elements import element_at, text_of
from deid_node.metadata.hunt import Quarry

CODE_VALUE = 0x00080100
SCHEME = 0x00080102
MEANING = 0x00080104
_LONG_VALUE = 0x00080119
_URN_VALUE = 0x00080120
_VALUES = (CODE_VALUE, _LONG_VALUE, _URN_VALUE)
_LONGEST_VALUE = 18  # an SCT concept; nothing that is read from a terminology here is longer

# PS3.16 section 8: schemes that are published. A designator that begins with 99 is private.
_MORE_SCHEMES: Final = frozenset({"C4", "I9", "I9C", "I10P", "ICDO3", "SNM3", "SRT"})
_SCHEMES: Final = frozenset(concepts) | _MORE_SCHEMES


@cache
def _meanings() -> Mapping[tuple[str, str], str]:
    """Return the meaning of each code by ``(scheme, value)``; of several, the shortest."""
    names = cast("Mapping[str, Mapping[str, Mapping[str, tuple[str, Sequence[int]]]]]", concepts)
    result: dict[tuple[str, str], str] = {}
    for scheme, concept in names.items():
        for codes in concept.values():
            for value, (meaning, _) in codes.items():
                known = result.setdefault((scheme, value), meaning)
                result[scheme, value] = min(known, meaning, key=len)
    return MappingProxyType(result)


def code_of(item: Dataset) -> tuple[str, str]:
    """Return ``(scheme, value)`` of a coded entry; empty where it has none."""
    value = next(filter(None, (_text(item, tag) for tag in _VALUES)), "")
    return _text(item, SCHEME), value


class CodeCleaner:
    """Cleans the coded entries of one instance."""

    def __init__(self, descriptors: DescriptorCleaner, quarry: Quarry) -> None:
        self._descriptors = descriptors
        self._quarry = quarry

    def clean(self, item: Dataset) -> Dataset:
        """Return the coded entry for `item`, which the plan was applied to and may be written to.

        The meaning of a code that a terminology knows becomes that of the
        terminology where the text differs and does not wholly consist of known
        words. Another code of a published scheme keeps its value and what is
        left of its meaning. A code of any other scheme stays only if its whole
        meaning does; else a dummy code comes back.

        Source
        ------
        PS3.3 8.8 (Code Sequence Macro); PS3.16 8 (coding schemes).
        """
        scheme, value = code_of(item)
        meaning = _text(item, MEANING)
        known = _meanings().get((scheme, value))
        if known is not None and meaning.casefold() == known.casefold():
            return item
        if not value or len(value) > _LONGEST_VALUE or self._quarry.is_in(value):
            return dummy_code()
        if known is None and scheme in _SCHEMES:
            known = self._descriptors.clean(meaning) or TEXT
        # The plan has put a dummy where a meaning was free text.
        if meaning != TEXT and self._descriptors.says_all(meaning):
            return item
        if known is None:
            return dummy_code()
        item.CodeMeaning = known
        return item


def _text(item: Dataset, tag: int) -> str:
    element = element_at(item, tag)
    return "" if element is None else text_of(element, item)
