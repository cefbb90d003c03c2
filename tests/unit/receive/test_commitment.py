"""Storage commitment over real sockets: the question, and the answer on either association."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.receive.build import build_reception
from deid_node.receive.dimse import commitment_reporter as reporter_module
from deid_node.receive.options import ReceiveOptions
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.values.retry import RetryPolicy
from tests.builders.samples import packaged
from tests.fakes.commitment_user import CT, Reports, ask, calling, waiting_user
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually, free_port


class House:
    """A door and its reporter, with a spool behind them."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.custody = Custody(SpoolOptions(dir=folder, reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        reception = build_reception(
            ReceiveOptions.model_validate({"host": "127.0.0.1", "port": 0, **options}),
            self.custody,
            lambda *_: None,
            metrics=self.metrics,
            log=self.log,
        )
        (self.door,), self.reporter = reception.doors, reception.reporter
        self.reporter.start()
        self.door.start()

    def close(self) -> None:
        self.door.stop(finish_seconds=2)
        self.reporter.stop()
        self.custody.close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = RetryPolicy(first_seconds=0.2, factor=1, cap_seconds=0.2)
    named = reporter_module.Reporter.__init__.__kwdefaults__
    assert named is not None
    monkeypatch.setitem(named, "retry", policy)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "spool")
    yield house
    house.close()


def called_back(folder: Path, port: int) -> House:
    peer = {"name": "ct", "ae_title": "SCANNER", "report_to": {"host": "127.0.0.1", "port": port}}
    return House(folder, peers=[peer])


def sent(house: House, reports: Reports) -> str:
    """Send one instance and return its SOP Instance UID."""
    dataset = dcmread(packaged("CT_small.dcm"))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(None)
    association = calling(house.door.port, reports)
    assert association.send_c_store(dataset).Status == 0
    association.release()
    return str(dataset.SOPInstanceUID)


@pytest.mark.req("REQ-RX-14")
def test_a_scanner_that_waits_on_its_association_hears_there(house: House) -> None:
    reports = Reports()
    uid = sent(house, reports)
    association = calling(house.door.port, reports)

    status = ask(association, [(CT, uid)], transaction="2.25.77")
    eventually(lambda: reports.heard, what="the report", patience_seconds=20)
    association.release()

    assert status == 0
    assert reports.heard[0][0] == 1
    assert reports.heard[0][1].TransactionUID == "2.25.77"
    assert (reports.confirmed(), reports.failed()) == ([uid], {})


@pytest.mark.req("REQ-RX-15")
def test_what_is_not_held_stands_in_the_failed_list_with_its_reason(house: House) -> None:
    reports = Reports()
    uid = sent(house, reports)
    association = calling(house.door.port, reports)

    ask(association, [(CT, uid), (CT, "2.25.404"), ("1.2.840.10008.5.1.4.1.1.4", uid)])
    eventually(lambda: reports.heard, what="the report", patience_seconds=20)
    association.release()

    assert reports.heard[0][0] == 2
    items = reports.heard[0][1].FailedSOPSequence
    assert reports.confirmed() == [uid]
    assert [item.FailureReason for item in items] == [0x0112, 0x0119]
    count = house.metrics.registry.get_sample_value
    assert count("deid_node_committed_instances_total", {"result": "confirmed"}) == 1
    assert count("deid_node_committed_instances_total", {"result": "failed"}) == 2


@pytest.mark.req("REQ-RX-16")
def test_a_scanner_that_goes_away_is_told_when_it_comes_again(house: House) -> None:
    reports = Reports()
    uid = sent(house, reports)
    association = calling(house.door.port, reports)
    ask(association, [(CT, uid)])
    association.release()

    later = calling(house.door.port, reports)
    eventually(lambda: reports.heard, what="the report", patience_seconds=20)
    later.release()

    assert reports.confirmed() == [uid]


@pytest.mark.req("REQ-RX-14")
def test_a_scanner_that_is_to_be_called_back_is_called_back(tmp_path: Path) -> None:
    reports = Reports()
    with waiting_user(reports):
        house = called_back(tmp_path / "spool", reports.port)
        uid = sent(house, reports)
        association = calling(house.door.port, Reports())
        ask(association, [(CT, uid)])
        association.release()

        eventually(lambda: reports.heard, what="the report", patience_seconds=20)
        house.close()

    assert reports.confirmed() == [uid]


# The library's client leaves a socket to the garbage collector where nobody listens.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.req("REQ-RX-16")
def test_a_scanner_that_is_away_or_fails_is_called_again_until_it_has_heard(
    tmp_path: Path,
) -> None:
    port = free_port()
    house = called_back(tmp_path / "spool", port)
    uid = sent(house, Reports())
    association = calling(house.door.port, Reports())
    ask(association, [(CT, uid)])
    association.release()
    eventually(lambda: house.log.lines_of(Event.COMMITMENT_POSTPONED), what="a call in vain")

    reports = Reports(statuses=[0x0110])
    with waiting_user(reports, port=port):
        eventually(lambda: len(reports.heard) == 2, what="two reports", patience_seconds=30)
        eventually(lambda: house.log.lines_of(Event.COMMITMENT_REPORTED), what="it is settled")
    house.close()

    assert reports.confirmed() == [uid]
    assert len(house.log.lines_of(Event.COMMITMENT_REPORTED)) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.req("REQ-RX-16")
def test_what_was_asked_before_a_restart_is_answered_after_it(tmp_path: Path) -> None:
    port = free_port()
    before = called_back(tmp_path / "spool", port)
    uid = sent(before, Reports())
    association = calling(before.door.port, Reports())
    ask(association, [(CT, uid)])
    association.release()
    before.close()

    reports = Reports()
    with waiting_user(reports, port=port):
        after = called_back(tmp_path / "spool", port)
        eventually(lambda: reports.heard, what="the report", patience_seconds=20)
        after.close()

    assert reports.confirmed() == [uid]


@pytest.mark.parametrize(
    ("references", "how", "status"),
    [
        ([], {}, 0x0115),
        ([(CT, "2.25.1")], {"transaction": ""}, 0x0115),
        ([(CT, "2.25.1")], {"action": 2}, 0x0123),
        ([(CT, "2.25.1")], {"instance": "1.2.3"}, 0x0112),
    ],
    ids=["nothing asked for", "no transaction", "another action", "another instance"],
)
def test_a_question_that_is_none_gets_a_status_and_no_report(
    house: House, references: list[tuple[str, str]], how: dict[str, Any], status: int
) -> None:
    reports = Reports()
    association = calling(house.door.port, reports)

    answered = ask(association, references, **how)
    association.release()

    assert answered == status
    assert house.custody.read("SELECT * FROM commitments") == []


def test_a_question_that_cannot_be_kept_is_not_answered_with_success(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deid_node.errors import SpoolUnavailable

    def fail(_work: object) -> None:
        raise SpoolUnavailable("the journal is closed")

    association = calling(house.door.port, Reports())
    monkeypatch.setattr(house.custody, "write", fail)

    status = ask(association, [(CT, "2.25.1")])
    monkeypatch.undo()
    association.release()

    assert status == 0x0213


def test_no_uid_of_the_question_reaches_the_log(house: House) -> None:
    reports = Reports()
    association = calling(house.door.port, reports)
    ask(association, [(CT, "2.25.31337")], transaction="2.25.4711")
    eventually(lambda: reports.heard, what="the report", patience_seconds=20)
    association.release()

    assert "31337" not in house.log.text
    assert "4711" not in house.log.text
