"""The node's side of the processes that make pictures: asks, waits, and starts them anew.

A picture may take its process down, or all the memory that it is allowed: the desk says
that it cannot be shown, and the next request finds another process. Two of them, so
that a picture that is shown does not wait for one that is cleaned.
"""

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final, TypeVar

from deid_node.errors import CleaningError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.observe.traces import leave_no_core
from deid_node.review.looker import After, Facts, Looker
from deid_node.values.order import WorkOrder

T = TypeVar("T")

_PR_SET_PDEATHSIG: Final = 1
_FIRST_TO_BE_KILLED: Final = "700"
_THREAD_COUNTS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_CACHE_BYTES: Final = 128 * 2**20


class PictureFailed(Exception):
    """A picture cannot be made; `why` is the code of what kept it from being made."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no picture can be made: {why}")
        self.why = why


@dataclass(frozen=True, slots=True)
class _Failed:
    code: str


class Renderer:
    """Makes pictures of withheld instances; any thread may call.

    `factory` builds the looker in each process. Pictures that were shown of late are held
    in memory, `_CACHE_BYTES` of them at most.
    """

    def __init__(
        self,
        factory: Callable[[], Looker],
        *,
        memory_limit_bytes: int,
        picture_seconds: float,
        log: EventLog,
    ) -> None:
        self._shown = _Process("desk-pictures", factory, memory_limit_bytes)
        self._cleaned = _Process("desk-preview", factory, memory_limit_bytes)
        self._picture_seconds = picture_seconds
        self._log = log
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="desk-ahead")
        self._lock = threading.Lock()
        self._pictures: OrderedDict[tuple[str, int, bool], bytes] = OrderedDict()

    def stop(self) -> None:
        """End both processes; what waits for them fails."""
        self._ahead.shutdown(wait=False, cancel_futures=True)
        for process in (self._shown, self._cleaned):
            process.kill()
        with self._lock:
            self._pictures.clear()

    def adopt(self, factory: Callable[[], Looker]) -> None:
        """Make pictures by `factory` from now on: the next request finds another process."""
        for process in (self._shown, self._cleaned):
            process.adopt(factory)

    def facts(self, order: WorkOrder) -> Facts:
        """Return what the header says; raise `PictureFailed`."""
        told: Facts = self._asked(self._shown, order, "facts", order.blob)
        return told

    def before(self, order: WorkOrder, frame: int) -> bytes:
        """Return frame number `frame` as it came, as PNG; raise `PictureFailed`."""
        return self._held(
            (order.id, frame, False),
            lambda: self._asked(self._shown, order, "before", order.blob, frame),
        )

    def delivered(self, order: WorkOrder, sealed: Path, frame: int) -> bytes:
        """Return frame number `frame` of the file `sealed`, as PNG; raise `PictureFailed`."""
        return self._held(
            (order.id, frame, True),
            lambda: self._asked(self._shown, order, "delivered", sealed, order.blob, frame),
        )

    def _held(self, key: tuple[str, int, bool], make: Callable[[], bytes]) -> bytes:
        with self._lock:
            held = self._pictures.get(key)
            if held is not None:
                self._pictures.move_to_end(key)
                return held
        made = make()
        with self._lock:
            self._pictures[key] = made
            while sum(map(len, self._pictures.values())) > _CACHE_BYTES:
                self._pictures.popitem(last=False)
        return made

    def ahead(self, order: WorkOrder) -> None:
        """Make the first picture of an instance that will be asked for soon; returns at once."""

        def make() -> None:
            with suppress(PictureFailed):
                self.before(order, 0)

        # After the stop nothing is made any more.
        with suppress(RuntimeError):
            self._ahead.submit(make)

    def after(self, order: WorkOrder, frame: int) -> After:
        """Return frame number `frame` as it would be delivered; raise `PictureFailed`."""
        made: After = self._asked(self._cleaned, order, "after", order, frame)
        return made

    def values(self, order: WorkOrder, keywords: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return what stands in the attributes named; raise `PictureFailed`."""
        told: tuple[tuple[str, str], ...] = self._asked(
            self._shown, order, "values", order.blob, tuple(keywords)
        )
        return told

    def forget(self, instance: str) -> None:
        """Drop the pictures of an instance that was decided on."""
        with self._lock:
            for key in [key for key in self._pictures if key[0] == instance]:
                del self._pictures[key]

    def _asked(self, process: "_Process", order: WorkOrder, name: str, *arguments: Any) -> Any:
        try:
            return process.ask(name, arguments, seconds=self._picture_seconds)
        except PictureFailed as error:
            self._log.warning(Event.PICTURE_FAILED, instance=order.id, code=error.why)
            raise


