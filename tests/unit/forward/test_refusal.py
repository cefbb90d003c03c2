"""What an archive does not take as it is: another encoding, or a refusal; and an early end."""

import threading
from pathlib import Path

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    RLELossless,
)

from deid_node.values.delivery import DeliveryResult
from tests.fakes.peer_archive import Conversation, ScriptedArchive, keeping_archive
from tests.fakes.peer_parcels import a_parcel, dataset_bytes
from tests.fakes.peer_sending import sending_to

DELIVERED, RETRY, REFUSED = (
    DeliveryResult.DELIVERED,
    DeliveryResult.RETRY,
    DeliveryResult.REFUSED,
)


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
