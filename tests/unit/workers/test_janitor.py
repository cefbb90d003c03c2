import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from deid_node.errors import SpoolUnavailable
from deid_node.observe.events import Event
from deid_node.spool.decisions import PersonsDecision, Verb
from deid_node.values.identity import InstanceId
from deid_node.work.janitor import Janitor
from deid_node.work.queue import WorkQueue
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually

AT = datetime(2026, 3, 4, 10, 11, 12, tzinfo=UTC)


class FakeSpool:
    """Portions to remove, ids that wait, free space; each may fail."""

    def __init__(self) -> None:
        self.portions: list[int] = []
        self.waiting: dict[str, list[InstanceId]] = {}
        self.decided: list[PersonsDecision] = []
        self.heard: list[PersonsDecision] = []
        self.free = 1000
        self.error: Exception | None = None
        self.swept = threading.Event()

    def remove_expired(self) -> int:
        if self.error is not None:
            raise self.error
        return self.portions.pop(0) if self.portions else 0

    def received(self) -> Mapping[str, Sequence[InstanceId]]:
        return self.waiting

    def untold(self) -> Sequence[PersonsDecision]:
        return [one for one in self.decided if one not in self.heard]

    def are_waiting(self) -> bool:
        return bool(self.untold())

    def told(self, decisions: Sequence[PersonsDecision]) -> None:
        self.heard += decisions

    def free_bytes(self) -> int:
        self.swept.set()
        return self.free


@pytest.fixture
def spool() -> FakeSpool:
    return FakeSpool()


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue()


@pytest.fixture
def log() -> RecordingLog:
    return RecordingLog()


def janitor_of(
    spool: FakeSpool, queue: WorkQueue, log: RecordingLog, *, reserve_bytes: int = 100, **parts: Any
) -> Janitor:
    """Return a janitor of `spool`, with further `parts`."""
    return Janitor(
        retention=spool,
        waiting=spool,
        decisions=spool,
        queue=queue,
        log=log,
        reserve_bytes=reserve_bytes,
        **parts,
    )


@pytest.fixture
def janitor(spool: FakeSpool, queue: WorkQueue, log: RecordingLog) -> Janitor:
    return janitor_of(
        spool,
        queue,
        log,
        period_seconds=3600,
    )


def test_bytes_past_their_retention_are_removed_to_the_last_portion(
    janitor: Janitor, spool: FakeSpool, log: RecordingLog
) -> None:
    spool.portions = [500, 7]

    janitor.sweep()

    assert [line["count"] for line in log.lines_of(Event.BLOBS_REMOVED)] == [500, 7]


def test_what_the_queue_forgot_is_found_in_the_journal(
    janitor: Janitor, spool: FakeSpool, queue: WorkQueue
) -> None:
    a, b, c, d = (InstanceId(name) for name in "abcd")
    spool.waiting = {"CT": [a, b, c], "US": [d]}
    queue.offer(b, "CT")

    janitor.sweep()
    janitor.sweep()

    assert [queue.take(timeout_seconds=0) for _ in range(5)] == [b, d, a, c, None]


def test_the_disk_is_told_of_when_it_crosses_the_reserve_and_only_then(
    janitor: Janitor, spool: FakeSpool, log: RecordingLog
) -> None:
    for free in (1000, 99, 50, 100, 500):
        spool.free = free
        janitor.sweep()

    assert [(line["event"], line["free_bytes"]) for line in log.lines] == [
        ("spool_low", 99),
        ("spool_recovered", 100),
    ]


@pytest.mark.parametrize("error", [SpoolUnavailable("no journal"), OSError("a path")])
def test_a_task_that_fails_does_not_keep_the_others_from_being_done(
    error: Exception, janitor: Janitor, spool: FakeSpool, queue: WorkQueue, log: RecordingLog
) -> None:
    spool.error = error
    spool.waiting = {"CT": [InstanceId("a")]}

    janitor.sweep()

    assert len(queue) == 1
    assert log.events() == [Event.SPOOL_FAILED]
    assert "a path" not in log.text


def test_it_sweeps_at_the_start_and_stops_at_once(janitor: Janitor, spool: FakeSpool) -> None:
    janitor.start()
    assert spool.swept.wait(60)

    janitor.stop()


