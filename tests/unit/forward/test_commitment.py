"""Storage commitment by the archive, over real sockets: the question, and every way it may end."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydicom.uid import SegmentationStorage
from pynetdicom import AE

from deid_node.errors import ConfigurationError
from deid_node.forward.build import (
    build_destination,
    build_inquirers,
    reporting_titles,
    require_own_title,
)
from deid_node.forward.dimse.commitment_request import CommitmentAsker
from deid_node.forward.options import CStoreOptions
from deid_node.forward.sender import Sender
from deid_node.observe.events import Event
from deid_node.observe.labels import ConfiguredNames
from deid_node.observe.metrics import Metrics
from deid_node.receive.build import build_reception
from deid_node.receive.options import ReceiveOptions
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import WorkList
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import Spool, sealed
from tests.builders.values import an_arrival
from tests.fakes.committing_archive import CommittingArchive, Question, committing_archive
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_parcels import a_parcel
from tests.fakes.waiting import eventually, free_port

# The library's client leaves a socket to the garbage collector where nobody listens.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SOON = RetryPolicy(0.05, 1, 0.05)
React = Callable[[CommittingArchive, Question], None]


class House:
    """A spool, a sender to one archive, and a door for the archive's reports."""

    def __init__(self, folder: Path, port: int, *, door: Any = None, **options: Any) -> None:
        self.folder = folder
        self.custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry(), ConfiguredNames(destinations=("archive",)))
        settings = CStoreOptions.model_validate(
            {
                "kind": "cstore",
                "ae_title": "ARCHIVE",
                "host": "127.0.0.1",
                "port": port,
                "timeout_seconds": 5,
                "max_associations": 1,
                "commitment": "required",
                **options,
            }
        )
        destinations = {"archive": settings}
        hearing, inquirers = build_inquirers(
            destinations, self.custody, SOON, metrics=self.metrics, log=self.log
        )
        self.inquirer = inquirers["archive"]
        self.inquirer._gather_seconds = 0.1
        asker = self.inquirer._asker
        assert isinstance(asker, CommitmentAsker)
        self.asker = asker
        asker._stay_seconds = 0.6
        self.sender = Sender(
            build_destination("archive", settings),
            Deliveries(self.custody),
            SOON,
            log=self.log,
            metrics=self.metrics,
            inquirer=self.inquirer,
            look_again_seconds=0.1,
        )
        reception = build_reception(
            ReceiveOptions.model_validate({"host": "127.0.0.1", "port": 0, **(door or {})}),
            self.custody,
            lambda *_: None,
            metrics=self.metrics,
            log=self.log,
            hear=hearing.hear,
            archives=reporting_titles(destinations),
        )
        (self.door,), self.reporter = reception.doors, reception.reporter

    def start(self) -> None:
        self.door.start()
        self.sender.start()

    def close(self) -> None:
        self.door.stop(finish_seconds=2)
        self.sender.stop(finish_seconds=10)
        self.custody.close()

    def clean(self, count: int = 1) -> list[str]:
        """Put sealed instances into the spool and return their new UIDs."""
        uids = []
        for number in range(1, count + 1):
            spool = Spool(self.custody)
            received = spool.accept(an_arrival(f"1.2.{number}"), [b"original %d" % number])
            order = spool.claim(received.instance.id)
            assert isinstance(order, WorkOrder)
            parcel = a_parcel(self.folder, number=number)
            order.output.write_bytes(parcel.path.read_bytes())
            blob = type(parcel.instance.blob)(
                f"{order.id}.dcm",
                parcel.instance.blob.size_bytes,
                parcel.instance.blob.sha256,
            )
            spool.record(order, Cleaned(_renamed(parcel.instance, order.id, blob)))
            uids.append(parcel.instance.sop_instance_uid)
        self.sender.wake()
        return uids

    def states(self) -> list[str]:
        rows = self.custody.read("SELECT state FROM instances ORDER BY sequence")
        return [str(row["state"]) for row in rows]

    def wait_for(self, state: str, *, what: str = "the instances end") -> None:
        eventually(lambda: set(self.states()) == {state}, what=what, patience_seconds=30)

    def counted(self, result: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "deid_node_archive_commitments_total", {"destination": "archive", "result": result}
        )
        assert value is not None
        return value


