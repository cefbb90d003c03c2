"""The bytes of the DICOM upper layer that a sender speaks (PS3.8 section 9.3).

Only what a C-STORE user needs: it asks for an association, sends data, reads
short answers, releases. Everything read here comes from outside: lengths are
checked before they are used, and what does not fit raises `ProtocolError`.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum


class ProtocolError(Exception):
    """The other side does not speak the protocol; the association must be aborted."""


class PduType(IntEnum):
    """First byte of a PDU."""

    ASSOCIATE_RQ = 0x01
    ASSOCIATE_AC = 0x02
    ASSOCIATE_RJ = 0x03
    DATA_TF = 0x04
    RELEASE_RQ = 0x05
    RELEASE_RP = 0x06
    ABORT = 0x07


PDU_HEADER_BYTES = 6
_PDV_HEADER_BYTES = 6
_APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
_ITEM = struct.Struct(">BxH")


@dataclass(frozen=True, slots=True)
class Context:
    """A presentation context as proposed: one SOP class in one transfer syntax."""

    id: int
    sop_class: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the other side granted: ids of contexts, and the longest PDU it takes (0: any)."""

    context_ids: frozenset[int]
    max_pdu_bytes: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """A presentation data value: a piece of a command or of a dataset."""

    context_id: int
    is_command: bool
    is_last: bool
    content: bytes


def pdu(kind: PduType, content: bytes) -> bytes:
    """Return a whole PDU."""
    return struct.pack(">BxL", kind, len(content)) + content


def associate_request(
    *,
    called: str,
    calling: str,
    contexts: Sequence[Context],
    max_pdu_bytes: int,
    implementation: tuple[str, str],
) -> bytes:
    """Return an A-ASSOCIATE-RQ; `implementation` is our class UID and version name."""
    class_uid, version_name = implementation
    items = [_item(0x10, _APPLICATION_CONTEXT)]
    for context in contexts:
        syntaxes = _item(0x30, context.sop_class.encode("ascii")) + _item(
            0x40, context.transfer_syntax.encode("ascii")
        )
        items.append(_item(0x20, struct.pack(">B3x", context.id) + syntaxes))
    user = (
        _item(0x51, struct.pack(">L", max_pdu_bytes))
        + _item(0x52, class_uid.encode("ascii"))
        + _item(0x55, version_name.encode("ascii"))
    )
    items.append(_item(0x50, user))
    head = struct.pack(
        ">H2x16s16s32x", 1, called.ljust(16).encode("ascii"), calling.ljust(16).encode("ascii")
    )
    return pdu(PduType.ASSOCIATE_RQ, head + b"".join(items))


def parse_accept(content: bytes) -> Acceptance:
    """Return what an A-ASSOCIATE-AC grants; raises `ProtocolError`."""
    granted: set[int] = set()
    max_pdu_bytes = 0
    for kind, item in _items(content[68:]):
        if kind == 0x21:
            if len(item) < 4:
                raise ProtocolError("a presentation context item is too short")
            # Result 0 is acceptance (PS3.8 Table 9-18); we proposed one transfer syntax each.
            if item[2] == 0:
                granted.add(item[0])
        elif kind == 0x50:
            for user_kind, user_item in _items(item):
                if user_kind == 0x51 and len(user_item) == 4:
                    max_pdu_bytes = int.from_bytes(user_item, "big")
    return Acceptance(frozenset(granted), max_pdu_bytes)


def parse_fragments(content: bytes) -> Iterator[Fragment]:
    """Yield the presentation data values of a P-DATA-TF; raises `ProtocolError`."""
    at = 0
    while at < len(content):
        if len(content) - at < _PDV_HEADER_BYTES:
            raise ProtocolError("a presentation data value is cut off")
        length, context_id, control = struct.unpack_from(">LBB", content, at)
        end = at + 4 + length
        if length < 2 or end > len(content):
            raise ProtocolError("a presentation data value lies about its length")
        yield Fragment(
            context_id, bool(control & 1), bool(control & 2), content[at + _PDV_HEADER_BYTES : end]
        )
        at = end


def data_pdus(
    content: bytes, *, context_id: int, is_command: bool, is_last: bool, fragment_bytes: int
) -> list[bytes]:
    """Return the P-DATA-TF headers and pieces of `content`, to be sent one after the other.

    `is_last` says whether the command or dataset ends with `content`.
    """
    pieces: list[bytes] = []
    view = memoryview(content)
    for at in range(0, len(content), fragment_bytes):
        piece = view[at : at + fragment_bytes]
        ends = is_last and at + fragment_bytes >= len(content)
        control = is_command | ends << 1
        pieces.append(
            struct.pack(
                ">BxLLBB", PduType.DATA_TF, len(piece) + 6, len(piece) + 2, context_id, control
            )
        )
        pieces.append(piece)  # type: ignore[arg-type] # joined at once, never kept
    return pieces


def largest_fragment(max_pdu_bytes: int, *, ceiling_bytes: int) -> int:
    """Return how many bytes of content go into one PDU: even, at most `ceiling_bytes`.

    Raises `ProtocolError` where the peer's maximum leaves no room for content.
    """
    room = ceiling_bytes if max_pdu_bytes == 0 else min(max_pdu_bytes, ceiling_bytes)
    fragment_bytes = (room - _PDV_HEADER_BYTES) & ~1
    if fragment_bytes < 2:
        raise ProtocolError("the longest PDU that is accepted holds no data")
    return fragment_bytes


def _item(kind: int, content: bytes) -> bytes:
    return _ITEM.pack(kind, len(content)) + content


def _items(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        if len(content) - at < _ITEM.size:
            raise ProtocolError("an item is cut off")
        kind, length = _ITEM.unpack_from(content, at)
        at += _ITEM.size
        if length > len(content) - at:
            raise ProtocolError("an item lies about its length")
        yield kind, content[at : at + length]
        at += length
