"""The File Meta Information of a Part 10 file that is still on its way.

It is read from the first bytes alone, before the dataset has come; nothing but the three
names in it is looked at. It is small: what goes on and on without a dataset is refused.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from pydicom.uid import DeflatedExplicitVRLittleEndian

from deid_node.dicom.elements import LONG_VRS
from deid_node.errors import DatasetUnreadable

LARGEST_BYTES: Final = 1 << 16
"""Preamble and File Meta Information together: some hundred bytes are usual."""

_PREFIX: Final = slice(128, 132)
_GROUP: Final = 0x0002
_LENGTH_OF_GROUP, _SOP_CLASS, _SOP_INSTANCE, _SYNTAX = 0x0000, 0x0002, 0x0003, 0x0010
_LONG: Final = frozenset(vr.encode("ascii") for vr in LONG_VRS)
_SHORT_HEADER: Final = struct.Struct("<HH2sH")
_LONG_HEADER: Final = struct.Struct("<HH2sxxL")
_ELEMENT_GROUP: Final = struct.Struct("<H")
_NUMBER: Final = struct.Struct("<L")


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What the file says that it holds; the dataset begins after so many bytes."""

    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)
    transfer_syntax: str
    length_bytes: int


def file_meta_in(head: bytes | bytearray) -> FileMeta | None:
    """Return the File Meta Information at the beginning of `head`, None where more must come.

    Raises
    ------
    DatasetUnreadable
        It is no Part 10 file, its File Meta Information makes no sense, names no object or
        no transfer syntax, or is longer than `LARGEST_BYTES`.

    Source
    ------
    PS3.10 section 7.1.
    """
    if len(head) >= _PREFIX.stop and bytes(head[_PREFIX]) != b"DICM":
        raise DatasetUnreadable("it is no DICOM file: it has no preamble and prefix")
    found: dict[int, bytes] = {}
    place = _PREFIX.stop
    while not _ends_at(place, head, found):
        element = _element_at(place, head)
        if element is None:
            return None
        number, start, place = element
        found[number] = bytes(head[start:place])
    return _named(found, place)


def _element_at(place: int, head: bytes | bytearray) -> tuple[int, int, int] | None:
    """Return number, begin and end of the value of an element, None where more must come."""
    start = place + _SHORT_HEADER.size
    if start > len(head):
        return None
    _, number, vr, length = _SHORT_HEADER.unpack_from(head, place)
    if vr in _LONG:
        start = place + _LONG_HEADER.size
        if start > len(head):
            return None
        length = _LONG_HEADER.unpack_from(head, place)[3]
    elif not b"AA" <= vr <= b"ZZ":
        raise DatasetUnreadable("its File Meta Information is not Explicit VR Little Endian")
    if start + length > LARGEST_BYTES:
        raise DatasetUnreadable("its File Meta Information is too long")
    return None if start + length > len(head) else (number, start, start + length)


def _ends_at(place: int, head: bytes | bytearray, found: dict[int, bytes]) -> bool:
    """Return whether the dataset begins there: by the group of what follows.

    Where the dataset is deflated anything may follow, and the length that the group has
    given counts. Elsewhere that length is often wrong.
    """
    if place + _ELEMENT_GROUP.size <= len(head) and (
        _ELEMENT_GROUP.unpack_from(head, place)[0] != _GROUP
    ):
        return True
    length = found.get(_LENGTH_OF_GROUP, b"")
    if len(length) != _NUMBER.size or _uid(found, _SYNTAX) != DeflatedExplicitVRLittleEndian:
        return False
    # The element of the length itself does not count.
    counted_from = _PREFIX.stop + _SHORT_HEADER.size + _NUMBER.size
    return bool(place == counted_from + _NUMBER.unpack(length)[0])


def _named(found: dict[int, bytes], length_bytes: int) -> FileMeta:
    meta = FileMeta(
        _uid(found, _SOP_CLASS), _uid(found, _SOP_INSTANCE), _uid(found, _SYNTAX), length_bytes
    )
    if not (meta.sop_class_uid and meta.sop_instance_uid and meta.transfer_syntax):
        raise DatasetUnreadable("its File Meta Information names no object or transfer syntax")
    return meta


def _uid(found: dict[int, bytes], number: int) -> str:
    try:
        return found.get(number, b"").decode("ascii").strip("\x00 ")
    except UnicodeDecodeError:
        raise DatasetUnreadable("a UID of its File Meta Information is not ASCII") from None