def test_what_a_person_decides_is_not_left_to_the_next_sweep(
    janitor: Janitor, spool: FakeSpool
) -> None:
    janitor.start()
    assert spool.swept.wait(30)

    spool.decided = [PersonsDecision(1, InstanceId("aa"), Verb.RELEASE, "no_rule", "anna", AT)]

    eventually(lambda: spool.heard, what="the decision is told")
    janitor.stop()


def test_one_that_was_never_started_can_be_stopped(janitor: Janitor, spool: FakeSpool) -> None:
    janitor.stop()

    assert not spool.swept.is_set()


@pytest.mark.req("REQ-RX-17")
def test_what_people_decided_is_logged(
    janitor: Janitor, spool: FakeSpool, log: RecordingLog
) -> None:
    first, second = InstanceId("00000000000000aa"), InstanceId("00000000000000bb")
    spool.decided = [
        PersonsDecision(1, first, Verb.RELEASE, "no_rule", "anna", AT),
        PersonsDecision(2, second, Verb.DISCARD, "residual_text", "bert", AT),
    ]

    janitor.sweep()
    janitor.sweep()

    released = log.lines_of(Event.INSTANCE_RELEASED)
    discarded = log.lines_of(Event.INSTANCE_DROPPED)
    assert [(one["instance"], one["code"]) for one in released] == [(first, "no_rule")]
    assert [(one["instance"], one["code"]) for one in discarded] == [(second, "residual_text")]


@pytest.mark.req("REQ-OB-09")
def test_a_decision_counts_as_told_only_with_the_audit_trail_on_disk(
    spool: FakeSpool, queue: WorkQueue, log: RecordingLog
) -> None:
    recorded: list[PersonsDecision] = []
    disk_is_full = True

    def record(decisions: Sequence[PersonsDecision]) -> None:
        if disk_is_full:
            raise SpoolUnavailable("no space")
        recorded.extend(decisions)

    janitor = janitor_of(spool, queue, log, reserve_bytes=0, record=record)
    decision = PersonsDecision(
        1, InstanceId("00000000000000aa"), Verb.RELEASE, "no_rule", "anna", AT
    )
    spool.decided = [decision]

    janitor.sweep()
    assert spool.heard == []
    disk_is_full = False
    janitor.sweep()

    assert recorded == spool.heard == [decision]


class Neglected:
    """Moments that a wrong clock has written, and deliveries that nobody will make."""

    def __init__(self) -> None:
        self.moments = [3, 0, 0]
        self.waiting: dict[str, int] = {"old": 2}

    def correct(self) -> int:
        return self.moments.pop(0)

    def stranded(self) -> Mapping[str, int]:
        return dict(self.waiting)


def test_a_wrong_clock_and_a_destination_that_is_gone_are_told_once_each(
    spool: FakeSpool, queue: WorkQueue, log: RecordingLog
) -> None:
    neglected = Neglected()
    janitor = janitor_of(
        spool,
        queue,
        log,
        clock=neglected,
        leftovers=neglected,
    )

    janitor.sweep()
    janitor.sweep()
    neglected.waiting = {"old": 5}
    janitor.sweep()

    assert [line["count"] for line in log.lines_of(Event.CLOCK_CORRECTED)] == [3]
    told = log.lines_of(Event.DESTINATION_NOT_CONFIGURED)
    assert [(line["destination"], line["count"]) for line in told] == [("old", 2), ("old", 5)]


class BrokenSeries:
    """A journal that fails whoever asks for series; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def resume(self) -> None:
        raise SpoolUnavailable("the journal cannot be written")

    def close_due(self, *, disk_is_low: bool) -> None:
        assert not disk_is_low
        self.asked += 1
        raise SpoolUnavailable("the journal cannot be read")


def test_series_that_cannot_be_closed_are_told_by_sweeps_and_not_once_a_second(
    spool: FakeSpool, queue: WorkQueue, log: RecordingLog
) -> None:
    series = BrokenSeries()
    janitor = janitor_of(
        spool,
        queue,
        log,
        closing=series,
        period_seconds=3600,
    )

    janitor.start()
    eventually(lambda: series.asked > 2, what="it is asked again and again")
    janitor.stop()

    # At the start, and by the one sweep.
    assert len(log.lines_of(Event.SPOOL_FAILED)) == 2
