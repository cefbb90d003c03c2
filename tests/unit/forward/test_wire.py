"""Our coding of PDUs and commands, read back by pynetdicom's; and bytes that lie."""

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.dsutils import decode
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF

from deid_node.forward.dimse import pdus
from deid_node.forward.dimse.commands import parse_store_response, store_request
from deid_node.forward.dimse.pdus import Context, PduType, ProtocolError
from tests.fakes.peer_archive import Conversation

UIDS = st.lists(st.integers(0, 10**9), min_size=1, max_size=5).map(
    lambda parts: ".".join(["1.2", *map(str, parts)])
)


@given(st.lists(st.tuples(UIDS, UIDS), min_size=1, max_size=128))
def test_a_request_is_what_pynetdicom_reads(offers: list[tuple[str, str]]) -> None:
    contexts = [Context(2 * number + 1, *offer) for number, offer in enumerate(offers)]

    content = pdus.associate_request(
        called="ARCHIVE",
        calling="DEIDNODE",
        contexts=contexts,
        max_pdu_bytes=16384,
        implementation=("2.25.1", "DEID_NODE"),
    )

    request = A_ASSOCIATE_RQ()
    request.decode(content)
    assert (request.called_ae_title, request.calling_ae_title) == ("ARCHIVE", "DEIDNODE")
    assert request.application_context_name == "1.2.840.10008.3.1.1.1"
    assert [
        (item.context_id, str(item.abstract_syntax), [str(uid) for uid in item.transfer_syntax])
        for item in request.presentation_context
    ] == [(2 * number + 1, cls, [ts]) for number, (cls, ts) in enumerate(offers)]
    user = request.user_information
    assert user is not None
    assert user.maximum_length == 16384
    assert user.implementation_class_uid == "2.25.1"
    assert user.implementation_version_name == "DEID_NODE"


@given(st.binary(min_size=1, max_size=300), st.integers(1, 50), st.booleans(), st.booleans())
def test_data_are_cut_into_pdus_that_pynetdicom_puts_together(
    content: bytes, half: int, is_command: bool, is_last: bool
) -> None:
    pieces = pdus.data_pdus(
        content, context_id=5, is_command=is_command, is_last=is_last, fragment_bytes=2 * half
    )

    stream = b"".join(pieces)
    controls, together = [], b""
    while stream:
        length = 6 + int.from_bytes(stream[2:6], "big")
        data = P_DATA_TF()
        data.decode(stream[:length])
        (item,) = data.presentation_data_value_items
        value = item.presentation_data_value
        assert item.presentation_context_id == 5
        assert value is not None
        assert 1 <= len(value) - 1 <= 2 * half
        controls.append(value[0])
        together += value[1:]
        stream = stream[length:]
    assert together == content
    assert controls[:-1] == [int(is_command)] * (len(controls) - 1)
    assert controls[-1] == is_command | is_last << 1


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [(0, 1018), (16384, 1018), (1024, 1018), (1023, 1016), (100, 94), (8, 2)],
)
def test_a_fragment_fits_the_longest_pdu_and_is_even(maximum: int, expected: int) -> None:
    assert pdus.largest_fragment(maximum, ceiling_bytes=1024) == expected


@pytest.mark.parametrize("maximum", [1, 6, 7])
def test_a_peer_that_leaves_no_room_for_data_is_refused(maximum: int) -> None:
    with pytest.raises(ProtocolError):
        pdus.largest_fragment(maximum, ceiling_bytes=1024)


@given(st.integers(1, 0xFFFF), UIDS, UIDS)
def test_a_store_request_is_what_pynetdicom_reads(number: int, cls: str, instance: str) -> None:
    content = store_request(message_id=number, sop_class=cls, sop_instance=instance)

    command = decode(io.BytesIO(content), is_implicit_vr=True, is_little_endian=True)
    assert command.CommandGroupLength == len(content) - 12
    assert command.AffectedSOPClassUID == cls
    assert command.AffectedSOPInstanceUID == instance
    assert (command.CommandField, command.MessageID, command.Priority) == (1, number, 0)
    assert command.CommandDataSetType != 0x0101


class Silent(Conversation):
    """A conversation that keeps what it says instead of sending it."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.context_id = 1

    def send_pdu(self, kind: int, body: bytes) -> None:
        self.said.append(body)


def answer(status: int, *, message_id: int = 7, field: int = 0x8001) -> bytes:
    peer = Silent()
    peer.answer(status, message_id=message_id, field=field)
    (fragment,) = pdus.parse_fragments(peer.said[0])
    assert (fragment.context_id, fragment.is_command, fragment.is_last) == (1, True, True)
    return fragment.content


@pytest.mark.parametrize("status", [0x0000, 0xA700, 0xB000, 0xFFFF])
def test_the_status_of_a_response_is_read(status: int) -> None:
    assert parse_store_response(answer(status), message_id=7) == status


@pytest.mark.parametrize(
    "content",
    [
        b"",
        answer(0, message_id=8),
        answer(0, field=0x8030),
        answer(0)[:-3],
        answer(0)[:-10],
        answer(0).replace(b"\x01\x01", b"\x00\x00"),
    ],
    ids=["nothing", "other message", "C-ECHO-RSP", "cut off", "no status", "with dataset"],
)
def test_an_answer_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_store_response(content, message_id=7)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parsers_fail_otherwise(content: bytes) -> None:
    for parse in (
        lambda: parse_store_response(content, message_id=1),
        lambda: pdus.parse_accept(b"\0" * 68 + content),
        lambda: list(pdus.parse_fragments(content)),
    ):
        with suppress(ProtocolError):
            parse()


def test_pdu_types_are_those_of_the_standard() -> None:
    assert [kind.value for kind in PduType] == [1, 2, 3, 4, 5, 6, 7]
