"""Worker processes on this machine, each with a supervising thread in the node.

A process may be lost at any moment; its supervisor is what remembers which
instance it had in hand, and what sees that it does not take all memory.
"""

import os
import random
import threading
from queue import SimpleQueue
from time import monotonic
from typing import TypeGuard

from deid_node.errors import (
    CleaningError,
    ConfigurationError,
    CustodyError,
    MemoryLimit,
    SpoolFull,
    SpoolUnavailable,
    TimeLimit,
    WorkerLost,
)
from deid_node.observe.events import Event
from deid_node.observe.labels import WorkerEnd
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.values.identity import InstanceId
from deid_node.values.order import MAX_STARTS, WorkOrder
from deid_node.values.outcome import Outcome, Withheld
from deid_node.values.retry import RetryPolicy
from deid_node.work.contracts import CorridorFactory, Ledger
from deid_node.work.engines.memory import machine_bytes
from deid_node.work.engines.options import LocalOptions
from deid_node.work.engines.process import (
    WorkerDied,
    WorkerHung,
    WorkerOutgrown,
    WorkerProcess,
)
from deid_node.work.queue import WorkQueue

_BUILD_LIMIT_SECONDS = 600.0
_DISK_CODES = frozenset({SpoolFull.code, SpoolUnavailable.code})
# How often an idle supervisor looks whether its process still lives.
_LOOK_SECONDS = 1.0
# Of all memory: what the node itself, the system and the disk's cache need is left to them.
_MEMORY_SHARE = 0.8
# Models take seconds to load: a worker that has grown serves so long all the same.
_SHORTEST_SERVICE_SECONDS = 60.0
_REPLACEMENT = RetryPolicy(first_seconds=1, factor=2, cap_seconds=60)
# Memory that ran out, a disk that was full, a device that was lost: give it time to pass.
_ANOTHER_START = RetryPolicy(first_seconds=5, factor=6, cap_seconds=60)


