"""What is given to which worker, how often, and what becomes of it: the policy, once.

A worker may be lost at any moment; its supervising thread in the node is what
remembers which instance it had in hand, and what sees that it does not take all memory.
In what the workers live is a matter of ``work.workers``.
"""

import random
import threading
from collections.abc import Callable
from time import monotonic
from typing import assert_never

from deid_node.errors import ConfigurationError, CustodyError
from deid_node.observe.events import Event
from deid_node.observe.labels import WorkerEnd
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.values.identity import InstanceId
from deid_node.values.order import MAX_STARTS, WorkOrder
from deid_node.values.outcome import (
    CUT_SHORT,
    Cleaned,
    Discarded,
    Outcome,
    Postponed,
    Repeated,
    Waiting,
    Withheld,
)
from deid_node.values.retry import RetryPolicy
from deid_node.work.contracts import CorridorFactory, Ledger
from deid_node.work.queue import WorkQueue
from deid_node.work.roll_call import RollCall
from deid_node.work.strandings import Strandings
from deid_node.work.workers.base import Worker, WorkerDied, WorkerGone, Workforce, WorkforceAway

_BUILD_LIMIT_SECONDS = 600.0
# How often an idle supervisor looks whether its worker still lives.
_LOOK_SECONDS = 1.0
# Models take seconds to load: a worker that has grown serves so long all the same.
_SHORTEST_SERVICE_SECONDS = 60.0
_REPLACEMENT = RetryPolicy(first_seconds=1, factor=2, cap_seconds=60)
# Memory that ran out, a disk that was full, a device that was lost: give it time to pass.
_ANOTHER_START = RetryPolicy(first_seconds=5, factor=6, cap_seconds=60)


