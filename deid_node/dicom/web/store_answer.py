"""The answer to STOW-RS: which instances were stored, and which were not and why.

Only what is asked of it is read, whatever else stands beside: archives put their own
elements into it, and an answer that was understood must not count as none because of
one of them. What is not read as the Standard writes it is no answer at all.

Source: PS3.18 10.5.3, I.2; PS3.18 F.2 (JSON); PS3.19 A.1 (XML).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from pydicom import Dataset
from pydicom.sequence import Sequence as Items

DICOM_JSON: Final = "application/dicom+json"
DICOM_XML: Final = "application/dicom+xml"

_NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_REFERENCED: Final = "00081199"
_FAILED: Final = "00081198"
_CLASS: Final = "00081150"
_INSTANCE: Final = "00081155"
_WARNING: Final = "00081196"
_REASON: Final = "00081197"
_OTHERS: Final = "0008119A"
_KEYWORDS: Final = MappingProxyType(
    {
        "00081190": ("RetrieveURL", "UR"),
        _CLASS: ("ReferencedSOPClassUID", "UI"),
        _INSTANCE: ("ReferencedSOPInstanceUID", "UI"),
        _WARNING: ("WarningReason", "US"),
        _REASON: ("FailureReason", "US"),
        _FAILED: ("FailedSOPSequence", "SQ"),
        _REFERENCED: ("ReferencedSOPSequence", "SQ"),
        _OTHERS: ("OtherFailuresSequence", "SQ"),
    }
)
_SEQUENCES: Final = frozenset({_REFERENCED, _FAILED, _OTHERS})
_NUMBER: Final = re.compile(r"[0-9]{1,5}")


class AnswerUnreadable(Exception):
    """The content is no answer of the Store Transaction; the text names no value."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An instance that the origin server has; `warning` is the Warning Reason, if it has any."""

    sop_class_uid: str = field(repr=False)
    sop_instance_uid: str = field(repr=False)
    warning: int | None = None
    retrieve_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotStored:
    """An instance that the origin server did not store; `reason` is None where it says none."""

    sop_class_uid: str = field(repr=False)
    sop_instance_uid: str = field(repr=False)
    reason: int | None = None


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """The sequences of a Store Instances Response Module, in the order they have there.

    `others` are the reasons of failures that have no instance's name: what could not be read.
    """

    stored: tuple[Stored, ...] = ()
    failed: tuple[NotStored, ...] = ()
    retrieve_url: str | None = field(default=None, repr=False)
    others: tuple[int, ...] = ()


def answer_in(content: bytes) -> StoreAnswer:
    """Return the answer in `content`, which is JSON or XML, as its beginning says.

    No media type is asked for: servers get it wrong, or leave it out.

    Raises
    ------
    AnswerUnreadable
        It is empty, cut, or something else.
    """
    begin = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if begin in {b"{", b"["}:
        return _joined(_json_models(content))
    if begin == b"<":
        return _joined([_xml_model(content)])
    raise AnswerUnreadable("the answer is neither JSON nor XML")


def json_of(answer: StoreAnswer) -> bytes:
    """Return `answer` in the DICOM JSON Model."""
    return json.dumps(_dataset(answer).to_json_dict()).encode()


def xml_of(answer: StoreAnswer) -> bytes:
    """Return `answer` in the Native DICOM Model."""
    # Only written with here: see `_xml_model` for what is read.
    from xml.etree.ElementTree import Element, tostring

    root = Element("NativeDicomModel", {"xmlns": _NAMESPACE, "xml:space": "preserve"})
    _add_elements(root, _dataset(answer))
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _dataset(answer: StoreAnswer) -> Dataset:
    dataset = Dataset()
    if answer.retrieve_url is not None:
        dataset.RetrieveURL = answer.retrieve_url
    stored, failed = [], []
    for one in answer.stored:
        item = _item(one)
        if one.retrieve_url is not None:
            item.RetrieveURL = one.retrieve_url
        if one.warning is not None:
            item.WarningReason = one.warning
        stored.append(item)
    for other in answer.failed:
        item = _item(other)
        if other.reason is not None:
            item.FailureReason = other.reason
        failed.append(item)
    # PS3.18 Table I.2-1: each is there where it has an item.
    if stored:
        dataset.ReferencedSOPSequence = Items(stored)
    if failed:
        dataset.FailedSOPSequence = Items(failed)
    if answer.others:
        dataset.OtherFailuresSequence = Items([_failure(reason) for reason in answer.others])
    return dataset


