"""Associations and what travels in them, while all goes well."""

import io
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filereader import read_dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from deid_node.dicom.bulk import Bulk
from deid_node.errors import SpoolFull, TranscodingDiffers
from deid_node.forward.dimse.contexts import MOST_CONTEXTS
from deid_node.forward.transcode import Transcoder, Untranscodable
from deid_node.values.delivery import DeliveryResult
from tests.fakes.peer_archive import Conversation, ScriptedArchive, keeping_archive
from tests.fakes.peer_parcels import a_parcel, dataset_bytes
from tests.fakes.peer_sending import good, sending_to

DELIVERED, RETRY, REFUSED = (
    DeliveryResult.DELIVERED,
    DeliveryResult.RETRY,
    DeliveryResult.REFUSED,
)


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


@pytest.mark.parametrize(
    ("fault", "code"), [(TranscodingDiffers(), "transcoding_differs"), (Untranscodable(), None)]
)
def test_what_cannot_be_transcoded_is_refused_and_nothing_of_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str | None
) -> None:
    def failing(*_: object) -> Bulk:
        raise fault

    parcels = [
        a_parcel(tmp_path, number=1, transfer_syntax=RLELossless),
        a_parcel(tmp_path, number=2),
    ]
    monkeypatch.setattr(Transcoder, "transcoded", failing)
    with keeping_archive((ExplicitVRLittleEndian,)) as kept, sending_to(kept.port) as destination:
        receipts = list(destination.deliver(parcels))

    assert [(receipt.result, receipt.code) for receipt in receipts] == [
        (REFUSED, code),
        (DELIVERED, None),
    ]
    assert [uid for uid, _, _ in kept.stored] == [parcels[1].instance.sop_instance_uid]


def test_a_disk_without_room_to_transcode_says_nothing_of_the_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcoded = Transcoder.transcoded
    failures = iter([SpoolFull("no room")])

    def failing_once(self: Transcoder, path: Path, transfer_syntax: str) -> Bulk:
        for failure in failures:
            raise failure
        return transcoded(self, path, transfer_syntax)

    parcel = a_parcel(tmp_path, transfer_syntax=RLELossless)
    monkeypatch.setattr(Transcoder, "transcoded", failing_once)
    with keeping_archive((ExplicitVRLittleEndian,)) as kept, sending_to(kept.port) as destination:
        with pytest.raises(SpoolFull):
            list(destination.deliver([parcel]))
        (receipt,) = destination.deliver([parcel])

    assert receipt.result is DELIVERED
    assert kept.associations == 1
