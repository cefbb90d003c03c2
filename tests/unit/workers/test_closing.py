"""Who closes series: the bookkeeper with the last instance, the janitor with the time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.spool.claims import Claims
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions
from deid_node.spool.open_series import OpenSeriesList
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Waiting
from deid_node.values.series import Place
from deid_node.work.bookkeeper import Bookkeeper
from deid_node.work.closing import Closing
from deid_node.work.janitor import Janitor
from deid_node.work.queue import WorkQueue
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually
from tests.unit.spool.test_inventory import arrive
from tests.unit.spool.test_series import LIMITS, shift, state_of, waits


@pytest.fixture
def custody(tmp_path: Path) -> Iterator[Custody]:
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    yield custody
    custody.close()


@pytest.fixture
def log() -> RecordingLog:
    return RecordingLog()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def closed(metrics: Metrics, reason: str) -> float | None:
    return metrics.registry.get_sample_value("deid_node_series_closed_total", {"reason": reason})


def janitor_of(
    custody: Custody, metrics: Metrics, log: RecordingLog, *, reserve_bytes: int = 0
) -> tuple[Janitor, WorkQueue]:
    queue = WorkQueue()
    janitor = Janitor(
        retention=Retention(custody),
        waiting=Claims(custody),
        decisions=Decisions(custody),
        queue=queue,
        log=log,
        reserve_bytes=reserve_bytes,
        closing=Closing.over(custody, queue, metrics=metrics, log=log),
        period_seconds=3600,
    )
    return janitor, queue


def test_the_bookkeeper_tells_who_goes_on(
    custody: Custody, metrics: Metrics, log: RecordingLog
) -> None:
    bookkeeper = Bookkeeper(Claims(custody), lambda _: None, metrics=metrics, log=log)
    going = []
    for number, treatment in ((1, "research"), (2, "research"), (3, "research"), (4, "project")):
        order = bookkeeper.claim(arrive(custody, number))
        assert isinstance(order, WorkOrder)
        place = Place("axial", float(number))
        going.append(bookkeeper.hold(order, Waiting(treatment, LIMITS, place, 2)))

    assert going[0] == {}
    assert [len(some) for some in going[1].values()] == [2]
    assert [len(some) for some in going[2].values()] == [1]
    assert going[3] == {}
    assert len(log.lines_of(Event.SERIES_AWAITED)) == 3
    assert len(log.lines_of(Event.SERIES_MISSED)) == 1
    (line,) = log.lines_of(Event.SERIES_CLOSED)
    assert (line["code"], line["count"], line["treatment"]) == ("count", 2, "research")
    assert closed(metrics, "count") == 1


def test_the_janitor_lets_a_quiet_series_go_on_without_a_sweep(
    custody: Custody, metrics: Metrics, log: RecordingLog
) -> None:
    instance, _ = waits(custody, 1)
    janitor, queue = janitor_of(custody, metrics, log)
    janitor.start()

    def taken_after_a_while() -> InstanceId | None:
        # Again: its start lets the quiet begin anew, and may come after the first.
        shift(custody, 100)
        return queue.take(timeout_seconds=2)

    taken = eventually(taken_after_a_while, what="it goes on")
    janitor.stop()

    assert taken == instance
    assert closed(metrics, "quiet") == 1


def test_what_a_person_lets_go_on_is_taken_and_told(
    custody: Custody, metrics: Metrics, log: RecordingLog
) -> None:
    instance, _ = waits(custody, 1)
    janitor, queue = janitor_of(custody, metrics, log)
    janitor.start()

    OpenSeriesList(custody).release([1], person="anna")
    taken = queue.take(timeout_seconds=60)
    eventually(lambda: log.lines_of(Event.SERIES_RELEASED), what="it is told")
    janitor.stop()

    assert taken == instance
    (line,) = log.lines_of(Event.SERIES_RELEASED)
    assert (line["instance"], line["code"]) == (instance, "held")


def test_at_the_reserve_of_the_disk_nothing_is_waited_for(
    custody: Custody, metrics: Metrics, log: RecordingLog
) -> None:
    instance, _ = waits(custody, 1)
    janitor, queue = janitor_of(custody, metrics, log, reserve_bytes=2**62)

    janitor.sweep()

    assert queue.take(timeout_seconds=0) == instance
    assert state_of(custody, instance) == "received"
    assert closed(metrics, "disk") == 1