class LocalEngine:
    """Runs the corridor in `processes` spawned processes; an `Engine`."""

    def __init__(
        self,
        options: LocalOptions,
        *,
        queue: WorkQueue,
        ledger: Ledger,
        corridor_factory: CorridorFactory,
        log: EventLog,
        metrics: Metrics,
        replacement: RetryPolicy = _REPLACEMENT,
        another_start: RetryPolicy = _ANOTHER_START,
        shortest_service_seconds: float = _SHORTEST_SERVICE_SECONDS,
    ) -> None:
        self._time_limit_seconds = options.time_limit_seconds
        self._queue = queue
        self._ledger = ledger
        self._factory = corridor_factory
        self._log = log
        self._metrics = metrics
        self._shortest_service_seconds = shortest_service_seconds
        self._replacement = replacement
        self._another_start = another_start
        self._draw = random.Random()
        self._owed: set[InstanceId] = set()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._workers: dict[int, WorkerProcess] = {}
        self._ready: set[int] = set()
        self._started: SimpleQueue[ConfigurationError | None] = SimpleQueue()
        count = available_cores() if options.processes == "auto" else options.processes
        memory_bytes = int(_MEMORY_SHARE * machine_bytes())
        limit, growth = options.memory_limit_bytes, options.memory_growth_bytes
        self._memory_limit_bytes = memory_bytes if limit == "auto" else limit
        self._memory_growth_bytes = memory_bytes // count if growth == "auto" else growth
        self._threads = [
            threading.Thread(
                target=self._supervise, args=(number,), name=f"worker-{number}", daemon=True
            )
            for number in range(count)
        ]

    @property
    def ready_workers(self) -> int:
        """How many processes have built their corridor and live."""
        with self._lock:
            return sum(self._workers[number].is_alive() for number in self._ready)

    def start(self) -> None:
        """Start every process and wait until all stand; raise the first's `ConfigurationError`."""
        for thread in self._threads:
            thread.start()
        errors = [self._started.get() for _ in self._threads]
        for error in errors:
            if error is not None:
                self.stop(finish_seconds=0)
                raise error

    def stop(self, *, finish_seconds: float) -> None:
        """End; a process still busy after `finish_seconds` is killed and its claim let go."""
        self._stopping.set()
        self._queue.close()
        deadline = monotonic() + finish_seconds
        running = [thread for thread in self._threads if thread.is_alive()]
        for thread in running:
            thread.join(max(0.0, deadline - monotonic()))
        with self._lock:
            for worker in self._workers.values():
                worker.kill()
        for thread in running:
            thread.join()

    def _supervise(self, number: int) -> None:
        """Keep one process at work until the engine stops."""
        try:
            worker: WorkerProcess | None = self._new_worker(number)
        except ConfigurationError as error:
            self._started.put(error)
            return
        # No process to be had, a factory that cannot be sent, a death: `start` must hear of it.
        except Exception as error:  # noqa: BLE001
            reason = f"a worker cannot be started ({type(error).__name__})"
            self._started.put(ConfigurationError("work.engine", reason))
            return
        self._started.put(None)
        while worker is not None:
            self._employ(worker, number)
            self._let_go(worker, number)
            worker = self._replaced(number)

    def _employ(self, worker: WorkerProcess, number: int) -> None:
        """Give `worker` what waits, until it dies, has grown too much, or the engine stops."""
        began, at_first_bytes = monotonic(), worker.held_bytes
        while worker.is_alive() and not self._stopping.is_set():
            instance = self._queue.take(timeout_seconds=_LOOK_SECONDS)
            if instance is None:
                continue
            if not worker.is_alive():
                # It died while it was idle: that costs this instance no start.
                self._queue.again(instance)
                return
            self._work_on(worker, number, instance)
            held_bytes = worker.held_bytes
            self._metrics.worker_memory(number, held_bytes)
            has_grown = held_bytes - at_first_bytes > self._memory_growth_bytes
            if has_grown and monotonic() - began >= self._shortest_service_seconds:
                self._metrics.worker_ended(WorkerEnd.GROWN)
                self._log.warning(Event.WORKER_REPLACED, worker=number, bytes=held_bytes)
                return

    def _new_worker(self, number: int) -> WorkerProcess:
        with self._lock:
            # Under the lock: `stop` kills all that are there, and after it none may come.
            if self._stopping.is_set():
                raise WorkerDied(None)
            worker = self._workers[number] = WorkerProcess(f"worker-{number}")
        try:
            worker.build(self._factory, time_limit_seconds=_BUILD_LIMIT_SECONDS)
        except BaseException:
            self._let_go(worker, number)
            raise
        with self._lock:
            self._ready.add(number)
        self._log.info(Event.WORKER_STARTED, worker=number)
        return worker

    def _replaced(self, number: int) -> WorkerProcess | None:
        """Return a new process, however long it takes; None when the engine stops."""
        failures = 0
        while not self._stopping.is_set():
            try:
                return self._new_worker(number)
            # Whatever it is: a supervisor that gave up would leave the queue unserved.
            except Exception as error:  # noqa: BLE001
                failures += 1
                self._log.error(
                    Event.WORKER_LOST, worker=number, attempt=failures, error=type(error).__name__
                )
                self._stopping.wait(self._replacement.delay_seconds(failures, draw=self._draw))
        return None

    def _let_go(self, worker: WorkerProcess, number: int) -> None:
        with self._lock:
            self._workers.pop(number, None)
            self._ready.discard(number)
        worker.end()
        if self._stopping.is_set():
            self._log.info(Event.WORKER_STOPPED, worker=number)

    def _work_on(self, worker: WorkerProcess, number: int, instance: InstanceId) -> None:
        order: WorkOrder | None = None
        try:
            if instance in self._owed:
                self._ledger.give_back(instance)
                self._owed.discard(instance)
            order = self._ledger.claim(instance)
            outcome = self._outcome(worker, number, order) if order is not None else None
            if order is None or outcome is None:
                self._queue.done(instance)
            elif _is_the_disks_fault(outcome) and self._ledger.give_back(instance):
                self._log.warning(Event.INSTANCE_POSTPONED, instance=instance, code=outcome.code)
                self._queue.again(
                    instance,
                    delay_seconds=self._another_start.delay_seconds(1, draw=self._draw),
                )
            elif _is_worth_another_start(order, outcome):
                self._log.warning(
                    Event.INSTANCE_POSTPONED,
                    instance=instance,
                    attempt=order.attempt,
                    code=outcome.code if isinstance(outcome, Withheld) else None,
                )
                self._queue.again(
                    instance,
                    delay_seconds=self._another_start.delay_seconds(order.attempt, draw=self._draw),
                )
            else:
                self._ledger.record(order, outcome)
                self._queue.done(instance)
        except CustodyError as error:
            self._log.error(
                Event.SPOOL_FAILED, instance=instance, code=error.code, reason=str(error)
            )
            if order is not None:
                # Its start is given back as soon as the journal can be written.
                self._owed.add(instance)
            self._stopping.wait(_LOOK_SECONDS)
            self._queue.again(instance)
        # A fault of ours must not end the supervisor: the instance stays in the journal.
        except Exception as error:  # noqa: BLE001
            self._log.error(Event.SPOOL_FAILED, instance=instance, error=type(error).__name__)
            self._queue.done(instance)

    def _outcome(self, worker: WorkerProcess, number: int, order: WorkOrder) -> Outcome | None:
        """Return how the corridor ended; None when the engine's stop cut it short."""
        loss: CleaningError
        killed_by: int | None = None
        held_bytes: int | None = None
        try:
            return worker.clean(
                order,
                time_limit_seconds=self._time_limit_seconds,
                memory_limit_bytes=self._memory_limit_bytes,
            )
        except WorkerHung:
            loss, end = TimeLimit(), WorkerEnd.TIME_LIMIT
        except WorkerOutgrown as outgrown:
            loss, end, held_bytes = MemoryLimit(), WorkerEnd.MEMORY_LIMIT, outgrown.bytes
        except WorkerDied as death:
            if self._stopping.is_set():
                return None
            loss, end, killed_by = WorkerLost(), WorkerEnd.DIED, death.signal
        self._metrics.worker_ended(end)
        self._log.warning(
            Event.WORKER_LOST,
            worker=number,
            instance=order.id,
            attempt=order.attempt,
            code=loss.code,
            signal=killed_by,
            bytes=held_bytes,
        )
        # Another start may go well: the process may have been killed for want of memory.
        return Withheld(loss.code, str(loss), passes=True)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_the_disks_fault(outcome: Outcome) -> TypeGuard[Withheld]:
    return isinstance(outcome, Withheld) and outcome.code in _DISK_CODES


def _is_worth_another_start(order: WorkOrder, outcome: Outcome) -> bool:
    return isinstance(outcome, Withheld) and outcome.passes and order.attempt < MAX_STARTS
