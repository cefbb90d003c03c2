"""The door on a real socket, with the library's own client as the peer."""

import socket
import struct
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydicom import Dataset, dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from deid_node.errors import SpoolFull
from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.scp import StorageScp
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.intake import Intake
from deid_node.receive.options import Listening, PeerOptions, ReceiveOptions
from deid_node.receive.status import status_of
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.values.identity import InstanceId
from tests.builders.custody import Spool
from tests.builders.samples import packaged
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually

CT = "1.2.840.10008.5.1.4.1.1.2"


class House:
    """A door with a spool behind it and a queue that remembers."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.custody = Custody(SpoolOptions(dir=folder, reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.offered: dict[InstanceId, str] = {}
        self.room = True
        metrics = Metrics(CollectorRegistry())
        self.door = StorageScp(
            Listening(
                "",
                "receive",
                ReceiveOptions.model_validate({"host": "127.0.0.1", "port": 0, **options}),
            ),
            StoreHandler(
                Intake(
                    Spool(self.custody),
                    self.offered.__setitem__,
                    status_of=status_of,
                    metrics=metrics,
                    log=self.log,
                )
            ),
            require_room=self._require_room,
            metrics=metrics,
            log=self.log,
        )
        self.door.start()

    def _require_room(self) -> None:
        if not self.room:
            raise SpoolFull("no room")

    def close(self) -> None:
        self.door.stop(finish_seconds=2)
        self.custody.close()

    def associate(self, *, calling: str = "SCANNER", called: str = "DEIDNODE") -> Association:
        ae = AE(calling)
        ae.requested_contexts = [
            build_context(CT, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]),
            build_context("1.2.3.4.5.6", [ImplicitVRLittleEndian]),
            build_context("1.2.840.10008.1.1", [ImplicitVRLittleEndian]),
        ]
        return ae.associate("127.0.0.1", self.door.port, ae_title=called)

    def blobs(self) -> list[Path]:
        return sorted(self.custody.blobs.received.iterdir())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "spool")
    yield house
    house.close()


def a_ct() -> Dataset:
    return dcmread(packaged("CT_small.dcm"))


def test_echo_is_answered(house: House) -> None:
    association = house.associate()

    status = association.send_c_echo()
    association.release()

    assert status.Status == 0x0000


def test_a_stored_instance_lies_in_the_spool_as_it_was_sent(house: House) -> None:
    dataset = a_ct()
    association = house.associate()

    status = association.send_c_store(dataset)
    association.release()

    assert status.Status == 0x0000
    (blob,) = house.blobs()
    stored = dcmread(blob)
    assert stored == dataset
    assert stored.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert [f"{name}.dcm" for name in house.offered] == [blob.name]


def test_an_unknown_sop_class_is_taken(house: House) -> None:
    dataset = a_ct()
    dataset.SOPClassUID = UID("1.2.3.4.5.6")
    dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.3.4.5.6")
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset = dcmread(_encoded(dataset))
    association = house.associate()

    status = association.send_c_store(dataset)
    association.release()

    assert status.Status == 0x0000
    assert len(house.blobs()) == 1


def _encoded(dataset: Dataset) -> BytesIO:
    buffer = BytesIO()
    dataset.save_as(buffer, implicit_vr=True, little_endian=True, enforce_file_format=True)
    buffer.seek(0)
    return buffer


def test_the_same_instance_again_is_success_and_no_second_blob(house: House) -> None:
    association = house.associate()

    statuses = [association.send_c_store(a_ct()).Status for _ in range(2)]
    association.release()

    assert statuses == [0x0000, 0x0000]
    assert len(house.blobs()) == len(house.offered) == 1


def test_other_bytes_of_a_known_uid_are_in_custody_but_not_worked(house: House) -> None:
    changed = a_ct()
    changed.PatientName = "Other^Name"
    association = house.associate()

    statuses = [association.send_c_store(dataset).Status for dataset in (a_ct(), changed)]
    association.release()

    assert statuses == [0x0000, 0x0000]
    assert len(house.blobs()) == 2
    assert len(house.offered) == 1
    assert house.log.lines_of(Event.INSTANCE_WITHHELD)[0]["code"] == "uid_conflict"


@pytest.mark.parametrize(
    ("calling", "called", "reason"),
    [("SCANNER", "OTHER", (1, 1, 7)), ("STRANGER", "DEIDNODE", (1, 1, 3))],
)
def test_strangers_are_turned_away_with_the_reason_of_the_standard(
    tmp_path: Path, calling: str, called: str, reason: tuple[int, int, int]
) -> None:
    peers = [PeerOptions(name="scanner", ae_title="SCANNER", address="127.0.0.0/8")]
    house = House(tmp_path / "spool", peers=peers)

    association = house.associate(calling=calling, called=called)
    house.close()

    assert association.is_rejected
    answer = association.acceptor.primitive
    assert answer is not None
    assert (answer.result, answer.result_source, answer.diagnostic) == reason
    assert "STRANGER" not in house.log.text


def test_without_room_new_associations_are_refused_for_the_moment(house: House) -> None:
    house.room = False

    association = house.associate()

    answer = association.acceptor.primitive
    assert association.is_rejected
    assert answer is not None
    assert (answer.result, answer.result_source, answer.diagnostic) == (2, 3, 1)
    assert house.door.trouble() == "no_room"


def test_one_association_too_many_is_refused_and_room_comes_back(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", max_associations=1)
    first = house.associate()

    second = house.associate()
    first.release()
    third = _associated_soon(house)

    assert second.is_rejected
    assert third.is_established
    third.release()
    house.close()


def _associated_soon(house: House) -> Association:
    for _ in range(50):
        association = house.associate()
        if association.is_established:
            return association
    pytest.fail("the door never took another association")


def test_a_full_spool_answers_out_of_resources(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    association = house.associate()
    monkeypatch.setattr(house.custody, "reserve_bytes", 1 << 62)

    status = association.send_c_store(a_ct())
    association.release()

    assert status.Status == 0xA700
    assert house.blobs() == []


def test_a_dataset_of_another_object_is_refused(house: House) -> None:
    """The command names the UIDs of the file meta, the dataset says otherwise."""
    association = house.associate()

    status = _store_raw(association, a_ct(), sop_instance_uid="1.2.3.4")
    association.release()

    assert status == 0xA900
    assert house.blobs() == []


def test_a_dataset_that_is_noise_is_refused_and_the_door_goes_on(house: House) -> None:
    association = house.associate()

    status = _store_raw(association, a_ct(), content=b"\xff" * 1000)
    after = association.send_c_echo()
    association.release()

    assert status == 0xC000
    assert after.Status == 0x0000


def _store_raw(
    association: Association,
    dataset: Dataset,
    *,
    sop_instance_uid: str | None = None,
    content: bytes | None = None,
) -> int:
    """Send C-STORE with a command and bytes that do not fit each other."""
    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.dsutils import encode

    request = C_STORE()
    request.MessageID = 1
    request.Priority = 2
    request.AffectedSOPClassUID = dataset.SOPClassUID
    request.AffectedSOPInstanceUID = sop_instance_uid or dataset.SOPInstanceUID
    request.DataSet = BytesIO(content or encode(dataset, False, True) or b"")
    context = next(c for c in association.accepted_contexts if c.abstract_syntax == CT)
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, context.context_id or 1)
    _, response = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    assert response is not None
    return int(response.Status or 0)


NOISE = pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00" * 64,
        b"\x01\x00\xff\xff\xff\xff" + b"A" * 100,
        struct.pack(">BBL", 4, 0, 0xFFFFFFFF),
        b"\x16\x03\x01\x00\xa5\x01\x00",
    ],
    ids=["http", "zeros", "associate of 4 GB", "data of 4 GB", "tls"],
)


@pytest.mark.req("REQ-NW-05")
@NOISE
def test_after_noise_no_thread_stays_behind(house: House, noise: bytes) -> None:
    """The library would leave one that waits a minute for a request."""
    before = set(threading.enumerate())

    with socket.create_connection(("127.0.0.1", house.door.port), timeout=10) as stranger:
        stranger.sendall(noise)
        stranger.shutdown(socket.SHUT_WR)
        while stranger.recv(4096):
            pass

    eventually(lambda: set(threading.enumerate()) <= before, what="all end", patience_seconds=20)


def test_a_connection_that_closes_without_a_word_leaves_no_thread(house: House) -> None:
    before = set(threading.enumerate())

    socket.create_connection(("127.0.0.1", house.door.port), timeout=10).close()

    eventually(lambda: set(threading.enumerate()) <= before, what="all end", patience_seconds=20)


@NOISE
def test_noise_on_the_port_closes_that_connection_only(house: House, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", house.door.port), timeout=10) as stranger:
        stranger.sendall(noise)
        stranger.shutdown(socket.SHUT_WR)
        while stranger.recv(4096):
            pass

    association = house.associate()

    assert association.send_c_echo().Status == 0x0000
    association.release()


def test_an_aborted_association_gives_its_place_back(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", max_associations=1)
    house.associate().abort()

    association = _associated_soon(house)

    assert association.is_established
    association.release()
    house.close()


def test_no_value_of_the_sender_reaches_the_log(house: House) -> None:
    dataset = a_ct()
    association = house.associate(calling="DOE^JANE")
    association.send_c_store(dataset)
    association.release()

    for value in ("DOE^JANE", str(dataset.PatientName), dataset.PatientID, dataset.SOPInstanceUID):
        assert str(value) not in house.log.text


def test_after_stop_nothing_listens(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    port = house.door.port

    house.close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_peer_that_only_keeps_its_association_does_not_hold_up_the_end(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    association = house.associate()

    house.door.stop(finish_seconds=3600)

    association.join(60)
    assert association.is_aborted
    house.custody.close()
