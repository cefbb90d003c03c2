"""What the beginning of a file of the spool says of the instance in it, without its dataset.

Such a file has the header of `part10.spool_header`; anything else is no file of ours.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from deid_node.dicom.study import Lineage, lineage_of
from deid_node.errors import NotDicom

HEAD_BYTES: Final = 1 << 18
"""As much of a file as is looked at: header, and the dataset as far as its study."""

_PREFIX: Final = b"\x00" * 128 + b"DICM" + struct.pack("<HH2sH", 0x0002, 0x0000, b"UL", 4)
_START: Final = len(_PREFIX) + 4
_LONG: Final = frozenset({b"OB", b"UN"})
_SOP_CLASS: Final = 0x0002
_SOP_INSTANCE: Final = 0x0003
_SYNTAX: Final = 0x0010


@dataclass(frozen=True, slots=True)
class SpooledIdentity:
    """What the header names; the SOP Instance UID is the original one."""

    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)
    transfer_syntax: str


def identity_in(head: bytes) -> SpooledIdentity:
    """Return what the header at the beginning of `head` names; raise `NotDicom` without one."""
    meta, _ = _parts(head)
    found: dict[int, str] = {}
    place = 0
    try:
        while place < len(meta):
            group, element, vr, length = struct.unpack_from("<HH2sH", meta, place)
            place += 8
            if vr in _LONG:
                (length,) = struct.unpack_from("<L", meta, place)
                place += 4
            if group == 0x0002:
                found[element] = meta[place : place + length].rstrip(b"\x00 ").decode("ascii")
            place += length
        return SpooledIdentity(found[_SOP_CLASS], found[_SOP_INSTANCE], found[_SYNTAX])
    except (struct.error, UnicodeDecodeError, KeyError):
        raise NotDicom from None


def lineage_in(head: bytes) -> Lineage:
    """Return study and series as they were sent, empty where they cannot be read."""
    try:
        syntax = identity_in(head).transfer_syntax
    except NotDicom:
        return Lineage()
    return lineage_of(_parts(head)[1], syntax)


def _parts(head: bytes) -> tuple[bytes, bytes]:
    if not head.startswith(_PREFIX) or len(head) < _START:
        raise NotDicom
    (length,) = struct.unpack_from("<L", head, len(_PREFIX))
    if len(head) < _START + length:
        raise NotDicom
    return head[_START : _START + length], head[_START + length :]
