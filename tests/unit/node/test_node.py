"""The written order of starting and stopping, and a start that fails at each part."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from deid_node.errors import ConfigurationError, SpoolUnavailable
from deid_node.node import Node, Parts
from deid_node.observe.events import Event
from deid_node.observe.health import Health
from tests.fakes.event_log import RecordingLog

STARTS = (
    "custody.open",
    "retention.reconcile",
    "exporter.start",
    "engine.start",
    "outgoing.start",
    "janitor.start",
    "reporter.start",
    "door.start",
    "next-door.start",
    "reloader.start",
)
STOPS = (
    "reloader.stop",
    "door.stop_accepting",
    "next-door.stop_accepting",
    "door.stop",
    "next-door.stop",
    "reporter.stop",
    "janitor.stop",
    "engine.stop",
    "outgoing.stop",
    "exporter.stop",
    "custody.close",
)


class Part:
    """A part that writes down what is asked of it, and fails where it is told to."""

    port = 11112

    def __init__(self, name: str, calls: list[str], faults: dict[str, Exception]) -> None:
        self._name = name
        self._calls = calls
        self._faults = faults

    def __getattr__(self, verb: str) -> Callable[..., int]:
        def call(**_arguments: object) -> int:
            step = f"{self._name}.{verb}"
            self._calls.append(step)
            if step in self._faults:
                raise self._faults[step]
            return 0

        return call


class House:
    """A node of such parts."""

    def __init__(self, **faults: Exception) -> None:
        self.calls: list[str] = []
        self.faults = dict(faults)
        self.log = RecordingLog()
        self.health = Health()
        self.node = Node(
            Parts(
                custody=self._part("custody"),
                retention=self._part("retention"),
                engine=self._part("engine"),
                outgoing=self._part("outgoing"),
                janitor=self._part("janitor"),
                reporter=self._part("reporter"),
                doors=(self._part("door"), self._part("next-door")),
                exporter=self._part("exporter"),
                health=self.health,
                log=self.log,
                reloader=self._part("reloader"),
            )
        )

    def _part(self, name: str) -> Any:
        return cast("Any", Part(name, self.calls, self.faults))


def test_custody_starts_first_and_the_doors_last() -> None:
    house = House()

    house.node.start()

    assert tuple(house.calls) == STARTS
    assert house.log.events()[-1] is Event.NODE_READY
    assert house.health.ready().well


def test_the_doors_stop_first_and_custody_last() -> None:
    house = House()
    house.node.start()
    house.calls.clear()

    house.node.stop()

    assert tuple(house.calls) == STOPS
    assert house.log.events()[-1] is Event.NODE_STOPPED
    assert not house.health.ready().well


def test_the_node_is_not_ready_before_every_part_runs() -> None:
    house = House()

    assert not house.health.ready().well


@pytest.mark.parametrize("broken", STARTS)
@pytest.mark.parametrize(
    "fault",
    [ConfigurationError("work.engine", "cannot start"), SpoolUnavailable("no spool")],
    ids=["configuration", "custody"],
)
def test_a_start_that_fails_half_way_stops_what_runs_and_says_why(
    broken: str, fault: Exception
) -> None:
    house = House(**{broken: fault})

    with pytest.raises(type(fault)) as raised:
        house.node.start()

    assert raised.value is fault
    started = STARTS[: STARTS.index(broken) + 1]
    assert tuple(house.calls[: len(started)]) == started
    running = {step.split(".")[0] for step in started[:-1]} - {"retention"}
    stopped = {step.split(".")[0] for step in house.calls[len(started) :]}
    assert running <= stopped
    assert Event.NODE_READY not in house.log.events()
    assert not house.health.ready().well


@pytest.mark.parametrize("broken", STOPS)
def test_a_part_that_cannot_stop_does_not_keep_the_others_running(broken: str) -> None:
    house = House()
    house.node.start()
    house.calls.clear()
    house.faults[broken] = RuntimeError("cannot stop")

    with pytest.raises(RuntimeError):
        house.node.stop()

    assert tuple(house.calls) == STOPS
