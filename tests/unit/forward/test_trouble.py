"""Archives that behave in every way but well: what becomes of the instance, and of the rest."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.values.delivery import DeliveryResult
from tests.fakes.peer_archive import Conversation, ScriptedArchive
from tests.fakes.peer_parcels import a_parcel, dataset_bytes
from tests.fakes.peer_sending import good, sending_to

DELIVERED, RETRY, REFUSED = (
    DeliveryResult.DELIVERED,
    DeliveryResult.RETRY,
    DeliveryResult.REFUSED,
)


def abort_in_the_middle(peer: Conversation) -> None:
    peer.accept()
    peer.fragments()
    peer.abort()


def abort_before_the_answer(peer: Conversation) -> None:
    peer.accept()
    peer.receive()
    peer.abort()


def hang_up_before_the_answer(peer: Conversation) -> None:
    peer.accept()
    peer.receive()


def answer_another_message(peer: Conversation) -> None:
    peer.accept()
    peer.receive()
    peer.answer(0, message_id=4242)
    peer.wait_for_the_end()


def answer_with_an_echo(peer: Conversation) -> None:
    peer.accept()
    peer.receive()
    peer.answer(0, field=0x8030)
    peer.wait_for_the_end()


def release_instead_of_an_answer(peer: Conversation) -> None:
    peer.accept()
    peer.receive()
    peer.send_pdu(0x05, bytes(4))
    peer.wait_for_the_end()


def answer_with_garbage(peer: Conversation) -> None:
    peer.accept()
    peer.receive()
    peer.send_pdu(0x04, b"\xff" * 20)
    peer.wait_for_the_end()


def answer_without_end(peer: Conversation) -> None:
    peer.accept()
    peer.receive()
    peer.link.sendall(b"\x04\0\xff\xff\xff\xff" + bytes(100))
    peer.wait_for_the_end()


@pytest.mark.parametrize(
    "script",
    [
        abort_in_the_middle,
        abort_before_the_answer,
        hang_up_before_the_answer,
        answer_another_message,
        answer_with_an_echo,
        release_instead_of_an_answer,
        answer_with_garbage,
        answer_without_end,
    ],
)
def test_an_association_that_breaks_leaves_the_outcome_unknown_and_the_next_gets_a_new_one(
    script: Callable[[Conversation], None], tmp_path: Path
) -> None:
    parcels = [a_parcel(tmp_path, number=number, rows=20_000) for number in range(2)]
    with ScriptedArchive(script, good) as archive, sending_to(archive.port) as destination:
        receipts = list(destination.deliver(parcels))

    assert [(receipt.result, receipt.status) for receipt in receipts] == [
        (RETRY, None),
        (DELIVERED, 0),
    ]
    assert archive.conversations[1].datasets == [dataset_bytes(parcels[1].path)]


def say_nothing_at_all(peer: Conversation) -> None:
    peer.wait_for_the_end()


def answer_never(peer: Conversation) -> None:
    peer.accept()
    peer.receive()
    peer.wait_for_the_end()


def read_nothing(ended: threading.Event) -> Callable[[Conversation], None]:
    def script(peer: Conversation) -> None:
        peer.accept()
        ended.wait(60)

    return script


def test_an_archive_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with (
        ScriptedArchive(answer_never) as archive,
        sending_to(archive.port, timeout_seconds=1) as destination,
    ):
        (receipt,) = destination.deliver([a_parcel(tmp_path)])

    assert (receipt.result, receipt.status) == (RETRY, None)


def test_an_archive_that_stops_reading_is_given_up(tmp_path: Path) -> None:
    ended = threading.Event()
    with (
        ScriptedArchive(read_nothing(ended)) as archive,
        sending_to(archive.port, timeout_seconds=1) as destination,
    ):
        # More than the buffers of both sockets take.
        (receipt,) = destination.deliver([a_parcel(tmp_path, rows=50_000, columns=250)])
        ended.set()

    assert (receipt.result, receipt.status) == (RETRY, None)


def test_a_slow_archive_is_no_silent_one(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, rows=2000)

    def trickle(peer: Conversation) -> None:
        pause = threading.Event()
        peer.accept(max_pdu_bytes=4096)
        read = peer.read_pdu

        def read_slowly() -> bytes:
            pause.wait(0.05)
            return read()

        peer.read_pdu = read_slowly  # type: ignore[method-assign]
        peer.serve()

    with (
        ScriptedArchive(trickle) as archive,
        # Shorter than the whole transfer takes, longer than any silence in it.
        sending_to(archive.port, timeout_seconds=3) as destination,
    ):
        (receipt,) = destination.deliver([parcel])

    assert receipt.result is DELIVERED


@pytest.mark.parametrize(
    "script",
    [
        lambda peer: peer.reject(),
        lambda peer: peer.reject(2, 3, 2),
        say_nothing_at_all,
        lambda peer: (peer.read_pdu(), peer.abort()),
        lambda peer: peer.link.close(),
        lambda peer: (peer.read_pdu(), peer.send_pdu(0x02, b"\xff" * 200)),
        lambda peer: (peer.read_pdu(), peer.link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        lambda peer: peer.accept(max_pdu_bytes=5),
    ],
    ids=["rejected", "rejected for now", "silent", "aborted", "closed", "garbage", "a web server",
         "no room for data"],
)  # fmt: skip
def test_an_association_that_cannot_be_had_leaves_everything_unsent(
    script: Callable[[Conversation], None], tmp_path: Path
) -> None:
    with (
        ScriptedArchive(script) as archive,
        sending_to(archive.port, timeout_seconds=0.3) as destination,
        pytest.raises(DestinationUnavailable),
    ):
        list(destination.deliver([a_parcel(tmp_path, number=number) for number in range(3)]))

    assert len(archive.conversations) == 1


@pytest.mark.parametrize(
    "farewell",
    [
        lambda peer: peer.abort(),
        lambda peer: peer.link.close(),
        lambda peer: (peer.send_pdu(0x05, bytes(4)), peer.wait_for_the_end()),
    ],
    ids=["abort", "close", "release"],
)
def test_an_archive_that_left_in_the_meantime_is_called_anew(
    farewell: Callable[[Conversation], None], tmp_path: Path
) -> None:
    left = threading.Event()

    def serve_one(peer: Conversation) -> None:
        peer.accept()
        peer.receive()
        peer.answer(0)
        farewell(peer)
        left.set()

    with ScriptedArchive(serve_one, good) as archive, sending_to(archive.port) as destination:
        results = [receipt.result for receipt in destination.deliver([a_parcel(tmp_path)])]
        # The thread that waits for our answer to its release ends only after the next line.
        left.wait(0.3)
        results += [
            receipt.result for receipt in destination.deliver([a_parcel(tmp_path, number=2)])
        ]

    assert results == [DELIVERED, DELIVERED]
    assert len(archive.conversations) == 2


def test_a_rested_association_that_dies_under_an_instance_costs_no_attempt(
    tmp_path: Path,
) -> None:
    def serve_one_then_hang_up_on_the_next(peer: Conversation) -> None:
        peer.accept()
        peer.receive()
        peer.answer(0)
        peer.fragments()
        peer.link.close()

    with (
        ScriptedArchive(serve_one_then_hang_up_on_the_next, good) as archive,
        sending_to(archive.port) as destination,
    ):
        list(destination.deliver([a_parcel(tmp_path)]))
        (receipt,) = destination.deliver([a_parcel(tmp_path, number=2)])

    assert receipt.result is DELIVERED
