"""The command sets of C-STORE at the door: the request that is read, the response that is sent.

Command sets are always Implicit VR Little Endian (PS3.7 section 6.3.1), whatever
the presentation context says of the dataset. What is not plainly a C-STORE request
with a dataset is none here: the library makes of it what the Standard says.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

_C_STORE_RQ: Final = 0x0001
_C_STORE_RSP: Final = 0x8001
_NO_DATASET: Final = 0x0101
_SOP_CLASS: Final = 0x0002
_FIELD: Final = 0x0100
_MESSAGE_ID: Final = 0x0110
_DATASET_TYPE: Final = 0x0800
_SOP_INSTANCE: Final = 0x1000
_ELEMENT: Final = struct.Struct("<HHL")
_DATA_TRANSFER: Final = 0x04
_COMMAND, _LAST = 0x01, 0x02
_FRAGMENT: Final = struct.Struct(">LBB")


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """The command set of a C-STORE-RQ that a dataset follows."""

    message_id: int
    sop_class: bytes = field(repr=False)
    """As it was sent, padding included: so it goes back."""
    sop_instance: bytes = field(repr=False)

    @property
    def sop_class_uid(self) -> str:
        """Affected SOP Class UID, which need not be one."""
        return _text(self.sop_class)

    @property
    def sop_instance_uid(self) -> str:
        """Affected SOP Instance UID, which need not be one."""
        return _text(self.sop_instance)


def parse_store_request(command: bytes | bytearray) -> StoreRequest | None:
    """Return the C-STORE request that `command` is; None where it is not plainly one.

    Source
    ------
    PS3.7 Table 9.3-1.
    """
    values: dict[int, bytes] = {}
    at = 0
    while at < len(command):
        if len(command) - at < _ELEMENT.size:
            return None
        group, element, length = _ELEMENT.unpack_from(command, at)
        at += _ELEMENT.size
        if group or element in values or length > len(command) - at:
            return None
        values[element] = bytes(command[at : at + length])
        at += length
    request, message_id = _short(values.get(_FIELD)), _short(values.get(_MESSAGE_ID))
    dataset = _short(values.get(_DATASET_TYPE))
    if request != _C_STORE_RQ or message_id is None or dataset in {None, _NO_DATASET}:
        return None
    named = StoreRequest(message_id, values.get(_SOP_CLASS, b""), values.get(_SOP_INSTANCE, b""))
    return named if named.sop_class_uid and named.sop_instance_uid else None


def store_response(request: StoreRequest, status: int) -> bytes:
    """Return the command set of the C-STORE-RSP. Source: PS3.7 Table 9.3-2."""
    elements = b"".join(
        (
            _element(_SOP_CLASS, request.sop_class),
            _element(_FIELD, struct.pack("<H", _C_STORE_RSP)),
            _element(0x0120, struct.pack("<H", request.message_id)),
            _element(_DATASET_TYPE, struct.pack("<H", _NO_DATASET)),
            _element(0x0900, struct.pack("<H", status)),
            _element(_SOP_INSTANCE, request.sop_instance),
        )
    )
    return _element(0x0000, struct.pack("<L", len(elements))) + elements


def command_pdus(command: bytes, *, context_id: int, longest_bytes: int) -> bytes:
    """Return the P-DATA-TF PDUs that carry `command`, as many as `longest_bytes` asks for.

    `longest_bytes` is what the peer takes in one PDU; 0 = anything. Source: PS3.8 section
    9.3.5, E.2.
    """
    step = max(1, longest_bytes - _FRAGMENT.size) if longest_bytes else len(command)
    pdus = bytearray()
    for at in range(0, len(command), step):
        piece = command[at : at + step]
        control = _COMMAND | (_LAST if at + step >= len(command) else 0)
        length = len(piece) + 2
        pdus += struct.pack(">BxL", _DATA_TRANSFER, length + 4)
        pdus += _FRAGMENT.pack(length, context_id, control) + piece
    return bytes(pdus)


def _element(element: int, value: bytes) -> bytes:
    return _ELEMENT.pack(0, element, len(value)) + value


def _short(value: bytes | None) -> int | None:
    return None if value is None or len(value) != 2 else int.from_bytes(value, "little")


def _text(value: bytes) -> str:
    # A character for each byte: what is no UID is found out where it is used.
    return value.decode("latin-1").strip("\0 ")
