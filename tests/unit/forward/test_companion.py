"""An instance with a companion: the companion first, and one receipt for both."""

from pathlib import Path

import pytest
from pydicom.uid import SegmentationStorage

from deid_node.forward.base import Parcel
from deid_node.forward.dimse.contexts import offers_for
from deid_node.forward.folder import FolderDestination
from deid_node.values.delivery import DeliveryResult
from tests.fakes.peer_archive import Conversation, ScriptedArchive, keeping_archive
from tests.fakes.peer_parcels import a_parcel, accompanied, dataset_bytes
from tests.fakes.peer_sending import sending_to


def contents(parcel: Parcel) -> list[tuple[str, bytes]]:
    return [(content.sop_instance_uid, dataset_bytes(path)) for content, path in parcel.contents]


def test_both_classes_are_offered(tmp_path: Path) -> None:
    offers = offers_for(accompanied(a_parcel(tmp_path)).instance)

    assert [sop_class for sop_class, _ in offers[:2]] == [SegmentationStorage] * 2
    assert len({sop_class for sop_class, _ in offers}) == 2


def test_the_companion_arrives_before_its_instance(tmp_path: Path) -> None:
    parcel = accompanied(a_parcel(tmp_path))

    with keeping_archive() as kept, sending_to(kept.port) as destination:
        (receipt,) = destination.deliver([parcel])

    assert (receipt.id, receipt.result) == (parcel.instance.id, DeliveryResult.DELIVERED)
    assert [(uid, content) for uid, _, content in kept.stored] == contents(parcel)
    assert kept.associations == 1


def test_an_archive_that_takes_no_segmentations_gets_neither(tmp_path: Path) -> None:
    marked, plain = accompanied(a_parcel(tmp_path, number=1)), a_parcel(tmp_path, number=2)

    def script(peer: Conversation) -> None:
        peer.accept(lambda sop_class, _syntax: sop_class != SegmentationStorage)
        peer.serve()

    with ScriptedArchive(script) as archive, sending_to(archive.port) as destination:
        receipts = list(destination.deliver([marked, plain]))

    assert [(receipt.result, receipt.status) for receipt in receipts] == [
        (DeliveryResult.REFUSED, None),
        (DeliveryResult.DELIVERED, 0),
    ]
    # The one C-STORE that came was that of the plain one.
    assert sum(len(peer.datasets) for peer in archive.conversations) == 1


@pytest.mark.req("REQ-FW-13")
@pytest.mark.parametrize(
    ("status", "result"), [(0xA900, DeliveryResult.REFUSED), (0xA700, DeliveryResult.RETRY)]
)
def test_where_the_companion_is_not_taken_its_instance_is_not_sent(
    tmp_path: Path, status: int, result: DeliveryResult
) -> None:
    parcel = accompanied(a_parcel(tmp_path))

    with keeping_archive() as kept, sending_to(kept.port) as destination:
        kept.status_for = lambda _number: status
        (receipt,) = destination.deliver([parcel])

    assert (receipt.result, receipt.status) == (result, status)
    assert [uid for uid, _, _ in kept.stored] == [contents(parcel)[0][0]]


def test_a_warning_about_either_is_a_warning(tmp_path: Path) -> None:
    with keeping_archive() as kept, sending_to(kept.port) as destination:
        kept.status_for = lambda number: 0xB000 if number == 0 else 0x0000
        (receipt,) = destination.deliver([accompanied(a_parcel(tmp_path))])

    assert (receipt.result, receipt.status) == (DeliveryResult.WARNING, 0xB000)


def test_what_was_half_sent_goes_again_whole_with_the_same_bytes(tmp_path: Path) -> None:
    parcel = accompanied(a_parcel(tmp_path))

    with keeping_archive() as kept, sending_to(kept.port) as destination:
        # Success for the companion, out of resources for the instance.
        kept.status_for = lambda number: 0xA700 if number == 1 else 0x0000
        results = [next(destination.deliver([parcel])).result for _ in range(2)]

    assert results == [DeliveryResult.RETRY, DeliveryResult.DELIVERED]
    assert [(uid, content) for uid, _, content in kept.stored] == contents(parcel) * 2


def test_a_folder_has_the_companion_in_its_own_series(tmp_path: Path) -> None:
    parcel = accompanied(a_parcel(tmp_path))
    folder = tmp_path / "out"

    (receipt,) = FolderDestination("out", folder).deliver([parcel])

    assert receipt.result is DeliveryResult.DELIVERED
    study = parcel.instance.study_instance_uid
    for content, path in parcel.contents:
        placed = folder / study / content.series_instance_uid / f"{content.sop_instance_uid}.dcm"
        assert placed.read_bytes() == path.read_bytes()


def test_a_folder_that_has_another_companion_is_not_given_the_instance(tmp_path: Path) -> None:
    parcel = accompanied(a_parcel(tmp_path))
    companion, _ = parcel.contents[0]
    place = tmp_path / "out" / parcel.instance.study_instance_uid / companion.series_instance_uid
    place.mkdir(parents=True)
    (place / f"{companion.sop_instance_uid}.dcm").write_bytes(b"other bytes")

    (receipt,) = FolderDestination("out", tmp_path / "out").deliver([parcel])

    assert receipt.result is DeliveryResult.REFUSED
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 1


def test_an_instance_is_not_handed_over_without_the_file_of_its_companion(tmp_path: Path) -> None:
    parcel = accompanied(a_parcel(tmp_path))

    with pytest.raises(ValueError, match="companion"):
        Parcel(parcel.instance, parcel.path)
