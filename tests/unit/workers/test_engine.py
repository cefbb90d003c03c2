"""The policy by itself: what it does with the answers and the deaths of workers.

The workers play a script and are no processes; ``tests/contract/test_engine.py`` runs the
same policy over real ones.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from deid_node.errors import (
    ConfigurationError,
    CrosswalkUnavailable,
    MemoryLimit,
    SpoolFull,
    SpoolUnavailable,
    Undecodable,
)
from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.values.identity import InstanceId
from deid_node.values.order import MAX_STARTS, WorkOrder
from deid_node.values.outcome import (
    Discarded,
    Ending,
    Outcome,
    Postponed,
    Repeated,
    Waiting,
    Withheld,
)
from deid_node.values.retry import RetryPolicy
from deid_node.values.series import Place, WaitLimits
from deid_node.work.contracts import CorridorFactory
from deid_node.work.engine import Engine
from deid_node.work.queue import WorkQueue
from deid_node.work.strandings import MOST_STRANDED
from deid_node.work.workers.base import (
    Limits,
    WorkerDied,
    WorkerGone,
    WorkerHung,
    WorkerOutgrown,
    WorkerStranded,
    Workforce,
    WorkforceAway,
)
from tests.builders.values import an_origin
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_corridor import scripted_corridor
from tests.fakes.waiting import eventually

GROWTH_BYTES = 100


class ScriptedWorker:
    """Answers what the workforce's script says for each start; dies where that raises."""

    def __init__(self, workforce: "ScriptedWorkforce") -> None:
        self._workforce = workforce
        self._alive = True
        self._killed = threading.Event()
        self.held_bytes = 0

    def is_alive(self) -> bool:
        return self._alive

    def build(self, factory: CorridorFactory, *, time_limit_seconds: float) -> None:
        assert factory is scripted_corridor
        assert self._workforce.places.acquire(timeout=60)
        if self._workforce.unbuildable:
            self._alive = False
            raise self._workforce.unbuildable.pop(0)

    def clean(
        self, order: WorkOrder, *, time_limit_seconds: float, memory_limit_bytes: int
    ) -> Outcome:
        assert self._alive
        assert (time_limit_seconds, memory_limit_bytes) == (7, 1000)
        self._workforce.seen.append((order.id, order.attempt))
        self.held_bytes += self._workforce.leak_bytes
        try:
            answer = self._workforce.script(order)
        except WorkerGone:
            self._alive = False
            raise
        if answer is None:
            self._workforce.busy.set()
            assert self._killed.wait(60)
            self._alive = False
            raise WorkerDied(signal=9)
        return answer

    def kill(self) -> None:
        self._killed.set()

    def end(self) -> None:
        self._alive = False
        self._workforce.ended += 1


class ScriptedWorkforce:
    """Hires scripted workers; a script returns an answer, raises, or None: it hangs."""

    def __init__(
        self,
        script: Callable[[WorkOrder], Outcome | None],
        workers: int = 1,
        start_seconds: float | None = None,
    ) -> None:
        self.script = script
        self.limits = Limits(workers, 7, 1000, GROWTH_BYTES, start_seconds)
        self.places = threading.Semaphore(100)
        self.seen: list[tuple[InstanceId, int]] = []
        self.busy = threading.Event()
        self.hired = self.ended = self.leak_bytes = 0
        self.unbuildable: list[Exception] = []

    def hire(self, name: str) -> ScriptedWorker:
        assert name.startswith("worker-")
        self.hired += 1
        return ScriptedWorker(self)


class Ledger:
    """Counts starts in memory; `recorded` is told of each outcome."""

    def __init__(self) -> None:
        self.attempts: dict[InstanceId, int] = {}
        self.given_back: list[InstanceId] = []
        self.outcomes: dict[InstanceId, Ending] = {}
        self.gives_back = True
        self.going: list[dict[str, list[InstanceId]]] = []
        self.failing_claims = self.failing_records = 0
        self._changed = threading.Condition()

    def claim(self, instance: InstanceId) -> WorkOrder | None:
        if self.failing_claims:
            self.failing_claims -= 1
            raise SpoolUnavailable("the journal cannot be written")
        if instance in self.outcomes:
            return None
        attempt = self.attempts[instance] = self.attempts.get(instance, 0) + 1
        return WorkOrder(instance, attempt, Path("blob"), Path("output"), an_origin())

    def give_back(self, instance: InstanceId) -> bool:
        if self.gives_back:
            self.attempts[instance] -= 1
            self.given_back.append(instance)
        return self.gives_back

    def hold(self, order: WorkOrder, _: Waiting) -> Mapping[str, Sequence[InstanceId]]:
        self.attempts[order.id] -= 1
        return self.going.pop(0)

    def record(self, order: WorkOrder, outcome: Ending) -> None:
        if self.failing_records:
            self.failing_records -= 1
            raise SpoolUnavailable("the journal cannot be written")
        with self._changed:
            self.outcomes[order.id] = outcome
            self._changed.notify_all()

    def wait_for(self, *instances: InstanceId) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.outcomes.keys() >= set(instances), 60)


