"""Corridors that go wrong on purpose, and a ledger that remembers.

The corridors stand at module level so that a spawned process can import them.
What happens to an instance is written in its origin's calling AE title.
"""

import ctypes
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from deid_node.errors import (
    ConfigurationError,
    CrosswalkUnavailable,
    SpoolFull,
    SpoolUnavailable,
    Undecodable,
)
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import (
    Cleaned,
    Discarded,
    Ending,
    Outcome,
    Postponed,
    Repeated,
    Waiting,
    Withheld,
)
from tests.builders.values import a_clean_instance, an_origin


def cleaned(order: WorkOrder) -> Outcome:
    order.output.write_bytes(b"clean")
    return Cleaned(a_clean_instance(order.id, BlobRef(order.output.name, 5, "00")))


def passing(order: WorkOrder) -> Outcome:
    return Postponed("accelerator_lost", "the device is gone", costs_a_start=True)


def raising(order: WorkOrder) -> Outcome:
    raise ValueError("Mueller^Hans was born on 19500101")


def raising_ours(order: WorkOrder) -> Outcome:
    raise Undecodable("frame 3 cannot be decoded")


def raising_passing(order: WorkOrder) -> Outcome:
    raise CrosswalkUnavailable


def full_five_times(order: WorkOrder) -> Outcome:
    tries = order.output.with_suffix(".tries")
    with tries.open("a") as file:
        file.write(".")
    if len(tries.read_text()) <= FULL_TIMES:
        raise SpoolFull("no room for the clean file")
    return cleaned(order)


def once(trouble: Callable[[WorkOrder], Any]) -> Callable[[WorkOrder], Any]:
    return lambda order: trouble(order) if order.attempt == 1 else cleaned(order)


def crashing(order: WorkOrder) -> Outcome:
    ctypes.string_at(0)
    return cleaned(order)


def hanging(order: WorkOrder) -> Outcome:
    time.sleep(3600)
    return cleaned(order)


def interrupted(order: WorkOrder) -> Outcome:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return cleaned(order)


def leaking(order: WorkOrder) -> Outcome:
    LEAKED.append(b"m" * LEAKED_BYTES)
    return cleaned(order)


def swelling(order: WorkOrder) -> Outcome:
    held = [b"m" * LEAKED_BYTES for _ in range(20)]
    time.sleep(3600)
    return cleaned(order) if held else passing(order)


def short_of_memory(order: WorkOrder) -> Outcome:
    raise MemoryError("Mueller^Hans")


FULL_TIMES = 5
LEAKED_BYTES = 50_000_000
# Lives as long as the worker: what a codec forgets to free.
LEAKED: list[bytes] = []

SCRIPTS: Mapping[str, Callable[[WorkOrder], Any]] = {
    "CLEAN": cleaned,
    "DISCARD": lambda _: Discarded("rule"),
    "REPEAT": lambda _: Repeated(),
    "WITHHOLD": lambda _: Withheld("undecodable", "no decoder"),
    "PASSES": passing,
    "HEALS": lambda order: passing(order) if order.attempt < 3 else cleaned(order),
    "RAISE": raising,
    "RAISE_OURS": raising_ours,
    "RAISE_PASSING": raising_passing,
    "FULL": full_five_times,
    "EXIT_ONCE": once(lambda _: os._exit(3)),
    "KILL_ONCE": once(lambda _: os.kill(os.getpid(), signal.SIGKILL)),
    "UNPICKLABLE_ONCE": once(lambda _: Discarded(cast("str", lambda: None))),
    "LEAK": leaking,
    "SWELL": swelling,
    "SWELL_ONCE": once(swelling),
    "SHORT": short_of_memory,
    "SHORT_ONCE": once(short_of_memory),
    "SEGFAULT": crashing,
    "HANG": hanging,
    "NONSENSE": lambda _: "cleaned",
    "ENVIRONMENT": lambda _: Withheld(os.environ["OMP_NUM_THREADS"], ""),
    "INTERRUPTED": interrupted,
}


class ScriptedCorridor:
    """Does what the calling AE title says; every start leaves a mark beside the output."""

    def clean(self, order: WorkOrder) -> Outcome:
        mark = order.output.with_suffix(f".start{order.attempt}")
        mark.write_text(str(os.getpid()))
        inside = order.output.with_suffix(".inside")
        inside.write_text(str(os.getpid()))
        try:
            outcome: Outcome = SCRIPTS[order.origin.sender](order)
            return outcome
        finally:
            inside.unlink()


def is_running(process: int) -> bool:
    """Whether the process lives (a zombie does not)."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def scripted_corridor() -> ScriptedCorridor:
    return ScriptedCorridor()


def corridor_without_weights() -> ScriptedCorridor:
    raise ConfigurationError("pixels.finder.model_file", "does not exist")


def corridor_with_a_fault() -> ScriptedCorridor:
    raise ValueError("Mueller^Hans")


def corridor_that_crashes() -> ScriptedCorridor:
    os._exit(1)


@dataclasses.dataclass(frozen=True)
class CrashesAfterItsFirst:
    """A factory that works until `folder` holds a mark, then crashes until it holds another."""

    folder: Path

    def __call__(self) -> ScriptedCorridor:
        if (self.folder / "broken").exists():
            (self.folder / "tried").write_bytes(b"")
            os._exit(1)
        return ScriptedCorridor()


class MemoryLedger:
    """A `Ledger` as strict as the journal: a claim needs RECEIVED, a record needs a claim."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changed = threading.Condition()
        self.attempts: dict[InstanceId, int] = {}
        self.outcomes: dict[InstanceId, Ending] = {}
        self.faults: list[str] = []
        self.failing_claims = 0
        self._scripts: dict[InstanceId, str] = {}

    def receive(self, script: str, name: str = "") -> InstanceId:
        instance = InstanceId(name or f"{script.lower()}{len(self._scripts)}")
        self._scripts[instance] = script
        return instance

    def claim(self, instance: InstanceId) -> WorkOrder | None:
        with self.changed:
            if self.failing_claims:
                self.failing_claims -= 1
                raise SpoolUnavailable("the journal cannot be written")
            if instance in self.outcomes or instance not in self._scripts:
                return None
            inside = self.folder / f"{instance}.inside"
            if inside.exists() and is_running(int(inside.read_text())):
                self.faults.append(f"{instance} was with two workers at once")
            inside.unlink(missing_ok=True)
            attempt = self.attempts[instance] = self.attempts.get(instance, 0) + 1
            self.changed.notify_all()
        return WorkOrder(
            instance,
            attempt,
            self.folder / f"{instance}.dcm",
            self.folder / f"{instance}.clean",
            an_origin(calling_ae=self._scripts[instance]),
        )

    def give_back(self, instance: InstanceId) -> bool:
        with self.changed:
            if self.attempts.get(instance):
                self.attempts[instance] -= 1
        return True

    def hold(self, order: WorkOrder, _: Waiting) -> Mapping[str, Sequence[InstanceId]]:
        raise AssertionError(f"{order.id} waits, and no script says so")

    def record(self, order: WorkOrder, outcome: Ending) -> None:
        with self.changed:
            if order.id in self.outcomes:
                self.faults.append(f"{order.id} was recorded twice")
            self.outcomes[order.id] = outcome
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 60)

    def wait_for_outcomes(self, *instances: InstanceId) -> None:
        self.wait_for(lambda: all(instance in self.outcomes for instance in instances))

    def starts(self, instance: InstanceId) -> int:
        """How many workers have really begun with `instance`."""
        return len(list(self.folder.glob(f"{instance}.start*")))