def _renamed(instance: Any, identifier: Any, blob: Any) -> Any:
    return dataclasses.replace(instance, id=identifier, blob=blob)


@contextmanager
def bench(
    folder: Path, react: React | None = None, *, archive: Any = None, **options: Any
) -> Iterator[tuple[House, CommittingArchive]]:
    with committing_archive(react, **(archive or {})) as peer:
        house = House(folder, peer.port, **options)
        house.start()
        try:
            yield house, peer
        finally:
            house.close()


def here(archive: CommittingArchive, question: Question) -> None:
    archive.report_here(question)


@pytest.mark.req("REQ-FW-08")
def test_what_the_archive_commits_to_on_the_same_association_is_delivered(tmp_path: Path) -> None:
    with bench(tmp_path, here) as (house, archive):
        uids = house.clean(5)
        house.wait_for("delivered")

        assert sorted(uid for one in archive.questions for uid in one.uids) == sorted(uids)
        eventually(lambda: len(archive.answers) == len(archive.questions), what="the answers")
        assert set(archive.answers) == {0x0000}
        eventually(lambda: house.counted("confirmed") == 5, what="the count")
        assert len(house.log.lines_of(Event.INSTANCE_SENT)) == 5
        assert len(house.log.lines_of(Event.INSTANCE_DELIVERED)) == 5


@pytest.mark.req("REQ-FW-08")
@pytest.mark.parametrize("door", [{}, {"peers": []}], ids=["any may send", "nobody may send"])
def test_a_report_on_an_association_of_the_archives_own_is_heard_at_the_door(
    tmp_path: Path, door: dict[str, Any]
) -> None:
    holder: list[House] = []

    def call_back(archive: CommittingArchive, question: Question) -> None:
        archive.report_to(holder[0].door.port, question)

    with bench(tmp_path, call_back, door=door) as (house, archive):
        holder.append(house)
        house.clean(2)
        house.wait_for("delivered")
        eventually(lambda: len(archive.answers) == len(archive.questions), what="the answers")

        assert set(archive.answers) == {0x0000}


def report_and_hang_up(archive: CommittingArchive, question: Question) -> None:
    archive.report_here(question)
    question.association.abort()


@pytest.mark.req("REQ-FW-08")
@pytest.mark.parametrize(
    ("react", "status"),
    [(here, 0x0000), (here, 0x0110), (report_and_hang_up, 0x0000)],
    ids=["takes the question", "refuses it", "aborts"],
)
def test_a_report_that_comes_before_the_question_is_answered_counts(
    tmp_path: Path, react: React, status: int
) -> None:
    """Whatever the archive says to the question afterwards."""
    hasty = {"is_hasty": True, "statuses": (status,)}
    with bench(tmp_path, react, archive=hasty) as (house, archive):
        # All in one question.
        house.inquirer._gather_seconds = 1.0
        house.clean(3)
        house.wait_for("delivered")
        eventually(lambda: house.counted("confirmed") == 3, what="the count")

        eventually(lambda: archive.answers, what="the answer to the report")
        assert archive.answers == [0x0000]
        assert [sorted(one.uids) for one in archive.questions] == [sorted(archive.stored)]
        assert len(archive.stored) == 3
        assert len(house.log.lines_of(Event.INSTANCE_DELIVERED)) == 3


@pytest.mark.req("REQ-FW-08")
def test_a_report_at_the_door_before_the_question_is_answered_counts(tmp_path: Path) -> None:
    holder: list[House] = []

    def call_back(archive: CommittingArchive, question: Question) -> None:
        archive.report_to(holder[0].door.port, question, failed=question.uids[:1])

    with bench(tmp_path, call_back, archive={"is_hasty": True}) as (house, archive):
        holder.append(house)
        house.inquirer._gather_seconds = 1.0
        first, *_ = house.clean(3)
        eventually(lambda: archive.answers, what="the first report")
        eventually(lambda: archive.stored.count(first) > 1, what="what failed is sent again")

        assert sorted(house.states())[-2:] == ["delivered", "delivered"]
        assert archive.stored.count(first) == len(archive.stored) - 2