class _Process:
    """One process, started when it is needed; one request at a time."""

    def __init__(self, name: str, factory: Callable[[], Looker], memory_limit_bytes: int) -> None:
        self._name = name
        self._factory = factory
        self._memory_limit_bytes = memory_limit_bytes
        self._one_at_a_time = threading.Lock()
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None
        self._is_over = False

    def ask(self, name: str, arguments: tuple[Any, ...], *, seconds: float) -> Any:
        """Return what the looker's method `name` returns; raise `PictureFailed`."""
        with self._one_at_a_time:
            if self._is_over:
                raise PictureFailed("stopped")
            line = self._open_line()
            try:
                line.send((name, arguments))
                if not line.poll(seconds):
                    self._end()
                    raise PictureFailed("time_limit")
                answer = line.recv()
            except (EOFError, OSError):
                self._end()
                raise PictureFailed("process_lost") from None
        if isinstance(answer, _Failed):
            raise PictureFailed(answer.code)
        return answer

    def adopt(self, factory: Callable[[], Looker]) -> None:
        """Let the next request have a process of `factory`; one that is answered is waited for."""
        with self._one_at_a_time:
            self._factory = factory
            self._end()

    def kill(self) -> None:
        """End it for good, whatever it does."""
        self._is_over = True
        process = self._process
        if process is not None:
            # Whoever waits for it may have let go of it in this moment.
            with suppress(ValueError):
                process.kill()
        with self._one_at_a_time:
            self._end()

    def _open_line(self) -> Connection:
        if self._line is not None and self._process is not None and self._process.is_alive():
            return self._line
        self._end()
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        process = context.Process(
            target=look,
            args=(theirs, self._factory, self._memory_limit_bytes),
            name=self._name,
            daemon=True,
        )
        process.start()
        theirs.close()
        self._process = process
        if self._is_over:
            # `kill` may have looked before there was a process to end.
            self._end()
            raise PictureFailed("stopped")
        return self._line

    def _end(self) -> None:
        process, line = self._process, self._line
        self._process = self._line = None
        if line is not None:
            line.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()


def look(line: Connection, factory: Callable[[], Looker], memory_limit_bytes: int) -> None:
    """Answer requests until the node lets go; the first thing that runs in the process."""
    _prepare(memory_limit_bytes)
    try:
        looker = factory()
        while True:
            name, arguments = line.recv()
            line.send(_answer(looker, name, arguments))
    except (EOFError, OSError):
        return
    # Left to itself, the process would print a traceback, which may quote values.
    except BaseException:  # noqa: BLE001
        os._exit(1)


def _answer(looker: Looker, name: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return getattr(looker, name)(*arguments)
    except CleaningError as error:
        return _Failed(error.code)
    except MemoryError:
        return _Failed("memory_limit")
    except OSError:
        return _Failed("blob_unreadable")
    # A fault of ours, told by its place in the catalogue and not by its text.
    except Exception:  # noqa: BLE001
        return _Failed("unexpected")


def _prepare(memory_limit_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
            score.write(_FIRST_TO_BE_KILLED)
    # What it allocates, not what it maps: a blob is mapped, and so are the libraries.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    leave_no_core()
    for name in _THREAD_COUNTS:
        os.environ.setdefault(name, "1")
