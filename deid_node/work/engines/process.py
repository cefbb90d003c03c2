"""A worker process as its supervisor sees it."""

import atexit
import multiprocessing
from multiprocessing.connection import wait
from pickle import UnpicklingError
from time import monotonic

from deid_node.errors import ConfigurationError
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Outcome, Withheld
from deid_node.work.corridor import CorridorFactory
from deid_node.work.engines.worker import NotReady, Ready, serve

_GOODBYE_SECONDS = 2.0


class WorkerDied(Exception):
    """The process ended without an answer; `signal` is what ended it, if one did."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__("a worker process died")
        self.signal = -exit_code if exit_code is not None and exit_code < 0 else None


class WorkerHung(Exception):
    """The process did not answer in time and was killed."""


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

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.is_alive()

    @property
    def process_id(self) -> int | None:
        """The process id."""
        return self._process.pid

    def build(self, factory: CorridorFactory, *, time_limit_seconds: float) -> None:
        """Have it build its corridor.

        Raises `ConfigurationError` when that cannot be done, `WorkerDied` or
        `WorkerHung` when there is no answer.
        """
        answer = self._asked(factory, time_limit_seconds)
        if isinstance(answer, NotReady):
            raise ConfigurationError(answer.path, answer.reason)
        if not isinstance(answer, Ready):
            raise self._dead()

    def clean(self, order: WorkOrder, *, time_limit_seconds: float) -> Outcome:
        """Have it clean one instance; raise `WorkerDied` or `WorkerHung` (then it is gone)."""
        answer = self._asked(order, time_limit_seconds)
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
        self._process.kill()
        self._process.join()
        atexit.unregister(self._process.kill)

    def _asked(self, question: object, time_limit_seconds: float) -> object:
        deadline = monotonic() + time_limit_seconds
        try:
            self._line.send(question)
            # The sentinel too: a child of the worker might hold the other end of the line open.
            if not wait([self._line, self._process.sentinel], deadline - monotonic()):
                self._process.kill()
                self._process.join()
                raise WorkerHung
            if self._line.poll(0):
                return self._line.recv()
        except (EOFError, OSError, UnpicklingError):
            pass
        raise self._dead()

    def _dead(self) -> WorkerDied:
        self._process.kill()
        self._process.join()
        return WorkerDied(self._process.exitcode)
