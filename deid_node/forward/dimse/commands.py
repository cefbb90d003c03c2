"""The command sets of C-STORE and C-ECHO: requests that we send, responses that we read.

Command sets are always Implicit VR Little Endian (PS3.7 section 6.3.1), whatever
the presentation context says of the dataset.
"""

import struct

from deid_node.forward.dimse.pdus import ProtocolError

_C_STORE_RQ = 0x0001
_C_STORE_RSP = 0x8001
_C_ECHO_RQ = 0x0030
_C_ECHO_RSP = 0x8030
_NO_DATASET = 0x0101
_ELEMENT = struct.Struct("<HHL")


def store_request(*, message_id: int, sop_class: str, sop_instance: str) -> bytes:
    """Return the command set of a C-STORE-RQ with medium priority. Source: PS3.7 Table 9.3-1."""
    return _command(
        _uid(0x0002, sop_class),
        _short(0x0100, _C_STORE_RQ),
        _short(0x0110, message_id),
        _short(0x0700, 0x0000),
        _short(0x0800, 0x0001),
        _uid(0x1000, sop_instance),
    )


def echo_request(*, message_id: int, sop_class: str) -> bytes:
    """Return the command set of a C-ECHO-RQ. Source: PS3.7 Table 9.3-12."""
    return _command(
        _uid(0x0002, sop_class),
        _short(0x0100, _C_ECHO_RQ),
        _short(0x0110, message_id),
        _short(0x0800, _NO_DATASET),
    )


def _command(*elements: bytes) -> bytes:
    content = b"".join(elements)
    return _ELEMENT.pack(0, 0, 4) + struct.pack("<L", len(content)) + content


def parse_store_response(command: bytes, *, message_id: int) -> int:
    """Return the status of the C-STORE-RSP that answers message `message_id`.

    Raises `ProtocolError` for anything else. Source: PS3.7 Table 9.3-2.
    """
    return _status(command, _C_STORE_RSP, message_id)


def parse_echo_response(command: bytes, *, message_id: int) -> int:
    """Return the status of the C-ECHO-RSP that answers message `message_id`.

    Raises `ProtocolError` for anything else. Source: PS3.7 Table 9.3-13.
    """
    return _status(command, _C_ECHO_RSP, message_id)


def _status(command: bytes, kind: int, message_id: int) -> int:
    shorts: dict[int, int] = {}
    at = 0
    while at < len(command):
        if len(command) - at < _ELEMENT.size:
            raise ProtocolError("a command element is cut off")
        group, element, length = _ELEMENT.unpack_from(command, at)
        at += _ELEMENT.size
        if length > len(command) - at:
            raise ProtocolError("a command element lies about its length")
        if group == 0 and length == 2:
            shorts[element] = int.from_bytes(command[at : at + 2], "little")
        at += length
    if shorts.get(0x0100) != kind or 0x0900 not in shorts:
        raise ProtocolError("the answer is no response to what was asked")
    if shorts.get(0x0120) != message_id:
        raise ProtocolError("the answer belongs to another message")
    if shorts.get(0x0800, _NO_DATASET) != _NO_DATASET:
        raise ProtocolError("the answer carries a dataset")
    return shorts[0x0900]


def _short(element: int, value: int) -> bytes:
    return _ELEMENT.pack(0, element, 2) + struct.pack("<H", value)


def _uid(element: int, uid: str) -> bytes:
    value = uid.encode("ascii")
    value += b"\0" * (len(value) % 2)
    return _ELEMENT.pack(0, element, len(value)) + value