@pytest.mark.req("REQ-FW-08")
def test_the_bytes_stay_until_the_archive_has_committed(tmp_path: Path) -> None:
    go_on = threading.Event()
    holder: list[House] = []

    def later(archive: CommittingArchive, question: Question) -> None:
        assert go_on.wait(60)
        archive.report_to(holder[0].door.port, question)

    with bench(tmp_path, later) as (house, archive):
        holder.append(house)
        house.clean()
        eventually(lambda: archive.questions, what="the question")
        Retention(house.custody).remove_expired()
        blobs = house.custody.blobs

        assert house.states() == ["clean"]
        assert len(list(blobs.received.iterdir())) == len(list(blobs.clean.iterdir())) == 1
        go_on.set()
        house.wait_for("delivered")
        Retention(house.custody).remove_expired()
        assert not [*blobs.received.iterdir(), *blobs.clean.iterdir()]


@pytest.mark.req("REQ-FW-09")
def test_what_the_archive_does_not_commit_to_is_sent_again(tmp_path: Path) -> None:
    def fail_once(archive: CommittingArchive, question: Question) -> None:
        archive.report_here(question, failed=["2.25.1.2"] if len(archive.questions) == 1 else ())

    with bench(tmp_path, fail_once) as (house, archive):
        # All in one question.
        house.inquirer._gather_seconds = 1.0
        uids = house.clean(3)
        house.wait_for("delivered")

        assert sorted(archive.stored) == sorted([*uids, "2.25.1.2"])
        eventually(lambda: house.counted("failed") == 1, what="the count")
        eventually(lambda: house.counted("confirmed") == 3, what="the count")


@pytest.mark.req("REQ-FW-09")
def test_an_instance_is_committed_to_with_its_companion_or_not_at_all(tmp_path: Path) -> None:
    def forget_the_companion_once(archive: CommittingArchive, question: Question) -> None:
        forgotten = [
            uid for sop_class, uid in question.references if sop_class == SegmentationStorage
        ]
        archive.report_here(question, failed=forgotten if len(archive.questions) == 1 else ())

    with bench(tmp_path, forget_the_companion_once) as (house, archive):
        instance = sealed(house.custody, tmp_path, number=1, with_companion=True).instance
        house.sender.wake()
        house.wait_for("delivered")

        uids = [content.sop_instance_uid for content in instance.contents]
        assert archive.stored == uids * 2
        assert [sorted(question.uids) for question in archive.questions] == [sorted(uids)] * 2
        assert house.counted("failed") == 1
        # It is counted after the journal has it.
        eventually(lambda: house.counted("confirmed") == 1, what="the confirmation is counted")


@pytest.mark.req("REQ-FW-09")
def test_what_is_never_committed_to_is_withheld_and_can_be_released(tmp_path: Path) -> None:
    willing = threading.Event()

    def stubborn(archive: CommittingArchive, question: Question) -> None:
        archive.report_here(question, failed=() if willing.is_set() else question.uids)

    with bench(tmp_path, stubborn, commitment_sendings=2) as (house, archive):
        house.clean()
        house.wait_for("withheld")
        (entry,) = WorkList(house.custody).entries()

        assert entry.code == "commitment_failed"
        assert len(archive.stored) == 2
        codes = [line["code"] for line in house.log.lines_of(Event.DELIVERY_REFUSED)]
        assert codes == ["commitment_failed"]

        willing.set()
        WorkList(house.custody).release(entry.id, person="anna")
        house.wait_for("delivered")


