"""Archives that behave in every way but well: what becomes of the instance, and of the rest."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from deid_node.errors import DestinationUnavailable
from deid_node.forward.contexts import MOST_CONTEXTS
from deid_node.forward.cstore import CStoreDestination
from deid_node.forward.options import CStoreOptions
from deid_node.values.delivery import DeliveryResult
from tests.fakes.peer_archive import Conversation, ScriptedArchive, keeping_archive
from tests.fakes.peer_parcels import a_parcel, dataset_bytes

DELIVERED, RETRY, REFUSED = (
    DeliveryResult.DELIVERED,
    DeliveryResult.RETRY,
    DeliveryResult.REFUSED,
)


@contextmanager
def sending_to(
    port: int, *, timeout_seconds: float = 20, idle_seconds: float = 3600, associations: int = 2
) -> Iterator[CStoreDestination]:
    options = CStoreOptions(
        kind="cstore",
        ae_title="ARCHIVE",
        host="127.0.0.1",
        port=port,
        timeout_seconds=timeout_seconds,
        max_associations=associations,
    )
    with closing(CStoreDestination("archive", options, idle_seconds=idle_seconds)) as destination:
        yield destination


def good(peer: Conversation) -> None:
    peer.accept()
    peer.serve()


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (0x0000, DELIVERED),
        (0xB000, DeliveryResult.WARNING),
        (0x0111, DeliveryResult.WARNING),
        (0xA700, RETRY),
        (0x0110, RETRY),
        (0x0124, RETRY),
        (0xA900, REFUSED),
        (0xC000, REFUSED),
    ],
)
def test_the_status_decides_and_the_next_instance_goes_on(
    status: int, result: DeliveryResult, tmp_path: Path
) -> None:
    parcels = [a_parcel(tmp_path, number=number) for number in range(2)]
    with keeping_archive() as kept, sending_to(kept.port) as destination:
        kept.status_for = lambda number: status if number == 0 else 0

        receipts = list(destination.deliver(parcels))

    assert [(receipt.result, receipt.status) for receipt in receipts] == [
        (result, status),
        (DELIVERED, 0),
    ]
    assert kept.associations == 1


def test_an_association_stays_open_between_batches_and_is_released_at_the_end(
    tmp_path: Path,
) -> None:
    with keeping_archive() as kept:
        with sending_to(kept.port) as destination:
            for number in range(5):
                list(destination.deliver([a_parcel(tmp_path, number=number)]))
        assert (kept.associations, len(kept.stored)) == (1, 5)

    assert kept.released == 1


def test_an_idle_association_is_released_and_a_new_one_opened_when_needed(
    tmp_path: Path,
) -> None:
    with keeping_archive() as kept, sending_to(kept.port, idle_seconds=0) as destination:
        list(destination.deliver([a_parcel(tmp_path, number=1)]))
        destination.release_idle()
        list(destination.deliver([a_parcel(tmp_path, number=2)]))

    assert (kept.associations, len(kept.stored)) == (2, 2)


def test_an_association_serves_what_came_before_and_comes_again(tmp_path: Path) -> None:
    mr = "1.2.840.10008.5.1.4.1.1.4"
    with keeping_archive() as kept, sending_to(kept.port, associations=1) as destination:
        list(destination.deliver([a_parcel(tmp_path, number=1)]))
        list(destination.deliver([a_parcel(tmp_path, number=2, sop_class=mr)]))
        for number in range(3, 7):
            sop_class = mr if number % 2 else "1.2.840.10008.5.1.4.1.1.2"
            list(destination.deliver([a_parcel(tmp_path, number=number, sop_class=sop_class)]))

    # The second association offered both classes.
    assert kept.associations == 2


def test_more_classes_than_contexts_take_several_associations(tmp_path: Path) -> None:
    parcels = [
        a_parcel(tmp_path, number=number, sop_class=f"1.2.826.0.1.{number}")
        for number in range(MOST_CONTEXTS)
    ]
    with ScriptedArchive(good) as archive, sending_to(archive.port) as destination:
        receipts = list(destination.deliver(parcels))

    assert {receipt.result for receipt in receipts} == {DELIVERED}
    assert len(receipts) == MOST_CONTEXTS
    # Two syntaxes each: 64 classes fit into an association.
    assert len(archive.conversations) == 2
    assert [len(peer.contexts) for peer in archive.conversations] == [128, 128]


@pytest.mark.parametrize("max_pdu_bytes", [0, 8, 4096, 16384, 1 << 20])
def test_pdus_are_as_long_as_the_archive_allows(max_pdu_bytes: int, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, rows=4 if max_pdu_bytes == 8 else 20_000)

    def script(peer: Conversation) -> None:
        peer.accept(max_pdu_bytes=max_pdu_bytes)
        peer.serve()

    with ScriptedArchive(script) as archive, sending_to(archive.port) as destination:
        (receipt,) = destination.deliver([parcel])

    assert receipt.result is DELIVERED
    (peer,) = archive.conversations
    assert peer.datasets == [dataset_bytes(parcel.path)]
    assert peer.largest_pdu_bytes <= (max_pdu_bytes or 1 << 20)


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


def test_a_class_that_the_archive_does_not_take_is_refused_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    ct, other = "1.2.840.10008.5.1.4.1.1.2", "1.2.826.0.1.99"
    parcels = [
        a_parcel(tmp_path, number=number, sop_class=sop_class)
        for number, sop_class in enumerate((other, ct))
    ]

    def script(peer: Conversation) -> None:
        peer.accept(lambda sop_class, _syntax: sop_class == ct)
        peer.serve()

    with ScriptedArchive(script) as archive, sending_to(archive.port) as destination:
        receipts = list(destination.deliver(parcels))

    assert [(receipt.result, receipt.status) for receipt in receipts] == [
        (REFUSED, None),
        (DELIVERED, 0),
    ]


@pytest.mark.parametrize("stored", [RLELossless, ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("taken", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_an_archive_that_refuses_the_stored_syntax_gets_the_same_pixels_in_another(
    stored: UID, taken: UID, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=stored)
    with keeping_archive((taken,)) as kept, sending_to(kept.port) as destination:
        (receipt,) = destination.deliver([parcel])

    assert receipt.result is DELIVERED
    ((uid, syntax, content),) = kept.stored
    assert (uid, syntax) == (parcel.instance.sop_instance_uid, taken)
    if stored == taken:
        assert content == dataset_bytes(parcel.path)
    arrived = read_dataset(
        io.BytesIO(content), is_implicit_VR=taken == ImplicitVRLittleEndian, is_little_endian=True
    )
    sent = dcmread(parcel.path)
    assert arrived.SOPInstanceUID == sent.SOPInstanceUID
    pixels = np.frombuffer(arrived.PixelData, np.uint16).reshape(sent.pixel_array.shape)
    assert np.array_equal(pixels, sent.pixel_array)


def test_deflated_is_inflated_for_an_archive_that_refuses_it(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=DeflatedExplicitVRLittleEndian)
    with keeping_archive() as kept, sending_to(kept.port) as destination:
        (receipt,) = destination.deliver([parcel])

    assert receipt.result is DELIVERED
    assert kept.stored[0][1] == ExplicitVRLittleEndian
    plain = a_parcel(tmp_path, number=1)
    assert kept.stored[0][2] == dataset_bytes(plain.path)


def test_what_cannot_be_transcoded_without_loss_is_refused(tmp_path: Path) -> None:
    big = a_parcel(tmp_path, number=1, transfer_syntax=ExplicitVRBigEndian)
    broken = a_parcel(tmp_path, number=2, transfer_syntax=RLELossless, rows=64)
    content = broken.path.read_bytes()
    broken.path.write_bytes(content[: len(content) // 2])
    fine = a_parcel(tmp_path, number=3)

    with keeping_archive((ExplicitVRLittleEndian,)) as kept, sending_to(kept.port) as destination:
        receipts = list(destination.deliver([big, broken, fine]))

    assert [receipt.result for receipt in receipts] == [REFUSED, REFUSED, DELIVERED]


def test_a_file_that_is_no_part_10_file_is_refused_and_the_next_goes_on(tmp_path: Path) -> None:
    broken, gone = a_parcel(tmp_path, number=1), a_parcel(tmp_path, number=2)
    broken.path.write_bytes(b"not what it was")
    gone.path.unlink()
    fine = a_parcel(tmp_path, number=3)

    with keeping_archive() as kept, sending_to(kept.port) as destination:
        receipts = list(destination.deliver([broken, gone, fine]))

    assert [receipt.result for receipt in receipts] == [REFUSED, REFUSED, DELIVERED]


def test_closing_wakes_a_thread_that_waits_for_an_answer(tmp_path: Path) -> None:
    asked = threading.Event()

    def script(peer: Conversation) -> None:
        peer.accept()
        peer.receive()
        asked.set()
        peer.wait_for_the_end()

    results: list[DeliveryResult] = []
    with ScriptedArchive(script) as archive, sending_to(archive.port) as destination:
        parcel = a_parcel(tmp_path)
        thread = threading.Thread(
            target=lambda: results.extend(one.result for one in destination.deliver([parcel]))
        )
        thread.start()
        assert asked.wait(60)

        destination.close()
        thread.join()

    assert results == [RETRY]


def test_several_threads_deliver_over_associations_of_their_own(tmp_path: Path) -> None:
    parcels = [a_parcel(tmp_path, number=number, rows=200) for number in range(60)]
    results: list[DeliveryResult] = []
    with keeping_archive() as kept, sending_to(kept.port, associations=3) as destination:

        def work(part: int) -> None:
            for start in range(part * 20, part * 20 + 20, 5):
                batch = parcels[start : start + 5]
                results.extend(one.result for one in destination.deliver(batch))

        threads = [threading.Thread(target=work, args=(part,)) for part in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert results == [DELIVERED] * 60
    assert kept.associations <= 3
    assert {uid: content for uid, _, content in kept.stored} == {
        parcel.instance.sop_instance_uid: dataset_bytes(parcel.path) for parcel in parcels
    }
