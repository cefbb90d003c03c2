"""Command sets of C-STORE, against those of the library."""

import struct
from io import BytesIO
from typing import Any

import pytest
from pynetdicom.dimse_messages import C_STORE_RQ, C_STORE_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode
from pynetdicom.pdu_primitives import P_DATA

from deid_node.receive.dimse.commands import (
    StoreRequest,
    command_pdus,
    parse_store_request,
    store_response,
)
from deid_node.receive.dimse.messages import fragments_of

CT = "1.2.840.10008.5.1.4.1.1.2"
REQUEST = StoreRequest(7, CT.encode() + b"\0", b"2.25.47")


def _library_request(**changed: Any) -> bytes:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 7, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CT, "2.25.47"
    primitive.DataSet = BytesIO(b"\0\0")
    for keyword, value in changed.items():
        setattr(primitive, keyword, value)
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    first = next(iter(message.encode_msg(1, 0)))
    ((_, content),) = first.presentation_data_value_list
    return bytes(content[1:])


def _element(number: int, value: bytes, group: int = 0) -> bytes:
    return struct.pack("<HHL", group, number, len(value)) + value


def test_a_request_of_the_library_is_understood() -> None:
    request = parse_store_request(_library_request())

    assert request is not None
    assert (request.message_id, request.sop_class_uid) == (7, CT)
    assert request.sop_instance_uid == "2.25.47"


def test_a_request_that_moves_for_another_is_understood() -> None:
    command = _library_request(
        MoveOriginatorApplicationEntityTitle="MOVER", MoveOriginatorMessageID=3
    )

    request = parse_store_request(command)

    assert request is not None
    assert request.message_id == 7


@pytest.mark.parametrize(
    "command",
    [
        _library_request(DataSet=None),
        _library_request()[:-1],
        _library_request() + b"\0\0",
        _library_request() + _element(0x0110, b"\1\0"),
        _library_request() + _element(0x0010, b"Name", group=0x10),
        _library_request().replace(_element(0x0100, b"\1\0"), _element(0x0100, b"\x30\0")),
        b"",
    ],
    ids=[
        "no dataset", "cut", "rest", "message id twice", "another group", "echo", "nothing",
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_request_is_none(command: bytes) -> None:
    assert parse_store_request(command) is None


def test_no_uid_shows_in_a_repr() -> None:
    assert "2.25" not in repr(REQUEST)
    assert CT not in repr(REQUEST)


@pytest.mark.parametrize("longest_bytes", [0, 16384, 40, 7])
def test_the_library_understands_the_response(longest_bytes: int) -> None:
    pdus = command_pdus(store_response(REQUEST, 0xA700), context_id=3, longest_bytes=longest_bytes)

    message = DIMSEMessage()
    whole = False
    for body in _bodies(pdus):
        assert not longest_bytes or len(body) <= max(longest_bytes, 7)
        primitive = P_DATA()
        primitive.presentation_data_value_list = [
            [context, bytes(content)]  # type: ignore[misc]
            for context, content in fragments_of(memoryview(body))
        ]
        assert not whole
        whole = message.decode_msg(primitive)
    answer = message.message_to_primitive()
    assert whole
    assert isinstance(message, C_STORE_RSP)
    assert message.context_id == 3
    assert isinstance(answer, C_STORE)
    assert (answer.MessageIDBeingRespondedTo, answer.Status) == (7, 0xA700)
    assert (answer.AffectedSOPClassUID, answer.AffectedSOPInstanceUID) == (CT, "2.25.47")


def test_the_group_length_is_that_of_what_follows() -> None:
    command = store_response(REQUEST, 0)

    assert decode(BytesIO(command), True, True).CommandGroupLength == len(command) - 12


def _bodies(pdus: bytes) -> list[bytes]:
    bodies = []
    at = 0
    while at < len(pdus):
        kind, length = struct.unpack_from(">BxL", pdus, at)
        assert kind == 4
        bodies.append(pdus[at + 6 : at + 6 + length])
        at += 6 + length
    return bodies