@pytest.mark.req("REQ-FW-09")
def test_an_archive_that_never_answers_is_sent_it_again_and_then_it_is_withheld(
    tmp_path: Path,
) -> None:
    with bench(tmp_path, commitment_seconds=0.3, commitment_sendings=2) as (house, archive):
        house.clean()
        house.wait_for("withheld")

        assert len(archive.stored) == len(archive.questions) == 2
        eventually(lambda: house.counted("unanswered") == 2, what="the count")


@pytest.mark.req("REQ-FW-09")
def test_an_answer_that_comes_too_late_counts_all_the_same(tmp_path: Path) -> None:
    """The instance is due again by then, and the archive is down: nothing else can end it."""
    port = free_port()
    with committing_archive(port=port) as archive:
        house = House(tmp_path, port, commitment_seconds=0.3, commitment_sendings=2)
        house.start()
        house.clean()
        eventually(lambda: archive.questions, what="the question")
    eventually(lambda: house.log.lines_of(Event.INQUIRY_EXPIRED), what="it is too late")

    archive.report_to(house.door.port, archive.questions[0])
    house.wait_for("delivered")
    house.close()

    assert archive.answers == [0x0000]


def test_an_answer_that_comes_twice_changes_nothing(tmp_path: Path) -> None:
    def twice(archive: CommittingArchive, question: Question) -> None:
        archive.report_here(question)
        archive.report_here(question, failed=question.uids)

    with bench(tmp_path, twice) as (house, archive):
        house.asker._stay_seconds = 3.0
        house.clean()
        house.wait_for("delivered")
        archive.report_to(house.door.port, archive.questions[0], failed=archive.questions[0].uids)

        assert archive.answers[-1] == 0x0000
        assert house.states() == ["delivered"]
        assert house.counted("failed") == 0


@pytest.mark.req("REQ-FW-09")
def test_what_an_answer_leaves_out_is_not_committed_to(tmp_path: Path) -> None:
    def halve(archive: CommittingArchive, question: Question) -> None:
        first = Question(question.transaction, question.references[:1], question.association)
        archive.report_here(first)

    with bench(tmp_path, halve) as (house, _archive):
        house.inquirer._gather_seconds = 1.0
        house.clean(2)
        house.wait_for("delivered")

        eventually(lambda: house.counted("failed") == 1, what="the count")


@pytest.mark.req("REQ-FW-09")
def test_a_report_to_another_transaction_is_refused_and_settles_nothing(tmp_path: Path) -> None:
    with bench(tmp_path) as (house, archive):
        house.clean()
        eventually(lambda: archive.questions, what="the question")
        archive.report_to(house.door.port, archive.questions[0], transaction="2.25.999")

        assert archive.answers == [0x0115]
        assert house.states() == ["clean"]


def test_an_archive_may_report_and_nothing_else_where_it_is_no_peer(tmp_path: Path) -> None:
    with bench(tmp_path, door={"peers": []}) as (house, _archive):
        entity = AE("ARCHIVE")
        entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2")
        entity.add_requested_context("1.2.840.10008.1.20.1")
        association = entity.associate("127.0.0.1", house.door.port, ae_title="DEIDNODE")

        assert association.is_rejected


@pytest.mark.req("REQ-FW-10")
@pytest.mark.parametrize(
    "archive", [{"offers": False}, {"statuses": (0x0122,)}], ids=["no context", "no such class"]
)
def test_wanted_is_off_where_it_is_not_offered_and_said_once(
    tmp_path: Path, archive: dict[str, Any]
) -> None:
    with bench(tmp_path, archive=archive, commitment="wanted") as (house, peer):
        house.clean(3)
        house.wait_for("delivered")

        assert len(peer.stored) == 3
        (line,) = house.log.lines_of(Event.COMMITMENT_NOT_OFFERED)
        assert (line["level"], line["state"]) == ("warning", "wanted")


@pytest.mark.req("REQ-FW-10")
def test_required_waits_for_an_archive_that_learns_to_commit(tmp_path: Path) -> None:
    with bench(tmp_path, here, archive={"statuses": (0x0211, 0x0110, 0x0000)}) as (house, archive):
        house.clean()
        house.wait_for("delivered")

        assert len(archive.questions) == 3
        assert len({one.transaction for one in archive.questions}) == 1
        (line,) = house.log.lines_of(Event.COMMITMENT_NOT_OFFERED)
        assert (line["level"], line["state"]) == ("error", "required")
        assert len(archive.stored) == 1


