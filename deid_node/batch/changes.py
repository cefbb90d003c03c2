"""What cleaning changed in a header, attribute by attribute: what was done, not what was planned.

Both data sets are compared as they lie in their files. Attributes are named, their values are
told only where a person who sits before them asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset

from deid_node.dicom.bulk import Bulk, pieces
from deid_node.metadata.encoding.elements import (
    Stored,
    element_at,
    elements_of,
    is_empty,
    items_of,
    text_of,
    vr_of,
)

_LONGEST_TEXT: Final = 60
_BYTES: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


class Action(StrEnum):
    """What became of an attribute; one that was kept is not told of."""

    REMOVED = "removed"
    EMPTIED = "emptied"
    REPLACED = "replaced"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute at one place.

    `attribute` is its keyword, or its tag where it has none, behind those of the sequences that
    it stands in. `before` and `after` are its values as text, where they were asked for.
    """

    attribute: str
    tag: str
    action: Action
    before: str = field(default="", repr=False)
    after: str = field(default="", repr=False)


def changes(before: Dataset, after: Dataset, *, values: bool = False) -> tuple[Change, ...]:
    """Return what differs between an instance as it came and as it leaves, in order of tags.

    Items are compared one by one in their order. `values` asks for texts, too. Raises
    `MalformedDataset` where the items of a sequence cannot be taken apart.
    """
    return tuple(_of_level(before, after, "", values=values))


def _of_level(before: Dataset, after: Dataset, path: str, *, values: bool) -> Iterator[Change]:
    tags = {int(element.tag) for one in (before, after) for element in elements_of(one)}
    # The length of a group tells of the file and not of the instance.
    for tag in sorted(tag for tag in tags if tag & 0xFFFF):
        old, new = element_at(before, tag), element_at(after, tag)
        name = path + (keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})")
        action = _action(old, new)
        if action is None and old is not None and new is not None and vr_of(old) == "SQ":
            olds, news = items_of(old, before), items_of(new, after)
            for one, other in zip(olds, news, strict=False):
                yield from _of_level(one, other, f"{name}/", values=values)
            action = None if len(olds) == len(news) else Action.REPLACED
        elif action is None and old is not None and new is not None:
            action = None if _is_same(old, new, before, after) else Action.REPLACED
        if action is not None:
            texts = (_text(old, before), _text(new, after)) if values else ("", "")
            yield Change(name, f"{tag:08X}", action, *texts)


def _action(old: Stored | None, new: Stored | None) -> Action | None:
    """Return what can be said without the values; None where both are there."""
    if old is None:
        return Action.ADDED
    if new is None:
        return Action.REMOVED
    return Action.EMPTIED if is_empty(new) and not is_empty(old) else None


def _is_same(old: Stored, new: Stored, before: Dataset, after: Dataset) -> bool:
    if isinstance(old, RawDataElement) is not isinstance(new, RawDataElement):
        # Reading the file has decoded one of them, as it does to learn how pixels are stored.
        return text_of(_decoded(old, before), before) == text_of(_decoded(new, after), after)
    one, other = old.value, new.value
    if isinstance(one, Bulk) or isinstance(other, Bulk):
        return (
            isinstance(one, Bulk)
            and isinstance(other, Bulk)
            and len(one) == len(other)
            and all(bytes(a) == bytes(b) for a, b in zip(pieces(one), pieces(other), strict=True))
        )
    return bool(one == other)


def _decoded(element: Stored, parent: Dataset) -> DataElement:
    if isinstance(element, DataElement):
        return element
    return convert_raw_data_element(element, encoding=parent.original_character_set, ds=parent)


def _text(element: Stored | None, parent: Dataset) -> str:
    """Return a value in one printable line, cut; nothing of what is no text."""
    if element is None:
        return ""
    vr = vr_of(element)
    if vr == "SQ":
        return "(items)"
    if vr in _BYTES or isinstance(element.value, Bulk):
        return "(bytes)"
    text = " ".join(text_of(element, parent).split())
    printable = "".join(one if one.isprintable() else "?" for one in text)
    return printable if len(printable) <= _LONGEST_TEXT else f"{printable[:_LONGEST_TEXT]}..."
