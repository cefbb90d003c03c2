"""The command sets of C-STORE: the request that we send and the response that we read.

Command sets are always Implicit VR Little Endian (PS3.7 section 6.3.1), whatever
the presentation context says of the dataset.
"""

import struct

from deid_node.forward.dimse.pdus import ProtocolError

_C_STORE_RQ = 0x0001
_C_STORE_RSP = 0x8001
_NO_DATASET = 0x0101
_ELEMENT = struct.Struct("<HHL")


def store_request(*, message_id: int, sop_class: str, sop_instance: str) -> bytes:
    """Return the command set of a C-STORE-RQ with medium priority. Source: PS3.7 Table 9.3-1."""
    elements = b"".join(
        (
            _uid(0x0002, sop_class),
            _short(0x0100, _C_STORE_RQ),
            _short(0x0110, message_id),
            _short(0x0700, 0x0000),
            _short(0x0800, 0x0001),
            _uid(0x1000, sop_instance),
        )
    )
    return _ELEMENT.pack(0, 0, 4) + struct.pack("<L", len(elements)) + elements


def parse_store_response(command: bytes, *, message_id: int) -> int:
    """Return the status of the C-STORE-RSP that answers message `message_id`.

    Raises `ProtocolError` for anything else. Source: PS3.7 Table 9.3-2.
    """
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
    if shorts.get(0x0100) != _C_STORE_RSP or 0x0900 not in shorts:
        raise ProtocolError("the answer is no C-STORE response")
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
