"""The promise of every worker, and of what hires them.

A backend is dumb: it starts something in which a corridor stands, hands it one order after
the other, and ends it. Who is given what, how often, and what becomes of it is decided once,
in ``work.engine``.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from deid_node.errors import CleaningError, MemoryLimit, ModelsAway, TimeLimit, WorkerLost
from deid_node.observe.labels import WorkerEnd
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Outcome
from deid_node.work.contracts import CorridorFactory

STRANDED: Final = 75
"""How a process ends whose models are lost (EX_TEMPFAIL of sysexits.h)."""


class WorkerGone(Exception):
    """The worker gave no answer, and is no more."""

    end: ClassVar[WorkerEnd]
    loss: ClassVar[type[CleaningError]]

    def __init__(self, *, signal: int | None = None, held_bytes: int | None = None) -> None:
        super().__init__("a worker is gone")
        self.signal = signal
        self.held_bytes = held_bytes


class WorkerDied(WorkerGone):
    """It ended without an answer; `signal` is what ended it, if one did."""

    end, loss = WorkerEnd.DIED, WorkerLost


class WorkerHung(WorkerGone):
    """It did not answer in time and was killed."""

    end, loss = WorkerEnd.TIME_LIMIT, TimeLimit


class WorkerStranded(WorkerGone):
    """The models that it asks elsewhere were lost, and it ended for that; no fault of its own."""

    end, loss = WorkerEnd.STRANDED, ModelsAway


class WorkforceAway(Exception):
    """Nobody can be hired for now, and time may heal it; `why` is a short word."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no worker can be hired: {why}")
        self.why = why


class WorkerOutgrown(WorkerGone):
    """It held `held_bytes` of memory, more than it may, and was killed."""

    end, loss = WorkerEnd.MEMORY_LIMIT, MemoryLimit


@dataclass(frozen=True, slots=True)
class Limits:
    """How many workers there are, and what each of them may take.

    `time_limit_seconds` and `memory_limit_bytes` hold for one start of one instance;
    `memory_growth_bytes` is how much more than at its start a worker may hold between two.
    `start_seconds` is how long the start of an engine waits for all of them; None: until each
    stands or has told why not.
    """

    workers: int
    time_limit_seconds: float
    memory_limit_bytes: int
    memory_growth_bytes: int
    start_seconds: float | None = None


class Worker(Protocol):
    """One corridor, somewhere; used by one thread, except for `kill`.

    Promise, tested for every backend by ``tests/contract/test_engine.py``:

    * what takes a worker down harms no other;
    * it outlasts neither its limit of time nor that of memory;
    * an exception out of the corridor is an answer: `Withheld`, or `Postponed` where it passes;
    * no answer, log or output quotes a value;
    * it ends with the process that hired it, however that ends.
    """

    def is_alive(self) -> bool:
        """Return whether it could be handed something."""
        ...

    @property
    def held_bytes(self) -> int:
        """How much memory it holds; 0 before it was built, after its end, or if unknown."""
        ...

    def build(self, factory: CorridorFactory, *, time_limit_seconds: float) -> None:
        """Have it build its corridor.

        Raises `ConfigurationError` when that cannot be done, `WorkerGone` without an answer, and
        `WorkforceAway` where the means for it are out of reach for now.
        """
        ...

    def clean(
        self, order: WorkOrder, *, time_limit_seconds: float, memory_limit_bytes: int
    ) -> Outcome:
        """Have it clean one instance; raise `WorkerGone` without an answer."""
        ...

    def kill(self) -> None:
        """End it at once; any thread may call."""
        ...

    def end(self) -> None:
        """Let the idle worker go; returns when it is no more."""
        ...


class Workforce(Protocol):
    """Hires workers of one kind."""

    @property
    def limits(self) -> Limits:
        """How many to hire, and what each may take."""
        ...

    def hire(self, name: str) -> Worker:
        """Return a new worker whose corridor is not built yet; may raise whatever forbids it."""
        ...