def test_wanted_takes_silence_for_consent(tmp_path: Path) -> None:
    with bench(tmp_path, commitment="wanted", commitment_seconds=0.3) as (house, archive):
        house.clean()
        house.wait_for("delivered")

        assert len(archive.stored) == len(archive.questions) == 1
        eventually(lambda: house.counted("unanswered") == 1, what="the count")


@pytest.mark.req("REQ-FW-08")
def test_what_was_asked_before_a_restart_is_answered_after_it(tmp_path: Path) -> None:
    with committing_archive() as archive:
        before = House(tmp_path, archive.port)
        before.start()
        before.clean(2)
        eventually(lambda: before.log.lines_of(Event.INQUIRY_SENT), what="it was asked")
        before.close()

        after = House(tmp_path, archive.port)
        after.start()
        for question in archive.questions:
            archive.report_to(after.door.port, question)
        after.wait_for("delivered")
        after.close()

    assert len(archive.stored) == 2


def test_what_waits_for_an_answer_is_delivered_where_nobody_is_asked_any_more(
    tmp_path: Path,
) -> None:
    with committing_archive() as archive:
        before = House(tmp_path, archive.port)
        before.start()
        before.clean()
        eventually(lambda: before.log.lines_of(Event.INQUIRY_SENT), what="it was asked")
        before.close()

        after = House(tmp_path, archive.port, commitment="off")
        after.start()
        after.wait_for("delivered")
        after.close()


def test_an_archive_that_goes_away_before_it_is_asked_shows_at_once(tmp_path: Path) -> None:
    port = free_port()
    with committing_archive(port=port):
        house = House(tmp_path, port, commitment="wanted")
        house.inquirer._gather_seconds = 3600
        house.start()
        house.clean()
        eventually(lambda: house.log.lines_of(Event.INSTANCE_SENT), what="it was sent")
        assert house.sender.reachable
    house.inquirer._gather_seconds = 0.1

    eventually(lambda: not house.sender.reachable, what="the health says so")
    assert len(house.log.lines_of(Event.DESTINATION_UNREACHABLE)) == 1
    with committing_archive(here, port=port):
        house.wait_for("delivered")
        eventually(lambda: house.sender.reachable, what="the health is well again")
    house.close()


# The library's server, when it ends, aborts a caller that has said nothing yet: a knock. Its
# state machine has no such event there, and its thread dies of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_archive_that_goes_away_while_it_owes_an_answer_shows_soon(tmp_path: Path) -> None:
    port = free_port()
    with committing_archive(port=port):
        house = House(tmp_path, port, commitment="wanted")
        house.inquirer._knock_seconds = 0.2
        house.start()
        house.clean()
        eventually(lambda: house.log.lines_of(Event.INQUIRY_SENT), what="it was asked")
        assert house.sender.reachable

    eventually(lambda: not house.sender.reachable, what="the health says so")
    with committing_archive(port=port):
        eventually(lambda: house.sender.reachable, what="it is there again")
    house.close()


def test_no_uid_reaches_the_log(tmp_path: Path) -> None:
    with bench(tmp_path, here) as (house, archive):
        house.clean()
        house.wait_for("delivered")

        assert archive.questions[0].transaction not in house.log.text
        assert "2.25.1.1" not in house.log.text


def test_an_archive_that_would_report_to_another_title_keeps_the_node_from_starting() -> None:
    options = CStoreOptions(
        kind="cstore",
        ae_title="ARCHIVE",
        host="127.0.0.1",
        port=104,
        calling_ae_title="OTHER",
        commitment="wanted",
    )

    with pytest.raises(ConfigurationError, match="commitment"):
        require_own_title(options, {"DEIDNODE"}, path="forward.destinations.archive")