def _failure(reason: int) -> Dataset:
    item = Dataset()
    item.FailureReason = reason
    return item


def _item(one: Stored | NotStored) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = one.sop_class_uid
    item.ReferencedSOPInstanceUID = one.sop_instance_uid
    return item


def _add_elements(parent: Any, dataset: Dataset) -> None:
    from xml.etree.ElementTree import SubElement

    for element in dataset:
        tag = f"{element.tag:08X}"
        keyword, vr = _KEYWORDS[tag]
        attribute = SubElement(parent, "DicomAttribute", {"tag": tag, "vr": vr, "keyword": keyword})
        if vr == "SQ":
            for number, item in enumerate(element.value, 1):
                _add_elements(SubElement(attribute, "Item", number=str(number)), item)
        elif element.value != "":
            SubElement(attribute, "Value", number="1").text = str(element.value)


# Reading: either form becomes one model of values by tag, with a list of such models where a
# sequence is.

_Model = dict[str, Any]


def _joined(models: Sequence[_Model]) -> StoreAnswer:
    """Return the answer that is in one model, or in several: some servers give one a study."""
    stored = [
        Stored(
            _text(item, _CLASS),
            _uid(item),
            _number(item, _WARNING),
            _text(item, "00081190") or None,
        )
        for item in _items(models, _REFERENCED)
    ]
    failed = [
        NotStored(_text(item, _CLASS), _uid(item), _number(item, _REASON))
        for item in _items(models, _FAILED)
    ]
    urls = [url for model in models if (url := _text(model, "00081190"))]
    others = [
        reason for item in _items(models, _OTHERS) if (reason := _number(item, _REASON)) is not None
    ]
    return StoreAnswer(
        tuple(stored), tuple(failed), urls[0] if len(urls) == 1 else None, tuple(others)
    )


def _items(models: Sequence[_Model], tag: str) -> Iterator[_Model]:
    for model in models:
        yield from model.get(tag, ())


def _uid(item: _Model) -> str:
    # Padded as in a file by some (PS3.5 section 9.1).
    return _text(item, _INSTANCE).rstrip("\0 ")


def _text(item: _Model, tag: str) -> str:
    value = item.get(tag)
    return value.strip() if isinstance(value, str) else ""


def _number(item: _Model, tag: str) -> int | None:
    value = _text(item, tag)
    return int(value) if _NUMBER.fullmatch(value) else None


def _json_models(content: bytes) -> Sequence[_Model]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise AnswerUnreadable("the answer is not whole JSON") from None
    datasets = found if isinstance(found, list) else [found]
    return [_json_model(one) for one in datasets]


def _json_model(found: Any) -> _Model:
    if not isinstance(found, dict):
        raise AnswerUnreadable("the answer is no DICOM JSON Model")
    model: _Model = {}
    for tag in _KEYWORDS:
        # The keys are in capitals (PS3.18 F.2.2), and these have no letters.
        element = found.get(tag)
        if not isinstance(element, dict):
            continue
        values = element.get("Value")
        if not isinstance(values, list) or not values:
            continue
        if tag in _SEQUENCES:
            model[tag] = [_json_model(item) for item in values if item is not None]
        else:
            model[tag] = str(values[0])
    return model


def _xml_model(content: bytes) -> _Model:
    # Entities are what makes XML from outside dangerous, and no answer has any.
    from xml.etree.ElementTree import ParseError, fromstring

    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise AnswerUnreadable("the answer is XML of a kind that is not read")
    try:
        root = fromstring(content)  # noqa: S314 - no entities, see above
    except (ParseError, ValueError, LookupError):
        raise AnswerUnreadable("the answer is not whole XML") from None
    if root.tag.rpartition("}")[2] != "NativeDicomModel":
        raise AnswerUnreadable("the answer is no Native DICOM Model")
    return _xml_items(root)


def _xml_items(parent: Any) -> _Model:
    model: _Model = {}
    for attribute in parent.iterfind("{*}DicomAttribute"):
        tag = attribute.get("tag", "").upper()
        if tag in _SEQUENCES:
            model[tag] = [_xml_items(item) for item in attribute.iterfind("{*}Item")]
        elif tag in _KEYWORDS:
            model[tag] = attribute.findtext("{*}Value", "")
    return model
