"""What becomes of an instance that a door hands over, without any door."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from deid_node.audit.message import AuditMessage
from deid_node.audit.records import DoorRecord
from deid_node.errors import DeidNodeError, PeerNotAuthorised, SpoolFull
from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.receive.intake import Announced, Intake, Refused
from deid_node.spool.arrivals import Acceptance
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.values.identity import InstanceId
from tests.builders.audit import NODE
from tests.builders.custody import Spool
from tests.builders.samples import packaged
from tests.builders.values import CT_IMAGE_STORAGE, EXPLICIT, an_origin
from tests.fakes.event_log import RecordingLog

UID = "1.2.3.4"
ANNOUNCED = Announced(CT_IMAGE_STORAGE, UID, EXPLICIT)


def a_slice(uid: str = UID, *, rows: int = 4) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID = CT_IMAGE_STORAGE
    dataset.SOPInstanceUID = uid
    dataset.PatientName = "Nobody^Here"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.Rows = rows
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    content: bytes = buffer.getvalue()
    return content


def status_of(error: Exception) -> int:
    """Answer like a door that speaks something else."""
    return 507 if isinstance(error, SpoolFull) else 409 if isinstance(error, DeidNodeError) else 500


class Hall:
    """An intake with a spool behind it, and everything that it may tell."""

    def __init__(self, folder: Path) -> None:
        self.custody = Custody(SpoolOptions(dir=folder, reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.registry = CollectorRegistry()
        self.log = RecordingLog()
        self.offered: dict[InstanceId, str] = {}
        self.told: list[AuditMessage] = []
        self.record = DoorRecord(
            lambda *messages: self.told.extend(messages),
            NODE,
            new_uid=lambda uid: f"new-{uid}",
            names_patient=False,
        )
        self.intake = Intake(
            Spool(self.custody),
            self.offered.__setitem__,
            status_of=status_of,
            metrics=Metrics(self.registry),
            log=self.log,
            record=self.record,
        )

    def hand_over(
        self, content: bytes, announced: Announced = ANNOUNCED, *, calling_ae: str = "SCANNER"
    ) -> Acceptance | Refused:
        incoming = self.intake.begin(announced)
        incoming.write(content)
        return self.intake.take(incoming, announced, an_origin(calling_ae=calling_ae))

    def files(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.custody.blobs.partial.parent / folder).iterdir())

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"deid_node_{name}_total", labels) or 0.0


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path / "spool")
    yield hall
    hall.custody.close()


@pytest.mark.req("REQ-RX-03")
def test_what_is_taken_is_in_custody_and_offered_and_told(hall: Hall) -> None:
    taken = hall.hand_over(a_slice())

    assert isinstance(taken, Acceptance)
    name = taken.instance.id
    assert (hall.files("received"), hall.files("partial")) == ([f"{name}.dcm"], [])
    assert hall.offered == {name: "SCANNER"}
    assert hall.count("instances_received", door="dimse", peer="any") == 1
    assert [line["instance"] for line in hall.log.lines_of(Event.INSTANCE_RECEIVED)] == [name]


def test_the_file_is_what_was_announced_and_came(hall: Hall) -> None:
    hall.hand_over(a_slice(rows=7))

    stored = dcmread(hall.custody.blobs.received / hall.files("received")[0])
    assert stored.file_meta.MediaStorageSOPInstanceUID == stored.SOPInstanceUID == UID
    assert (stored.file_meta.TransferSyntaxUID, stored.Rows) == (EXPLICIT, 7)


@pytest.mark.parametrize(
    ("announced", "content"),
    [
        (ANNOUNCED, a_slice("1.2.3.5")),
        (ANNOUNCED, b"no dataset at all"),
        (Announced(CT_IMAGE_STORAGE, "1.2.é", EXPLICIT), a_slice()),
        (Announced(CT_IMAGE_STORAGE, UID, EXPLICIT, "1.2.4"), a_slice()),
    ],
    ids=["another object", "noise", "no uid", "another study"],
)
def test_what_is_not_what_was_announced_stays_the_senders(
    announced: Announced, content: bytes, hall: Hall
) -> None:
    refused = hall.hand_over(content, announced)

    assert isinstance(refused, Refused)
    assert refused.status == 409
    assert (hall.files("received"), hall.files("partial"), hall.offered) == ([], [], {})
    (line,) = hall.log.lines_of(Event.INSTANCE_REFUSED)
    assert (line["code"], line["status"], line["peer"]) == (refused.code, "0x0199", "any")


def test_the_study_that_was_named_is_taken(hall: Hall) -> None:
    taken = hall.hand_over(a_slice(), Announced(CT_IMAGE_STORAGE, UID, EXPLICIT, "1.2.3"))

    assert isinstance(taken, Acceptance)


def test_the_same_again_is_taken_and_neither_counted_nor_offered(hall: Hall) -> None:
    first = hall.hand_over(a_slice())
    again = hall.hand_over(a_slice(), calling_ae="OTHER")

    assert isinstance(first, Acceptance)
    assert isinstance(again, Acceptance)
    assert (again.repeated, again.instance.id) == (True, first.instance.id)
    assert hall.offered == {first.instance.id: "SCANNER"}
    assert hall.count("instances_received", door="dimse", peer="any") == 1
    assert len(hall.log.lines_of(Event.INSTANCE_REPEATED)) == 1


def test_other_bytes_under_a_known_uid_are_withheld_and_not_offered(hall: Hall) -> None:
    hall.hand_over(a_slice())
    other = hall.hand_over(a_slice(rows=8))

    assert isinstance(other, Acceptance)
    assert other.conflict
    assert other.instance.id not in hall.offered
    assert hall.count("instances_withheld", code="uid_conflict") == 1


def test_a_full_disk_is_told_by_the_table_of_the_door_and_in_the_log(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hall.custody, "require_room", _raising(SpoolFull("no room")))

    refused = hall.hand_over(a_slice())

    assert refused == Refused("spool_full", 507)
    assert hall.log.events()[-2:] == [Event.INSTANCE_REFUSED, Event.SPOOL_FAILED]


def test_the_text_of_a_foreign_error_is_not_told(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spool, "accept", _raising(RuntimeError("Nobody^Here")))

    refused = hall.hand_over(a_slice())

    assert refused == Refused("unexpected", 500)
    assert "RuntimeError" in hall.log.text
    assert "Nobody" not in hall.log.text
    assert hall.files("partial") == []


def test_a_door_may_refuse_itself_what_has_come(hall: Hall) -> None:
    incoming = hall.intake.begin(ANNOUNCED)
    incoming.write(a_slice())

    refused = hall.intake.refuse(incoming, PeerNotAuthorised("x"), association="a1", peer=None)

    assert refused == Refused(PeerNotAuthorised.code, 409)
    assert hall.files("partial") == []
    assert [line["code"] for line in hall.log.lines_of(Event.INSTANCE_REFUSED)] == [refused.code]


def test_the_trail_hears_which_studies_came_and_whether_they_had_come_before(hall: Hall) -> None:
    hall.hand_over(a_slice())
    hall.hand_over(a_slice())
    hall.hand_over(a_slice("1.2.3.5"))

    hall.record.ended("a1")

    assert [(one.objects[0].id, one.action) for one in hall.told] == [
        ("new-1.2.3", "C"),
        ("new-1.2.3", "R"),
    ]


def test_a_real_instance_comes_through(hall: Hall) -> None:
    file = dcmread(packaged("CT_small.dcm"))
    with packaged("CT_small.dcm").open("rb") as raw:
        raw.seek(file.file_meta.FileMetaInformationGroupLength + 144)
        content = raw.read()

    taken = hall.hand_over(content, Announced(file.SOPClassUID, file.SOPInstanceUID, EXPLICIT))

    assert isinstance(taken, Acceptance)


def test_no_uid_shows_in_a_repr() -> None:
    assert UID not in repr(ANNOUNCED)


def _raising(error: Exception) -> Callable[..., Any]:
    def raising(*_arguments: object, **_named: object) -> Any:
        raise error

    return raising
