"""Worker processes on this machine."""

import atexit
import multiprocessing
import os
from multiprocessing.connection import Connection, wait
from pickle import UnpicklingError
from time import monotonic
from typing import Final

from deid_node.errors import ConfigurationError
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Outcome
from deid_node.work.contracts import CorridorFactory
from deid_node.work.workers.base import (
    STRANDED,
    Limits,
    WorkerDied,
    WorkerGone,
    WorkerHung,
    WorkerOutgrown,
    WorkerStranded,
)
from deid_node.work.workers.memory import HeldMemory, machine_bytes
from deid_node.work.workers.options import LocalOptions, WorkerOptions
from deid_node.work.workers.serve import NotReady, Ready, serve

_GOODBYE_SECONDS: Final = 2.0
# How often the memory of a worker is looked at while it cleans: some GB can be taken in between.
_MEMORY_LOOK_SECONDS: Final = 0.25
# Of all memory: what the node itself, the system and the disk's cache need is left to them.
_MEMORY_SHARE: Final = 0.8


class LocalWorkforce:
    """Spawned processes: one for each core, or as many as the options say."""

    def __init__(self, options: LocalOptions, *, at_most: int | None = None) -> None:
        workers = available_cores() if options.processes == "auto" else options.processes
        self._limits = limits_of(options, workers, at_most=at_most)

    @property
    def limits(self) -> Limits:
        """How many to hire, and what each may take."""
        return self._limits

    def hire(self, name: str) -> "WorkerProcess":
        """Start a process of that name; raise `OSError` where there is none to be had."""
        return WorkerProcess(name)


def limits_of(options: WorkerOptions, workers: int, *, at_most: int | None) -> Limits:
    """Return the limits of `workers`, or of `at_most`, processes on this machine."""
    workers = workers if at_most is None else min(workers, at_most)
    memory_bytes = int(_MEMORY_SHARE * machine_bytes())
    limit, growth = options.memory_limit_bytes, options.memory_growth_bytes
    return Limits(
        workers=workers,
        time_limit_seconds=options.time_limit_seconds,
        memory_limit_bytes=memory_bytes if limit == "auto" else limit,
        memory_growth_bytes=memory_bytes // workers if growth == "auto" else growth,
    )


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
        if not isinstance(answer, Outcome):
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
                raise WorkerOutgrown(held_bytes=held_bytes)
            if monotonic() >= deadline:
                self._kill_and_wait()
                raise WorkerHung

    def _kill_and_wait(self) -> None:
        self._process.kill()
        self._process.join()

    def _dead(self) -> WorkerGone:
        self._kill_and_wait()
        code = self._process.exitcode
        if code == STRANDED:
            return WorkerStranded()
        return WorkerDied(signal=-code if code is not None and code < 0 else None)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
