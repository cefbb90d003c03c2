"""What the door and the senders put on record, and in which words."""

import dataclasses

import pytest

from deid_node.audit.message import AuditMessage, Result
from deid_node.audit.records import DeliveryRecord, DoorRecord
from deid_node.dicom.identity import Identity
from deid_node.values.identity import new_instance_id
from deid_node.values.instance import BlobRef, Companion, ReceivedInstance
from deid_node.values.refusal import RefusalCode, TlsFault
from tests.builders.audit import CT_IMAGE, NODE
from tests.builders.values import a_clean_instance, an_origin

EXPLICIT = "1.2.840.10008.1.2.1"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


class Book:
    """Remembers the messages."""

    def __init__(self) -> None:
        self.messages: list[AuditMessage] = []

    def record(self, *messages: AuditMessage) -> None:
        self.messages += messages

    @property
    def events(self) -> list[tuple[str, Result]]:
        return [(one.event.meaning, one.result) for one in self.messages]


@pytest.fixture
def book() -> Book:
    return Book()


def door(book: Book, *, names_patient: bool = False) -> DoorRecord:
    return DoorRecord(
        book.record, NODE, new_uid=lambda uid: f"new-{uid}", names_patient=names_patient
    )


def received(peer: str = "ct-one") -> ReceivedInstance:
    blob = BlobRef("a.dcm", 1, "0")
    return ReceivedInstance(new_instance_id(), an_origin(peer=peer), blob, CT_IMAGE, "1.2.3.4")


def of_study(study: str = "1.2.3") -> Identity:
    return Identity(study_instance_uid=study, patient_id="PAT-17")


def test_an_association_is_told_of_once_it_has_ended_study_by_study(book: Book) -> None:
    record = door(book)
    for study in ("1.2.3", "1.2.3", "1.2.9"):
        record.received(received(), of_study(study), repeated=False)
    assert book.messages == []

    record.ended("a1")
    record.ended("a1")

    assert [
        (one.objects[0].id, one.objects[0].sop_classes[0].instances, one.action)
        for one in book.messages
    ] == [("new-1.2.3", 2, "C"), ("new-1.2.9", 1, "C")]


def test_what_was_there_before_is_told_apart(book: Book) -> None:
    record = door(book)
    record.received(received(), of_study(), repeated=False)
    record.received(received(), of_study(), repeated=True)

    record.ended("a1")

    assert [one.action for one in book.messages] == ["C", "R"]


@pytest.mark.req("REQ-OB-09")
@pytest.mark.parametrize(
    ("names_patient", "ids"), [(False, ["new-1.2.3"]), (True, ["1.2.3", "PAT-17"])]
)
def test_originals_are_named_only_where_the_site_asks_for_it(
    names_patient: bool, ids: list[str], book: Book
) -> None:
    record = door(book, names_patient=names_patient)
    record.received(received(), of_study(), repeated=False)

    record.ended("a1")

    assert [thing.id for thing in book.messages[0].objects] == ids


@pytest.mark.parametrize("code", [*RefusalCode, *TlsFault])
def test_a_refusal_is_an_alert_where_it_says_something_of_the_caller(
    code: RefusalCode | TlsFault, book: Book
) -> None:
    of_the_house = {
        RefusalCode.TOO_MANY_ASSOCIATIONS, RefusalCode.NO_ROOM, RefusalCode.CLOSING,
        RefusalCode.TOO_MANY_CONNECTIONS, RefusalCode.TOO_MANY_REQUESTS, RefusalCode.NOT_SERVED,
    }  # fmt: skip

    door(book).refused("10.9.9.9", None, code)

    assert [one.event.meaning for one in book.messages] == (
        [] if code in of_the_house else ["Security Alert"]
    )


def test_an_archive_is_told_of_before_and_after(book: Book) -> None:
    record = DeliveryRecord(book.record, NODE, "archive", exports=False)
    first, second = (
        a_clean_instance(new_instance_id(), BlobRef("a.dcm", 1, "0")) for _ in range(2)
    )

    record.began([first, second])
    record.ended([first], [second])

    assert book.events == [
        ("Begin Transferring DICOM Instances", Result.SUCCESS),
        ("DICOM Instances Transferred", Result.SUCCESS),
        ("DICOM Instances Transferred", Result.SERIOUS_FAILURE),
    ]


def test_a_folder_is_an_export_and_nothing_is_said_of_nothing(book: Book) -> None:
    record = DeliveryRecord(book.record, NODE, "out", exports=True)
    clean = a_clean_instance(new_instance_id(), BlobRef("a.dcm", 1, "0"))

    record.began([clean])
    record.ended([clean], [])
    record.ended([], [])

    assert book.events == [("Export", Result.SUCCESS)]


def test_a_companion_is_told_of_with_its_instance(book: Book) -> None:
    instance = a_clean_instance(new_instance_id(), BlobRef("a.dcm", 1, "0"))
    companion = Companion(BlobRef("b.dcm", 1, "0"), SEGMENTATION, "2.25.4", "2.25.5", EXPLICIT)
    record = DeliveryRecord(book.record, NODE, "archive", exports=False)

    record.began([dataclasses.replace(instance, companion=companion)])

    (message,) = book.messages
    counts = {one.sop_class_uid: one.instances for one in message.objects[0].sop_classes}
    assert counts == {CT_IMAGE: 1, SEGMENTATION: 1}
