"""One sender for each destination at a time, and each other takes over in order."""

from typing import Any, cast

import pytest

from deid_node.errors import SpoolUnavailable
from deid_node.forward.outgoing import Outgoing
from deid_node.forward.sender import Sender


class Scripted:
    """A sender that writes down what is asked of it."""

    def __init__(self, name: str, calls: list[str], fault: str = "") -> None:
        self._name, self._calls, self._fault = name, calls, fault

    def _called(self, verb: str) -> None:
        self._calls.append(f"{self._name}.{verb}")
        if verb == self._fault:
            raise SpoolUnavailable(self._name)

    def start(self) -> None:
        self._called("start")

    def wake(self) -> None:
        self._called("wake")

    def stop(self, *, finish_seconds: float) -> None:
        self._called("stop")


def senders(calls: list[str], *names: str, fault: str = "") -> dict[str, Sender]:
    return {name[0]: cast("Any", Scripted(name, calls, fault)) for name in names}


def test_one_that_takes_over_begins_when_the_other_has_ended() -> None:
    calls: list[str] = []
    outgoing = Outgoing()
    outgoing.appoint(senders(calls, "a1", "b1", "c1"))
    outgoing.start()
    calls.clear()

    outgoing.replace(senders(calls, "b2", "d2"), gone=frozenset({"c"}))

    assert calls.index("b1.stop") < calls.index("b2.start")
    assert sorted(calls) == ["b1.stop", "b2.start", "c1.stop", "d2.start"]
    assert sorted(outgoing.senders) == ["a", "b", "d"]


def test_who_is_woken_is_the_one_at_work_and_one_that_is_gone_is_nobody() -> None:
    calls: list[str] = []
    outgoing = Outgoing()
    outgoing.appoint(senders(calls, "a1", "b1"))
    outgoing.replace(senders(calls, "a2"), gone=frozenset({"b"}))
    calls.clear()

    for name in ("a", "b", "never"):
        outgoing.wake(name)

    assert calls == ["a2.wake"]


def test_a_start_that_fails_leaves_none_running() -> None:
    calls: list[str] = []
    outgoing = Outgoing()
    outgoing.appoint({**senders(calls, "a1"), **senders(calls, "b1", fault="start")})

    with pytest.raises(SpoolUnavailable):
        outgoing.start()

    assert {"a1.stop", "b1.stop"} <= set(calls)


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_one_that_fails_does_not_keep_the_others_from_their_turn(verb: str) -> None:
    calls: list[str] = []
    outgoing = Outgoing()
    outgoing.appoint({**senders(calls, "a1", fault="stop"), **senders(calls, "b1")})
    if verb == "start":
        changed = {**senders(calls, "c2", fault="start"), **senders(calls, "d2")}
        with pytest.raises(SpoolUnavailable):
            outgoing.replace(changed)
        assert {"c2.start", "d2.start"} <= set(calls)
    else:
        with pytest.raises(SpoolUnavailable):
            outgoing.stop(finish_seconds=1)
        assert calls == ["a1.stop", "b1.stop"]