class House:
    """The engine over scripted workers, with everything around it."""

    def __init__(
        self,
        script: Callable[[WorkOrder], Outcome | None],
        *,
        now: Callable[[], float] = lambda: 0.0,
        shortest_service_seconds: float = 0.0,
        workers: int = 1,
        start_seconds: float | None = None,
    ) -> None:
        self.workforce = ScriptedWorkforce(script, workers, start_seconds)
        self.ledger, self.queue, self.log = Ledger(), WorkQueue(), RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        workforce: Workforce = self.workforce
        self.engine = Engine(
            workforce,
            queue=self.queue,
            ledger=self.ledger,
            corridor_factory=scripted_corridor,
            log=self.log,
            metrics=self.metrics,
            replacement=RetryPolicy(0.001, 1, 0.001),
            another_start=RetryPolicy(0.001, 1, 0.001),
            shortest_service_seconds=shortest_service_seconds,
            now=now,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        self.engine.start()
        try:
            yield
        finally:
            self.engine.stop(finish_seconds=60)
            assert self.workforce.ended == self.workforce.hired

    def outcome_of(self, name: str = "a") -> Ending:
        instance = InstanceId(name)
        with self.running():
            self.queue.offer(instance)
            self.ledger.wait_for(instance)
        return self.ledger.outcomes[instance]


@pytest.mark.parametrize(
    "ending",
    [Withheld.because(Undecodable("frame 3 cannot be decoded")), Discarded("rule"), Repeated()],
    ids=["withheld", "discarded", "repeated"],
)
def test_what_has_ended_is_recorded_after_one_start(ending: Ending) -> None:
    house = House(lambda _: ending)

    assert house.outcome_of() == ending
    assert house.workforce.seen == [("a", 1)]
    assert house.log.lines_of(Event.INSTANCE_POSTPONED) == []


def test_what_waits_for_its_series_is_started_again_with_the_last_of_it() -> None:
    first, last = InstanceId("a"), InstanceId("b")
    waiting = Waiting("research", WaitLimits(1, 1, 2, 1), Place("stack", 0.0))
    begun: set[InstanceId] = set()

    def script(order: WorkOrder) -> Outcome:
        if order.id in begun:
            return Discarded("rule")
        begun.add(order.id)
        return waiting

    house = House(script)
    house.ledger.going = [{}, {"SCANNER": [first, last]}]
    with house.running():
        house.queue.offer(first)
        house.queue.offer(last)
        house.ledger.wait_for(first, last)

    assert house.workforce.seen == [("a", 1), ("b", 1), ("a", 1), ("b", 1)]


def test_a_start_that_failed_for_want_of_disk_counts_for_nothing() -> None:
    answers: list[Outcome] = [Postponed.because(SpoolFull("no room"))] * (MAX_STARTS + 4)
    house = House(lambda _: answers.pop() if answers else Discarded("rule"))

    assert house.outcome_of() == Discarded("rule")
    assert {attempt for _, attempt in house.workforce.seen} == {1}
    assert len(house.ledger.given_back) == MAX_STARTS + 4
    lines = house.log.lines_of(Event.INSTANCE_POSTPONED)
    assert [(line["code"], "attempt" in line) for line in lines] == [("spool_full", False)] * (
        MAX_STARTS + 4
    )


def stranded(times: int) -> Callable[[WorkOrder], Outcome]:
    """Return a script that loses the models so often, then discards."""
    left = [WorkerStranded() for _ in range(times)]

    def play(_: WorkOrder) -> Outcome:
        if left:
            raise left.pop()
        return Discarded("rule")

    return play


def test_models_that_are_lost_cost_a_worker_and_no_start() -> None:
    house = House(stranded(MOST_STRANDED))

    assert house.outcome_of() == Discarded("rule")
    assert {attempt for _, attempt in house.workforce.seen} == {1}
    assert house.workforce.hired == MOST_STRANDED + 1
    assert [line["code"] for line in house.log.lines_of(Event.WORKER_LOST)] == [
        "models_away"
    ] * MOST_STRANDED


def test_what_loses_the_models_again_and_again_is_withheld_after_its_starts() -> None:
    house = House(stranded(1000))

    outcome = house.outcome_of()

    assert isinstance(outcome, Withheld)
    assert outcome.code == "models_away"
    assert len(house.workforce.seen) == MOST_STRANDED + MAX_STARTS


def test_an_instance_that_was_cleaned_at_last_has_nothing_held_against_it() -> None:
    house = House(stranded(MOST_STRANDED))
    house.outcome_of()

    assert len(house.engine._strandings) == 0


def test_a_workforce_that_is_away_at_the_start_is_waited_for() -> None:
    house = House(lambda _: Discarded("rule"))
    house.workforce.unbuildable = [WorkforceAway("the foreman is out of reach") for _ in range(3)]

    assert house.outcome_of() == Discarded("rule")
    lines = house.log.lines_of(Event.WORKER_LOST)
    assert [(line["error"], line["reason"]) for line in lines] == [
        ("WorkforceAway", "no worker can be hired: the foreman is out of reach")
    ] * 3


@pytest.fixture
def crowded() -> House:
    """Two workers, room for one, and a start that does not wait for the other."""
    house = House(lambda _: Discarded("rule"), workers=2, start_seconds=0.05)
    house.workforce.places = threading.Semaphore(1)
    return house


def test_who_finds_no_room_at_the_start_joins_when_there_is_some(crowded: House) -> None:
    with crowded.running():
        crowded.queue.offer(InstanceId("a"))
        crowded.ledger.wait_for(InstanceId("a"))
        assert crowded.engine.ready_workers == 1

        crowded.workforce.places.release()

        eventually(lambda: crowded.engine.ready_workers == 2, what="the other joins")


def test_who_is_refused_after_the_start_is_told_of_and_tries_again(crowded: House) -> None:
    with crowded.running():
        crowded.workforce.unbuildable = [ConfigurationError("work.engine", "has other weights")]

        crowded.workforce.places.release(2)

        eventually(lambda: crowded.engine.ready_workers == 2, what="the other joins")
    (line,) = crowded.log.lines_of(Event.WORKER_LOST)
    assert (line["error"], line["reason"]) == (
        "ConfigurationError",
        "work.engine: has other weights",
    )


def test_where_nobody_can_give_a_start_back_the_disk_has_three_of_them() -> None:
    house = House(lambda _: Postponed.because(SpoolFull("no room")))
    house.ledger.gives_back = False

    assert house.outcome_of() == Withheld("spool_full", "no room")
    assert [attempt for _, attempt in house.workforce.seen] == [1, 2, 3]


def test_trouble_that_costs_a_start_is_withheld_by_its_own_name_at_the_last() -> None:
    error = CrosswalkUnavailable()
    house = House(lambda _: Postponed.because(error, "everything"))

    assert house.outcome_of() == Withheld(error.code, str(error), "everything")
    assert [attempt for _, attempt in house.workforce.seen] == [1, 2, 3]
    assert house.ledger.given_back == []
    lines = house.log.lines_of(Event.INSTANCE_POSTPONED)
    assert [(line["attempt"], line["code"]) for line in lines] == [(1, error.code), (2, error.code)]


@pytest.mark.parametrize(
    ("gone", "code", "reason"),
    [
        (WorkerDied(signal=11), "worker_lost", "died"),
        (WorkerHung(), "time_limit", "time_limit"),
        (WorkerOutgrown(held_bytes=2000), "memory_limit", "memory_limit"),
    ],
    ids=["dies", "hangs", "swells"],
)
def test_a_worker_that_is_gone_costs_a_start_and_is_replaced(
    gone: WorkerGone, code: str, reason: str
) -> None:
    def script(order: WorkOrder) -> Outcome:
        if order.id == "a":
            raise gone
        return Discarded("rule")

    house = House(script)
    with house.running():
        house.queue.offer_all([InstanceId("a"), InstanceId("b")])
        house.ledger.wait_for(InstanceId("a"), InstanceId("b"))

    lost = house.ledger.outcomes[InstanceId("a")]
    assert isinstance(lost, Withheld)
    assert lost.code == code
    assert house.ledger.outcomes[InstanceId("b")] == Discarded("rule")
    assert (house.ledger.attempts["a"], house.ledger.attempts["b"]) == (3, 1)  # type: ignore[index]
    assert house.workforce.hired == 4
    assert (
        house.metrics.registry.get_sample_value("deid_node_workers_ended_total", {"reason": reason})
        == 3
    )
    lines = house.log.lines_of(Event.WORKER_LOST)
    assert [(line.get("signal"), line.get("bytes")) for line in lines] == [
        (gone.signal, gone.held_bytes)
    ] * 3


@pytest.mark.parametrize(("seconds", "replaced"), [(19.0, 0), (20.0, 1)], ids=["young", "old"])
def test_what_has_grown_is_replaced_once_it_has_served_long_enough(
    seconds: float, replaced: int
) -> None:
    """A minute at least: three starts of 20 seconds."""
    clock = [0.0]

    def script(_: WorkOrder) -> Outcome:
        clock[0] += seconds
        return Discarded("rule")

    house = House(script, now=lambda: clock[0], shortest_service_seconds=60)
    house.workforce.leak_bytes = GROWTH_BYTES + 1
    ids = [InstanceId(str(number)) for number in range(3)]

    with house.running():
        house.queue.offer_all(ids)
        house.ledger.wait_for(*ids)

    assert [attempt for _, attempt in house.workforce.seen] == [1, 1, 1]
    assert len(house.log.lines_of(Event.WORKER_REPLACED)) == replaced


def test_a_worker_that_cannot_come_back_is_tried_until_it_can() -> None:
    def script(order: WorkOrder) -> Outcome:
        if order.attempt == 1:
            house.workforce.unbuildable = [
                WorkerDied(),
                OSError("no process to be had"),
                ConfigurationError("pixels.finder.model_file", "does not exist"),
            ]
            raise WorkerDied
        return Discarded("rule")

    house = House(script)

    assert house.outcome_of() == Discarded("rule")
    errors = [line.get("error") for line in house.log.lines_of(Event.WORKER_LOST)]
    assert errors == [None, "WorkerDied", "OSError", "ConfigurationError"]


@pytest.mark.parametrize(
    ("error", "path", "reason"),
    [
        (ConfigurationError("pixels.finder.model_file", "is gone"), "pixels.finder.model_file", ""),
        (OSError("Mueller^Hans"), "work.engine", "a worker cannot be started (OSError)"),
    ],
    ids=["a setting", "a fault"],
)
def test_a_corridor_that_cannot_be_built_keeps_the_engine_from_starting(
    error: Exception, path: str, reason: str
) -> None:
    house = House(lambda _: Discarded("rule"))
    house.workforce.unbuildable = [error]

    with pytest.raises(ConfigurationError) as caught:
        house.engine.start()

    assert (caught.value.path, caught.value.reason) == (path, reason or "is gone")
    assert house.workforce.ended == 1


def test_a_start_that_the_end_of_the_node_cuts_short_is_neither_withheld_nor_counted() -> None:
    house = House(lambda _: None)
    house.engine.start()
    house.queue.offer(InstanceId("a"))
    assert house.workforce.busy.wait(60)

    house.engine.stop(finish_seconds=0)

    assert house.ledger.outcomes == {}
    assert house.log.lines_of(Event.WORKER_LOST) == []
    assert house.log.lines_of(Event.INSTANCE_POSTPONED) == []


@pytest.mark.parametrize("fails", ["claim", "record"])
def test_a_journal_that_fails_costs_time_and_no_start(
    fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deid_node.work.engine._LOOK_SECONDS", 0.001)
    house = House(lambda _: Discarded("rule"))
    if fails == "claim":
        house.ledger.failing_claims = 2
    else:
        house.ledger.failing_records = 2

    assert house.outcome_of() == Discarded("rule")
    assert house.ledger.attempts["a"] == 1  # type: ignore[index]
    assert house.log.events().count(Event.SPOOL_FAILED) == 2


def test_memory_that_ran_out_in_a_corridor_costs_a_start() -> None:
    assert Postponed.because(MemoryLimit()).costs_a_start
    assert not Postponed.because(SpoolUnavailable("no journal")).costs_a_start
