"""One engine after the other: what is in hand ends with the elder, the rest goes to the younger."""

import threading

import pytest
from prometheus_client import CollectorRegistry

from deid_node.errors import ConfigurationError, SpoolFull
from deid_node.observe.metrics import Metrics
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Discarded, Outcome, Postponed
from deid_node.work.engine import Engine
from deid_node.work.queue import WorkQueue
from deid_node.work.shifts import Shifts
from deid_node.work.workers.base import Workforce
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_corridor import scripted_corridor
from tests.fakes.waiting import eventually
from tests.unit.workers.test_engine import Ledger, ScriptedWorkforce

FIRST, SECOND, THIRD = (InstanceId(name) for name in "abc")


class House:
    """A queue and a ledger, and any number of engines on them."""

    def __init__(self) -> None:
        self.ledger, self.queue, self.log = Ledger(), WorkQueue(), RecordingLog()
        self.owed: set[InstanceId] = set()

    def engine(self, workforce: ScriptedWorkforce) -> Engine:
        hiring: Workforce = workforce
        return Engine(
            hiring,
            queue=self.queue,
            ledger=self.ledger,
            corridor_factory=scripted_corridor,
            log=self.log,
            metrics=Metrics(CollectorRegistry()),
            owed=self.owed,
        )


class Slow:
    """A script that says when it is asked, and answers when it may."""

    def __init__(self, answer: Outcome) -> None:
        self.began, self.may_end, self.answer = threading.Event(), threading.Event(), answer

    def __call__(self, _: WorkOrder) -> Outcome:
        self.began.set()
        assert self.may_end.wait(60)
        return self.answer


def test_what_is_in_hand_ends_as_it_was_begun_and_the_rest_goes_to_the_younger() -> None:
    house, slow = House(), Slow(Discarded("old"))
    elder = ScriptedWorkforce(slow)
    younger = ScriptedWorkforce(lambda _: Discarded("new"))
    shifts = Shifts(house.engine(elder))
    shifts.start()
    house.queue.offer(FIRST)
    assert slow.began.wait(60)
    following = house.engine(younger)
    following.prepare()
    house.queue.offer_all((SECOND, THIRD))

    shifts.hand_over(following)
    house.ledger.wait_for(SECOND, THIRD)
    slow.may_end.set()
    house.ledger.wait_for(FIRST)

    rules = {name: one.rule for name, one in house.ledger.outcomes.items() if hasattr(one, "rule")}
    assert rules == {"a": "old", "b": "new", "c": "new"}
    assert elder.seen == [("a", 1)]
    eventually(lambda: elder.ended == elder.hired, what="the elder has gone")
    shifts.stop(finish_seconds=60)
    assert younger.ended == younger.hired


def test_who_is_prepared_is_given_nothing_before_it_begins() -> None:
    house = House()
    workforce = ScriptedWorkforce(lambda _: Discarded("rule"))
    engine = house.engine(workforce)
    engine.prepare()

    house.queue.offer(FIRST)

    assert engine.ready_workers == 1
    engine.give_up(finish_seconds=60)
    assert workforce.seen == []
    assert house.queue.take(timeout_seconds=60) == FIRST


def test_one_that_cannot_be_prepared_leaves_the_queue_to_the_others() -> None:
    house = House()
    broken = ScriptedWorkforce(lambda _: Discarded("never"), workers=2)
    broken.unbuildable = [ConfigurationError("pixels.finder", "no model")]
    working = ScriptedWorkforce(lambda _: Discarded("rule"))
    shifts = Shifts(house.engine(working))
    shifts.start()

    with pytest.raises(ConfigurationError, match="no model"):
        house.engine(broken).prepare()
    house.queue.offer(FIRST)

    house.ledger.wait_for(FIRST)
    assert broken.seen == []
    shifts.stop(finish_seconds=60)


def test_a_start_that_failed_for_want_of_disk_is_given_back_by_the_younger() -> None:
    house = House()
    full = ScriptedWorkforce(lambda _: Discarded("old"))
    house.ledger.failing_records = 1
    shifts = Shifts(house.engine(full))
    shifts.start()
    house.queue.offer(FIRST)
    eventually(lambda: house.owed, what="a start is owed")

    following = house.engine(ScriptedWorkforce(lambda _: Discarded("new")))
    following.prepare()
    shifts.hand_over(following)

    house.ledger.wait_for(FIRST)
    assert house.ledger.given_back == [FIRST]
    assert house.owed == set()
    shifts.stop(finish_seconds=60)


def test_the_node_stops_every_engine_that_has_something_in_hand() -> None:
    house, hung = House(), ScriptedWorkforce(lambda _: None)
    shifts = Shifts(house.engine(hung))
    shifts.start()
    house.queue.offer(FIRST)
    assert hung.busy.wait(60)
    following = house.engine(ScriptedWorkforce(lambda _: Postponed.because(SpoolFull("no room"))))
    following.prepare()
    shifts.hand_over(following)

    shifts.stop(finish_seconds=0)

    assert hung.ended == hung.hired
    assert house.ledger.outcomes == {}
