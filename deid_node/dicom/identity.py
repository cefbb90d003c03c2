"""Which object a data set is and whose, told by its first elements alone.

The command, the file meta information, the data set and the journal each name an
object. Where they differ, an archive could file one instance under the name of
another.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from deid_node.dicom.elements import LONG_VRS, UNDEFINED, coding_of
from deid_node.dicom.tag_order import Walker
from deid_node.errors import DatasetMismatch, DatasetUnreadable, MalformedDataset

_CHARACTER_SET: Final = 0x00080005
_SOP_CLASS_UID: Final = 0x00080016
_SOP_INSTANCE_UID: Final = 0x00080018
_ACCESSION_NUMBER: Final = 0x00080050
_PATIENT_ID: Final = 0x00100020
_STUDY_UID: Final = 0x0020000D
_SERIES_UID: Final = 0x0020000E
_LOOKED_AT: Final = frozenset(
    (
        *(_CHARACTER_SET, _SOP_CLASS_UID, _SOP_INSTANCE_UID, _ACCESSION_NUMBER),
        *(_PATIENT_ID, _STUDY_UID, _SERIES_UID),
    )
)
_INFLATED_BYTES: Final = 1 << 20
_LONGEST_UID_BYTES: Final = 128
"""Twice what the Standard allows: what is longer names nothing."""
_LONG: Final = frozenset(vr.encode("ascii") for vr in LONG_VRS)
_EXPLICIT: Final = struct.Struct("<HH2sH")
_IMPLICIT: Final = struct.Struct("<HHL")
_LENGTH: Final = struct.Struct("<L")
_LONGEST_HEADER_BYTES: Final = 12
_ITEMS: Final = 0xFFFE
_ESCAPE: Final = b"\x1b"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a data set says that it is, as it was sent; empty where it does not say so.

    It may name two objects, and is then withheld later, for a person to see.
    """

    sop_class_uids: frozenset[str] = frozenset()
    sop_instance_uids: frozenset[str] = field(default=frozenset(), repr=False)
    study_instance_uid: str = field(default="", repr=False)
    series_instance_uid: str = field(default="", repr=False)
    patient_id: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)


def identity_of(head: bytes, transfer_syntax: str) -> Identity:
    """Return which object the beginning `head` of a data set names, and whose it is.

    Nothing behind (0020,000E) is looked at, but for a UID of the object that has not been
    found by then. What has been found holds; where the data set breaks off is looked at later.
    """
    named: dict[int, set[str]] = {_SOP_CLASS_UID: set(), _SOP_INSTANCE_UID: set()}
    others: dict[int, bytes] = {}
    is_named = False
    try:
        for tag, value in _beginning(head, transfer_syntax):
            is_named = is_named or (tag > _SOP_INSTANCE_UID and all(named.values()))
            if is_named and tag > _SERIES_UID:
                break
            if tag in named:
                if not is_named:
                    named[tag] |= {value.decode("ascii").strip("\x00 ")} - {""}
            elif value:
                others[tag] = value
    except (MalformedDataset, UnicodeDecodeError, zlib.error):
        pass
    return Identity(
        frozenset(named[_SOP_CLASS_UID]),
        frozenset(named[_SOP_INSTANCE_UID]),
        _uid_in(others.get(_STUDY_UID, b"")),
        _uid_in(others.get(_SERIES_UID, b"")),
        _text(others.get(_PATIENT_ID, b""), others.get(_CHARACTER_SET, b"")),
        _text(others.get(_ACCESSION_NUMBER, b""), others.get(_CHARACTER_SET, b"")),
    )


def require_named(identity: Identity, *, sop_class_uid: str, sop_instance_uid: str) -> None:
    """Check that a data set of `identity` is the object that its sender names.

    One that names two objects is taken where the sender names either of them.

    Raises
    ------
    DatasetMismatch
        It is another object (PS3.4 B.2.3, status A900).
    DatasetUnreadable
        The first elements cannot be parsed, or name no object (status C000).
    """
    classes, instances = identity.sop_class_uids, identity.sop_instance_uids
    if not classes or not instances:
        raise DatasetUnreadable("the dataset names no SOP Class or SOP Instance UID")
    if sop_class_uid not in classes or sop_instance_uid not in instances:
        raise DatasetMismatch("the dataset is not the object that the command names")


def require_one_identity(dataset: Dataset, *, sop_instance_uid: str) -> None:
    """Check that `dataset` and its file meta information name one object, `sop_instance_uid`.

    Raises
    ------
    MalformedDataset
        One of them names another, or none.
    """
    meta = dataset.file_meta
    if {_uid(dataset, "SOPInstanceUID"), _uid(meta, "MediaStorageSOPInstanceUID")} != {
        sop_instance_uid
    }:
        raise MalformedDataset("SOPInstanceUID is not that of the command and the file")
    sop_class_uid = _uid(dataset, "SOPClassUID")
    if sop_class_uid is None or sop_class_uid != _uid(meta, "MediaStorageSOPClassUID"):
        raise MalformedDataset("SOPClassUID is not that of the command and the file")


def _beginning(content: bytes, transfer_syntax: str) -> Iterator[tuple[int, bytes]]:
    """Yield the tag of each element, and its value where it is one of an `Identity`.

    Values are stepped over, sequences of a known length too: every instance that comes is
    looked at, and most of them have a hundred elements before its series. What is not
    plain is left to the walker. Raises `MalformedDataset`.
    """
    if transfer_syntax == DeflatedExplicitVRLittleEndian:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, _INFLATED_BYTES)
    walker = Walker(content, tolerant=True)
    coding = walker.coding_in_fact(coding_of(transfer_syntax))
    is_little, implicit = coding.order == "<", coding.implicit
    place, size = 0, len(content)
    while place < size:
        length = UNDEFINED
        start = tag = 0
        if is_little and place + _LONGEST_HEADER_BYTES <= size:
            if implicit:
                group, number, length = _IMPLICIT.unpack_from(content, place)
                start = place + _IMPLICIT.size
            else:
                group, number, vr, length = _EXPLICIT.unpack_from(content, place)
                start = place + _EXPLICIT.size
                if vr in _LONG:
                    (length,) = _LENGTH.unpack_from(content, start)
                    start += _LENGTH.size
                elif not b"AA" <= vr <= b"ZZ":
                    length = UNDEFINED
            if group == _ITEMS:
                length = UNDEFINED
            tag = group << 16 | number
        if length == UNDEFINED or start + length > size:
            element = walker.element(place, size, coding, depth=0)
            tag, start, place = element.tag, element.start, element.stop
        else:
            place = start + length
        yield tag, content[start:place] if tag in _LOOKED_AT else b""


def _uid_in(value: bytes) -> str:
    """Return the UID that a value is; empty where it can be none."""
    if len(value) > _LONGEST_UID_BYTES or not value.isascii():
        return ""
    return value.decode("ascii").strip("\x00 ")


def _text(value: bytes, character_set: bytes) -> str:
    """Return the text of a value; empty where it is none."""
    try:
        if value.isascii() and _ESCAPE not in value:
            text = value.decode("ascii")
        else:
            names = [one.strip() for one in character_set.decode("ascii").split("\\")]
            text = decode_bytes(value, convert_encodings(names), set())
    # Anything may come out of a broken character set; the worker will say what is wrong with it.
    except Exception:  # noqa: BLE001
        return ""
    return text.strip("\x00 ")


def _uid(dataset: Dataset, keyword: str) -> str | None:
    if keyword not in dataset:
        return None
    return str(dataset[keyword].value or "").strip("\x00 ") or None
