"""Worker processes here whose models stand on a Ray cluster.

Ray itself is nowhere in this file, nor in the node: a place at an actor is asked of the
cluster's foreman (`deid_node.cluster`), and the worker process calls that actor itself. What
the node knows, keeps and writes stays in its own processes; models are shown pixels.
"""

import os
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

from deid_node.lines.messages import LineLost
from deid_node.pixels.remote.place import Line, Place
from deid_node.pixels.remote.wanted import WantedModels, wanted_models
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Outcome
from deid_node.work.contracts import Corridor, CorridorFactory
from deid_node.work.workers.base import STRANDED, Limits, WorkerStranded, WorkforceAway
from deid_node.work.workers.lease import Lease
from deid_node.work.workers.options import RayOptions
from deid_node.work.workers.process import WorkerProcess, limits_of

# A cluster may have no room for all of them yet, or for long: those that stand begin without.
_START_SECONDS: Final = 15.0


# Not among the contracts: whoever reads those in a worker loads no numbers before it has set
# how many threads they may use.
@runtime_checkable
class AsksModels(Protocol):
    """A corridor factory that can also build its corridor over models that stand elsewhere."""

    def wanted(self) -> WantedModels:
        """Return which models these must be; raise `ConfigurationError`."""
        ...

    def over(self, line: Line) -> Corridor:
        """Return the corridor, its models at the other end of `line`; loads none."""
        ...


class RayWorkforce:
    """As many processes as there are places at actors."""

    def __init__(self, options: RayOptions, *, at_most: int | None = None) -> None:
        self._options = options
        workers = options.actors * options.workers_per_actor
        self._limits = replace(
            limits_of(options, workers, at_most=at_most), start_seconds=_START_SECONDS
        )

    @property
    def limits(self) -> Limits:
        """How many to hire, and what each may take."""
        return self._limits

    def hire(self, name: str) -> "RayWorker":
        """Start a process of that name; its place at an actor is asked for when it is built."""
        return RayWorker(WorkerProcess(name), Lease(self._options))


class RayWorker:
    """A process and its place; used by one thread, except for `kill`."""

    def __init__(self, process: WorkerProcess, lease: Lease) -> None:
        self._process = process
        self._lease = lease

    def is_alive(self) -> bool:
        """Return whether the process runs and its models are there."""
        return self._process.is_alive() and self._lease.is_held

    @property
    def held_bytes(self) -> int:
        """How much memory the process holds; what the actor holds is the cluster's matter."""
        return self._process.held_bytes

    def build(self, factory: CorridorFactory, *, time_limit_seconds: float) -> None:
        """Have it build its corridor, over models of the cluster where it asks for some."""
        asking = _asking(factory)
        place = self._lease.ask(asking.wanted() if asking else wanted_models(CrnnOptions(), None))
        try:
            self._process.build(AtPlace(factory, place), time_limit_seconds=time_limit_seconds)
        except WorkerStranded:
            raise WorkforceAway("an actor of the cluster is out of reach") from None

    def clean(
        self, order: WorkOrder, *, time_limit_seconds: float, memory_limit_bytes: int
    ) -> Outcome:
        """Have it clean one instance; raises `WorkerStranded` where its models were lost."""
        return self._process.clean(
            order, time_limit_seconds=time_limit_seconds, memory_limit_bytes=memory_limit_bytes
        )

    def kill(self) -> None:
        """End the process at once and give its place up; any thread may call."""
        self._process.kill()
        self._lease.close()

    def end(self) -> None:
        """Let the idle process go, then its place."""
        self._process.end()
        self._lease.close()


@dataclass(frozen=True, slots=True)
class AtPlace:
    """A corridor factory that calls the models first, in the worker, and ends it with them."""

    factory: CorridorFactory
    place: Place

    def __call__(self) -> Corridor:
        """Return the corridor; the process ends as `STRANDED` as soon as the models are lost."""
        try:
            line = Line(self.place, _strand)
        except LineLost:
            _strand()
            raise
        asking = _asking(self.factory)
        return asking.over(line) if asking else self.factory()


def _asking(factory: object) -> AsksModels | None:
    return factory if isinstance(factory, AsksModels) else None


def _strand() -> None:
    # At once, wherever the corridor stands: an instance is never cleaned without the finder.
    os._exit(STRANDED)
