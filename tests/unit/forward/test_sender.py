"""What a sender does with what is due, and with every answer."""

import dataclasses
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import AssociationCounts, Crowded
from deid_node.forward.sender import Sender
from deid_node.observe.events import Event
from deid_node.observe.labels import ConfiguredNames
from deid_node.observe.metrics import Metrics
from deid_node.values.delivery import DeliveryResult
from deid_node.values.identity import InstanceId
from deid_node.values.retry import RetryPolicy
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_source import MemorySource, ScriptedDestination

DELIVERED, RETRY = DeliveryResult.DELIVERED, DeliveryResult.RETRY
AT_ONCE = RetryPolicy(0.001, 1, 0.001)


class Bench:
    """A sender with everything around it."""

    def __init__(
        self,
        source: MemorySource,
        destination: ScriptedDestination,
        retry: RetryPolicy = AT_ONCE,
        *,
        look_again_seconds: float = 3600,
    ) -> None:
        self.source, self.destination = source, destination
        self.log = RecordingLog()
        self.registry = CollectorRegistry()
        names = ConfiguredNames(destinations=("archive",))
        self.sender = Sender(
            destination,
            source,
            retry,
            log=self.log,
            metrics=Metrics(self.registry, names),
            draw=random.Random(1),
            look_again_seconds=look_again_seconds,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        self.sender.start()
        try:
            yield
        finally:
            self.sender.stop(finish_seconds=60)
            assert self.destination.closed.is_set()
            assert self.source.faults == self.destination.faults == []

    def counted(self, result: str) -> float:
        labels = {"destination": "archive", "result": result}
        value = self.registry.get_sample_value("deid_node_deliveries_total", labels)
        assert value is not None
        return value


@pytest.mark.parametrize("threads", [1, 3])
def test_everything_due_is_delivered_once_and_counted(threads: int) -> None:
    bench = Bench(MemorySource(200), ScriptedDestination(threads=threads))

    with bench.running():
        bench.source.wait_until_all_are_settled()

    assert Counter(bench.destination.tried).most_common(1)[0][1] == 1
    assert bench.counted("delivered") == 200
    assert len(bench.log.lines_of(Event.INSTANCE_DELIVERED)) == 200


def test_one_thread_keeps_the_order_and_sends_in_batches() -> None:
    bench = Bench(MemorySource(60), ScriptedDestination())

    with bench.running():
        bench.source.wait_until_all_are_settled()

    assert bench.source.order == sorted(bench.source.order)
    assert max(len(batch) for batch in bench.destination.batches) > 10


def test_large_instances_go_in_small_batches() -> None:
    source = MemorySource(10)
    for name, instance in source.instances.items():
        blob = dataclasses.replace(instance.blob, size_bytes=100_000_000)
        source.instances[name] = dataclasses.replace(instance, blob=blob)
    huge = source.instances[InstanceId("0005")]
    blob = dataclasses.replace(huge.blob, size_bytes=9_000_000_000)
    source.instances[huge.id] = dataclasses.replace(huge, blob=blob)
    bench = Bench(source, ScriptedDestination())

    with bench.running():
        source.wait_until_all_are_settled()

    assert [len(batch) for batch in bench.destination.batches] == [2, 2, 1, 1, 2, 2]


def test_what_comes_later_is_sent_when_the_sender_is_woken() -> None:
    bench = Bench(MemorySource(), ScriptedDestination())

    with bench.running():
        assert bench.source.asked.wait(60)
        bench.source.add("late")
        bench.sender.wake()
        bench.source.wait_until_all_are_settled()

    assert bench.source.order == ["late"]


def test_what_nobody_tells_of_is_found_at_the_next_look() -> None:
    bench = Bench(MemorySource(), ScriptedDestination(), look_again_seconds=0.01)

    with bench.running():
        assert bench.source.asked.wait(60)
        bench.source.add("late")
        bench.source.wait_until_all_are_settled()

    assert bench.source.order == ["late"]


@pytest.mark.parametrize("result", [DeliveryResult.WARNING, DeliveryResult.REFUSED])
def test_an_answer_that_ends_a_delivery_is_settled(result: DeliveryResult) -> None:
    bench = Bench(MemorySource(3), ScriptedDestination(lambda _instance: result))

    with bench.running():
        bench.source.wait_until_all_are_settled()

    assert {receipt.result for receipt in bench.source.settled.values()} == {result}
    assert bench.counted(result.value) == 3


def test_a_delivery_that_fails_waits_and_does_not_hold_up_the_others() -> None:
    failures = {InstanceId("0001"): 5}

    def answer(instance: InstanceId) -> DeliveryResult:
        if failures.get(instance, 0):
            failures[instance] -= 1
            return RETRY
        return DELIVERED

    bench = Bench(MemorySource(20), ScriptedDestination(answer))

    with bench.running():
        bench.source.wait_until_all_are_settled()

    assert bench.source.attempts[InstanceId("0001")] == 5
    assert sum(bench.source.attempts.values()) == 5
    assert bench.counted("retry") == 5


def test_an_instance_that_always_fails_never_blocks_the_way() -> None:
    bad = InstanceId("0000")
    bench = Bench(
        MemorySource(50), ScriptedDestination(lambda one: RETRY if one == bad else DELIVERED)
    )

    with bench.running():
        bench.source.wait_for(lambda: len(bench.source.settled) == 49)

    assert bad not in bench.source.settled


def test_an_unreachable_destination_is_called_for_one_delivery_at_a_time() -> None:
    calls = 0
    up = threading.Event()

    def answer(_instance: InstanceId) -> DeliveryResult:
        nonlocal calls
        if up.is_set():
            return DELIVERED
        calls += 1
        if calls == 20:
            up.set()
        raise DestinationUnavailable("the connection failed (ConnectionRefusedError)")

    bench = Bench(MemorySource(100), ScriptedDestination(answer, threads=3))

    with bench.running():
        bench.source.wait_until_all_are_settled()
        assert bench.sender.reachable

    # Each of the three threads may have begun before the first failure was known.
    assert sum(len(batch) > 1 for batch in bench.destination.batches[3:20]) == 0
    # No association, no attempt: the instances are not to blame.
    assert set(bench.source.attempts.values()) == {0}
    down = bench.log.lines_of(Event.DESTINATION_UNREACHABLE)
    assert [line["level"] for line in down].count("warning") == 1
    assert len(bench.log.lines_of(Event.DESTINATION_REACHED)) == 1


def test_three_failures_in_a_row_are_an_outage_too() -> None:
    count = 0

    def answer(_instance: InstanceId) -> DeliveryResult:
        nonlocal count
        count += 1
        return RETRY if count <= 10 else DELIVERED

    bench = Bench(MemorySource(100), ScriptedDestination(answer))

    with bench.running():
        bench.source.wait_until_all_are_settled()

    assert len(bench.destination.batches[0]) > 3
    assert {len(batch) for batch in bench.destination.batches[1:8]} == {1}
    # The probes go to those that have failed least: no instance is tried twice before.
    assert max(bench.source.attempts.values()) == 1
    assert bench.log.events().count(Event.DESTINATION_UNREACHABLE) == 1
    assert bench.log.events().count(Event.DESTINATION_REACHED) == 1


def test_a_refusal_of_our_own_is_told_by_its_code() -> None:
    destination = ScriptedDestination(lambda _instance: DeliveryResult.REFUSED)
    destination.code = "transcoding_differs"
    bench = Bench(MemorySource(1), destination)

    with bench.running():
        bench.source.wait_until_all_are_settled()

    (line,) = bench.log.lines_of(Event.DELIVERY_REFUSED)
    assert line["code"] == "transcoding_differs"


def test_a_damaged_blob_is_refused_without_being_sent() -> None:
    source = MemorySource(5)
    source.damaged = {InstanceId("0002")}
    bench = Bench(source, ScriptedDestination())

    with bench.running():
        source.wait_until_all_are_settled()

    assert source.settled[InstanceId("0002")].result is DeliveryResult.REFUSED
    assert "0002" not in bench.destination.tried
    assert [line["code"] for line in bench.log.lines_of(Event.DELIVERY_REFUSED)] == ["blob_damaged"]


def test_a_receipt_that_cannot_be_recorded_is_asked_for_again() -> None:
    source = MemorySource(1)
    source.failing_settles = 1
    bench = Bench(source, ScriptedDestination())

    with bench.running():
        source.wait_until_all_are_settled()

    assert len(bench.destination.tried) == 2
    assert bench.log.events().count(Event.SPOOL_FAILED) == 1


def test_a_fault_of_ours_costs_its_instance_time_and_tells_no_value() -> None:
    failed: list[InstanceId] = []

    def answer(instance: InstanceId) -> DeliveryResult:
        if instance == "0001" and not failed:
            failed.append(instance)
            raise ValueError("Mueller^Hans")
        return DELIVERED

    bench = Bench(MemorySource(3), ScriptedDestination(answer))

    with bench.running():
        bench.source.wait_until_all_are_settled()

    assert bench.source.attempts[InstanceId("0001")] == 1
    assert "Mueller" not in bench.log.text
    assert "ValueError" in bench.log.text


def test_stopping_finishes_the_instance_in_hand_and_sends_no_other() -> None:
    began, go_on = threading.Event(), threading.Event()

    def answer(_instance: InstanceId) -> DeliveryResult:
        began.set()
        assert go_on.wait(60)
        return DELIVERED

    bench = Bench(MemorySource(20), ScriptedDestination(answer))
    bench.sender.start()
    assert began.wait(60)

    stopping = threading.Thread(target=lambda: bench.sender.stop(finish_seconds=60))
    stopping.start()
    while not bench.sender._stopping:
        pass
    go_on.set()
    stopping.join()

    assert list(bench.source.settled) == ["0000"]
    assert bench.destination.tried == ["0000"]


def test_stopping_breaks_off_what_does_not_end() -> None:
    began = threading.Event()
    destination = ScriptedDestination()

    def answer(_instance: InstanceId) -> DeliveryResult:
        began.set()
        assert destination.closed.wait(60)
        return RETRY

    destination.answer = answer
    bench = Bench(MemorySource(2), destination)
    bench.sender.start()
    assert began.wait(60)

    bench.sender.stop(finish_seconds=0)

    assert bench.source.settled == {}
    assert bench.destination.tried == ["0000"]


def test_one_that_was_never_started_can_be_stopped() -> None:
    bench = Bench(MemorySource(2), ScriptedDestination())

    bench.sender.stop(finish_seconds=0)

    assert bench.destination.closed.is_set()
    assert bench.destination.tried == []


def test_what_a_crowded_destination_did_not_take_goes_out_on_the_others() -> None:
    """Nothing is counted as a failure, and no outage is told of."""
    destination = ScriptedDestination(threads=2)
    both = threading.Barrier(2)

    def answer(_instance: InstanceId) -> DeliveryResult:
        if destination.concurrency == 2:
            second = both.wait(60) == 0
            if second:
                destination.concurrency = 1
                destination.associations = AssociationCounts(in_use=1, allowed=1)
                raise Crowded
            while destination.concurrency == 2:
                threading.Event().wait(0.005)
        return DELIVERED

    destination.answer = answer
    bench = Bench(MemorySource(100), destination)

    with bench.running():
        bench.source.wait_until_all_are_settled()

    assert set(bench.source.attempts.values()) == {0}
    assert bench.counted("delivered") == 100
    assert bench.counted("retry") == 0
    assert bench.log.lines_of(Event.DESTINATION_UNREACHABLE) == []
    assert [line["count"] for line in bench.log.lines_of(Event.DESTINATION_LIMITED)] == [1]
    (value,) = {
        bench.registry.get_sample_value(
            "deid_node_destination_associations", {"destination": "archive", "state": "allowed"}
        )
    }
    assert value == 1
