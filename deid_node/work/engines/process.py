"""A worker process as its supervisor sees it."""

import atexit
import multiprocessing
from multiprocessing.connection import Connection, wait
from pickle import UnpicklingError
from time import monotonic

from deid_node.errors import ConfigurationError
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Outcome, Withheld
from deid_node.work.contracts import CorridorFactory
from deid_node.work.engines.memory import HeldMemory
from deid_node.work.engines.worker import NotReady, Ready, serve

_GOODBYE_SECONDS = 2.0
# How often the memory of a worker is looked at while it cleans: some GB can be taken in between.
_MEMORY_LOOK_SECONDS = 0.25


class WorkerDied(Exception):
    """The process ended without an answer; `signal` is what ended it, if one did."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__("a worker process died")
        self.signal = -exit_code if exit_code is not None and exit_code < 0 else None


class WorkerHung(Exception):
    """The process did not answer in time and was killed."""


class WorkerOutgrown(Exception):
    """The process held `bytes` of memory, more than it may, and was killed."""

    def __init__(self, held_bytes: int) -> None:
        super().__init__("a worker process held too much memory")
        self.bytes = held_bytes


class WorkerProcess:
    """One process with its own line; used by one thread, except for `kill`."""

    def __init__(self, name: str) -> None:
        # Spawned, never forked: a fork would copy threads' locks, sockets and the journal.
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), name=name, daemon=True)
        self._process.start()
        # Without this copy, the death of the worker is the end of the line.
        theirs.close()
        # An interpreter that ends asks its children by SIGTERM, which ours ignore, and waits.
        atexit.register(self._process.kill)
        self._memory: HeldMemory | None = None

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.is_alive()

    @property
    def process_id(self) -> int | None:
        """The process id."""
        return self._process.pid

    @property
    def held_bytes(self) -> int:
        """How much memory it holds; 0 before it was built, after its end, or if unknown."""
        return 0 if self._memory is None else self._memory.bytes()

    def build(self, factory: CorridorFactory, *, time_limit_seconds: float) -> None:
        """Have it build its corridor.

        Raises `ConfigurationError` when that cannot be done, `WorkerDied` or
        `WorkerHung` when there is no answer.
        """
        deadline = monotonic() + time_limit_seconds
        self._wait(deadline)
        try:
            self._memory = HeldMemory(self._line)
        except (EOFError, OSError, RuntimeError):
            raise self._dead() from None
        answer = self._asked(factory, deadline)
        if isinstance(answer, NotReady):
            raise ConfigurationError(answer.path, answer.reason)
        if not isinstance(answer, Ready):
            raise self._dead()

    def clean(
        self, order: WorkOrder, *, time_limit_seconds: float, memory_limit_bytes: int
    ) -> Outcome:
        """Have it clean one instance.

        Raises `WorkerDied`, `WorkerHung` or `WorkerOutgrown`: then it is gone.
        """
        answer = self._asked(order, monotonic() + time_limit_seconds, memory_limit_bytes)
        if not isinstance(answer, Cleaned | Withheld | Discarded):
            raise self._dead()
        return answer

    def kill(self) -> None:
        """End the process at once; any thread may call."""
        self._process.kill()

    def end(self) -> None:
        """Let the idle process go, by closing its line; kill it where it does not."""
        self._line.close()
        self._process.join(_GOODBYE_SECONDS)
        self._kill_and_wait()
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        atexit.unregister(self._process.kill)

    def _asked(
        self, question: object, deadline: float, memory_limit_bytes: int | None = None
    ) -> object:
        try:
            self._line.send(question)
            self._wait(deadline, memory_limit_bytes)
            if self._line.poll(0):
                return self._line.recv()
        except (EOFError, OSError, UnpicklingError):
            pass
        raise self._dead()

    def _wait(self, deadline: float, memory_limit_bytes: int | None = None) -> None:
        """Return when it has said something or died; kill it when it may not go on."""
        # The sentinel too: a child of the worker might hold the other end of the line open.
        ends: list[Connection | int] = [self._line, self._process.sentinel]
        look_seconds = float("inf") if memory_limit_bytes is None else _MEMORY_LOOK_SECONDS
        while not wait(ends, min(deadline - monotonic(), look_seconds)):
            held_bytes = self.held_bytes
            if memory_limit_bytes is not None and held_bytes > memory_limit_bytes:
                self._kill_and_wait()
                raise WorkerOutgrown(held_bytes)
            if monotonic() >= deadline:
                self._kill_and_wait()
                raise WorkerHung

    def _kill_and_wait(self) -> None:
        self._process.kill()
        self._process.join()

    def _dead(self) -> WorkerDied:
        self._kill_and_wait()
        return WorkerDied(self._process.exitcode)
