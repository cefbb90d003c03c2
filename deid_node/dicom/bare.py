"""Files without what makes them Part 10 files: old archives and some exports leave it out.

Some begin with the file meta information, some with the data set. What is missing is put in
front, and nothing is guessed that the bytes do not say: how elements are encoded shows in them,
how compressed pixels are coded does not.

Source: PS3.10 7.1; PS3.5 7.1.2 (what a VR looks like).
"""

import struct
from typing import Final

from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid_node.dicom.bulk import Bulk
from deid_node.dicom.elements import Coding
from deid_node.dicom.identity import identity_of
from deid_node.dicom.part10 import spool_header
from deid_node.dicom.tag_order import Walker
from deid_node.errors import MalformedDataset, NotDicom

_PREAMBLE: Final = b"\x00" * 128 + b"DICM"
_PREFIX_AT: Final = 128
_META_GROUP, _FIRST_GROUP = 0x0002, 0x0008
_HEAD_BYTES: Final = 1 << 16


def whole(content: Bulk) -> Bulk:
    """Return `content` as a Part 10 file: itself where it is one, else with what is missing.

    Nothing is copied. What is neither a Part 10 file nor a data set from end to end comes back
    as it is, for the reader to refuse.

    Raises
    ------
    RepeatedTag
        It is a bare data set whose tags do not ascend.
    NotDicom
        It is a bare data set that does not name its object, such as those of ACR-NEMA.
    OSError
        It cannot be read.
    """
    head = content[:_HEAD_BYTES]
    if head[_PREFIX_AT : len(_PREAMBLE)] == b"DICM" or len(head) < 8:
        return content
    if _group(head, "<") == _META_GROUP:
        return _behind(_PREAMBLE, content)
    walker = Walker(content)
    coding = walker.guessed(0)
    if _group(head, coding.order) != _FIRST_GROUP:
        return content
    try:
        walker.level(0, len(content), coding, depth=0)
    except MalformedDataset:
        return content
    syntax = _syntax_of(coding)
    named = identity_of(head, syntax)
    if len(named.sop_class_uids) != 1 or len(named.sop_instance_uids) != 1:
        raise NotDicom
    (sop_class_uid,), (sop_instance_uid,) = named.sop_class_uids, named.sop_instance_uids
    header = spool_header(
        sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid, transfer_syntax=syntax
    )
    return _behind(header, content)


class _Joined:
    """A few bytes with a file behind them, to be read as one."""

    def __init__(self, front: bytes, content: Bulk) -> None:
        self._front = front
        self._content = content

    def read_at(self, place: int, size: int) -> bytes:
        """Return up to `size` bytes from `place` on."""
        if place < len(self._front):
            return self._front[place : place + size]
        start = place - len(self._front)
        return self._content[start : start + size]


def _behind(front: bytes, content: Bulk) -> Bulk:
    return Bulk(_Joined(front, content), 0, len(front) + len(content))


def _group(head: bytes, order: str) -> int:
    (group,) = struct.unpack_from(f"{order}H", head)
    return int(group)


def _syntax_of(coding: Coding) -> str:
    if coding.implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRBigEndian if coding.order == ">" else ExplicitVRLittleEndian)