class Engine:
    """Takes ids from the queue, has workers clean them, and records every outcome.

    Promise, tested over every backend by ``tests/contract/test_engine.py``, and without any
    by ``tests/unit/workers/test_engine.py``:

    * a start is claimed in the ledger before a worker sees the instance;
    * each claim ends in a recorded outcome, in another start, in a wait for its series, or
      (when the node stops or dies) in nothing: then the journal still says RECEIVED;
    * an instance that takes its worker down, or outlasts the limit of time or memory, harms
      no other; after its third start (`MAX_STARTS`) it is withheld, and so is one whose trouble
      would pass but has not; a start that failed for want of disk counts for nothing, and so do
      the first `MOST_STRANDED` under which models elsewhere were lost;
    * a worker that holds ever more memory is replaced between two instances;
    * an exception out of the corridor withholds its instance at once;
    * no instance is with two workers at the same time;
    * `start` returns when every worker is ready, or out of reach for now, or the workforce's
      `start_seconds` are over: then the others join when they stand. It raises
      `ConfigurationError` when a corridor cannot be built; so does `prepare`, and then no
      worker is given anything before `begin`;
    * after `relieve` no worker is given anything; what each has in hand is ended as ever;
    * workers end with the process that started them, however it ends.

    The order of instances is not promised. `now` are seconds of a clock that never goes back.
    `owed` is shared with engines that follow: instances whose last start counts for nothing.
    """

    def __init__(
        self,
        workforce: Workforce,
        *,
        queue: WorkQueue,
        ledger: Ledger,
        corridor_factory: CorridorFactory,
        log: EventLog,
        metrics: Metrics,
        replacement: RetryPolicy = _REPLACEMENT,
        another_start: RetryPolicy = _ANOTHER_START,
        shortest_service_seconds: float = _SHORTEST_SERVICE_SECONDS,
        now: Callable[[], float] = monotonic,
        owed: set[InstanceId] | None = None,
    ) -> None:
        self._workforce = workforce
        self._limits = workforce.limits
        self._queue = queue
        self._ledger = ledger
        self._factory = corridor_factory
        self._log = log
        self._metrics = metrics
        self._shortest_service_seconds = shortest_service_seconds
        self._replacement = replacement
        self._another_start = another_start
        self._now = now
        self._draw = random.Random()
        self._owed: set[InstanceId] = set() if owed is None else owed
        self._strandings = Strandings()
        self._beginning = threading.Event()
        self._relieved = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._workers: dict[int, Worker] = {}
        self._ready: set[int] = set()
        self._roll_call = RollCall(self._limits.workers, seconds=self._limits.start_seconds)
        self._threads = [
            threading.Thread(
                target=self._supervise, args=(number,), name=f"worker-{number}", daemon=True
            )
            for number in range(self._limits.workers)
        ]

    @property
    def ready_workers(self) -> int:
        """How many workers have built their corridor and live."""
        with self._lock:
            return sum(self._workers[number].is_alive() for number in self._ready)

    @property
    def is_at_work(self) -> bool:
        """Whether any of its workers is still there."""
        return any(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Start every worker and wait until all stand; raise the first's `ConfigurationError`."""
        self.prepare()
        self.begin()

    def prepare(self) -> None:
        """Do as `start`, but give the workers nothing yet."""
        for thread in self._threads:
            thread.start()
        for error in filter(None, self._roll_call.answers()):
            self.give_up(finish_seconds=0)
            raise error

    def begin(self) -> None:
        """Give the workers what waits, from now on."""
        self._beginning.set()

    def relieve(self) -> None:
        """Take nothing new; returns at once, and each worker ends after what it has in hand."""
        self._relieved.set()
        self._beginning.set()

    def stop(self, *, finish_seconds: float) -> None:
        """Take nothing new and end; a worker still busy after `finish_seconds` is killed.

        What it had in hand is let go: the journal still says RECEIVED. Nobody else is given
        anything from the queue either.
        """
        self._queue.close()
        self.give_up(finish_seconds=finish_seconds)

    def give_up(self, *, finish_seconds: float) -> None:
        """Do as `stop`, and leave the queue to others."""
        self.relieve()
        self._stopping.set()
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
        """Keep one worker at work until the engine stops."""
        worker: Worker | None
        try:
            worker = self._new_worker(number)
        except WorkforceAway as away:
            # What was asked for is in order and out of reach: instances wait, and so do we.
            self._roll_call.tell(None)
            worker = self._replaced(number, away)
        except ConfigurationError as error:
            if self._roll_call.tell(error):
                return
            worker = self._replaced(number, error)
        # No process to be had, a factory that cannot be sent, a death: `start` must hear of it.
        except Exception as error:  # noqa: BLE001
            reason = f"a worker cannot be started ({type(error).__name__})"
            if self._roll_call.tell(ConfigurationError("work.engine", reason)):
                return
            worker = self._replaced(number, error)
        else:
            self._roll_call.tell(None)
        while worker is not None:
            self._employ(worker, number)
            self._let_go(worker, number)
            worker = self._replaced(number)

    def _employ(self, worker: Worker, number: int) -> None:
        """Give `worker` what waits, until it dies, has grown too much, or the engine stops."""
        began, at_first_bytes = self._now(), worker.held_bytes
        while worker.is_alive() and not self._relieved.is_set():
            if not self._beginning.wait(_LOOK_SECONDS):
                continue
            instance = self._queue.take(timeout_seconds=_LOOK_SECONDS)
            if instance is None:
                continue
            if not worker.is_alive() or self._relieved.is_set():
                # It died while it was idle, or others take it: that costs no start.
                self._queue.again(instance)
                return
            self._work_on(worker, number, instance)
            held_bytes = worker.held_bytes
            self._metrics.worker_memory(number, held_bytes)
            has_grown = held_bytes - at_first_bytes > self._limits.memory_growth_bytes
            if has_grown and self._now() - began >= self._shortest_service_seconds:
                self._metrics.worker_ended(WorkerEnd.GROWN)
                self._log.warning(Event.WORKER_REPLACED, worker=number, bytes=held_bytes)
                return

    def _new_worker(self, number: int) -> Worker:
        with self._lock:
            # Under the lock: `stop` kills all that are there, and after it none may come.
            if self._stopping.is_set():
                raise WorkerDied
            worker = self._workers[number] = self._workforce.hire(f"worker-{number}")
        try:
            worker.build(self._factory, time_limit_seconds=_BUILD_LIMIT_SECONDS)
        except BaseException:
            self._let_go(worker, number)
            raise
        with self._lock:
            self._ready.add(number)
        self._log.info(Event.WORKER_STARTED, worker=number)
        return worker

    def _replaced(self, number: int, error: Exception | None = None) -> Worker | None:
        """Return a new worker, however long that takes; None when the engine takes nothing more."""
        failures = 0
        while not self._relieved.is_set():
            if error is not None:
                failures += 1
                kind = type(error).__name__
                why = str(error) if isinstance(error, WorkforceAway | ConfigurationError) else None
                self._log.error(
                    Event.WORKER_LOST, worker=number, attempt=failures, error=kind, reason=why
                )
                self._relieved.wait(self._replacement.delay_seconds(failures, draw=self._draw))
            try:
                return self._new_worker(number)
            # Whatever it is: a supervisor that gave up would leave the queue unserved.
            except Exception as another:  # noqa: BLE001
                error = another
        return None

    def _let_go(self, worker: Worker, number: int) -> None:
        with self._lock:
            self._workers.pop(number, None)
            self._ready.discard(number)
        worker.end()
        if self._relieved.is_set():
            self._log.info(Event.WORKER_STOPPED, worker=number)

    def _work_on(self, worker: Worker, number: int, instance: InstanceId) -> None:
        order: WorkOrder | None = None
        try:
            if instance in self._owed:
                self._ledger.give_back(instance)
                self._owed.discard(instance)
            order = self._ledger.claim(instance)
            if order is None:
                self._queue.done(instance)
            else:
                self._settle(order, self._outcome(worker, number, order))
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

    def _settle(self, order: WorkOrder, outcome: Outcome) -> None:
        match outcome:
            case Postponed():
                self._postpone(order, outcome)
            case Waiting():
                going = self._ledger.hold(order, outcome)
                # First: it may be among those who go on, and no id waits twice.
                self._queue.done(order.id)
                for sender, instances in going.items():
                    self._queue.offer_all(instances, sender)
            case Cleaned() | Withheld() | Discarded() | Repeated():
                self._ledger.record(order, outcome)
                self._queue.done(order.id)
                self._strandings.forget(order.id)
            case _:
                assert_never(outcome)

    def _postpone(self, order: WorkOrder, postponed: Postponed) -> None:
        """Let it be started again; withhold it where it has had its starts."""
        if postponed == CUT_SHORT:
            self._queue.done(order.id)
            return
        is_free = not postponed.costs_a_start and self._ledger.give_back(order.id)
        if not is_free and order.attempt >= MAX_STARTS:
            self._settle(order, postponed.given_up())
            return
        self._log.warning(
            Event.INSTANCE_POSTPONED,
            instance=order.id,
            attempt=None if is_free else order.attempt,
            code=postponed.code,
        )
        attempt = 1 if is_free else order.attempt
        self._queue.again(
            order.id, delay_seconds=self._another_start.delay_seconds(attempt, draw=self._draw)
        )

    def _outcome(self, worker: Worker, number: int, order: WorkOrder) -> Outcome:
        """Return how the start ended."""
        try:
            return worker.clean(
                order,
                time_limit_seconds=self._limits.time_limit_seconds,
                memory_limit_bytes=self._limits.memory_limit_bytes,
            )
        except WorkerGone as gone:
            if isinstance(gone, WorkerDied) and self._stopping.is_set():
                return CUT_SHORT
            loss = gone.loss()
            self._metrics.worker_ended(gone.end)
            self._log.warning(
                Event.WORKER_LOST,
                worker=number,
                instance=order.id,
                attempt=order.attempt,
                code=loss.code,
                signal=gone.signal,
                bytes=gone.held_bytes,
            )
            # Another start may go well: it may have been killed for want of memory.
            return self._strandings.judged(order.id, gone)
