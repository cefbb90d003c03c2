"""Tidies up now and then: old bytes, forgotten instances, the disk's free space."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from types import MappingProxyType
from typing import Final, Protocol

from deid_node.errors import CustodyError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.spool.decisions import PersonsDecision, Verb
from deid_node.values.identity import InstanceId
from deid_node.work.queue import WorkQueue

_PERIOD_SECONDS = 30.0
_GLANCE_SECONDS: Final = 1.0
_EVENTS: Final = MappingProxyType(
    {
        Verb.RELEASE: Event.INSTANCE_RELEASED,
        Verb.DISCARD: Event.INSTANCE_DROPPED,
        Verb.REDELIVER: Event.REDELIVERY_ORDERED,
        Verb.REPROCESS: Event.REPROCESSING_ORDERED,
        Verb.EXPORT: Event.INSTANCE_COPIED,
        Verb.RELEASE_SERIES: Event.SERIES_RELEASED,
        Verb.EXPECT_INSTANCES: Event.INSTANCES_EXPECTED,
        Verb.FILL: Event.INSTANCE_MARKED,
        Verb.NO_TEXT: Event.INSTANCE_MARKED,
        Verb.HOLD: Event.INSTANCE_HELD,
        Verb.SHOW_VALUES: Event.VALUES_REVEALED,
        Verb.OBJECT: Event.DECISION_REFUSED,
        Verb.NOTHING_MISSED: Event.SAMPLE_PASSED,
        Verb.MISSED: Event.TEXT_MISSED,
        Verb.PROPOSE_REGIONS: Event.REGIONS_PROPOSED,
        Verb.ACCEPT_REGIONS: Event.REGIONS_ACCEPTED,
        Verb.REFUSE_REGIONS: Event.REGIONS_REFUSED,
    }
)


class RetentionSource(Protocol):
    """What the janitor asks of the spool's retention; may raise `CustodyError`."""

    def remove_expired(self) -> int:
        """Remove the bytes of what was settled long enough ago; return how many instances."""
        ...

    def free_bytes(self) -> int:
        """Return how many bytes the spool's disk can still take."""
        ...


class WaitingInstances(Protocol):
    """What the janitor asks of the journal; may raise `CustodyError`."""

    def received(self) -> Mapping[str, Sequence[InstanceId]]:
        """Return by calling AE title the instances that wait for a worker, oldest first."""
        ...


class Decisions(Protocol):
    """What people decided beside the node; may raise `CustodyError`."""

    def untold(self) -> Sequence[PersonsDecision]:
        """Return the decisions that the log does not hold yet."""
        ...

    def are_waiting(self) -> bool:
        """Return whether there are any that the log does not hold."""
        ...

    def told(self, decisions: Sequence[PersonsDecision]) -> None:
        """Record that the log holds `decisions`."""
        ...


class Moments(Protocol):
    """What the janitor asks of the journal's moments; may raise `CustodyError`."""

    def correct(self) -> int:
        """Let what lies too far ahead count from now; return how many there were."""
        ...


class SeriesClosing(Protocol):
    """Who lets instances go on whose series was waited for; may raise `CustodyError`."""

    def resume(self) -> None:
        """Wait on for what was waited for before the node ended."""
        ...

    def close_due(self, *, disk_is_low: bool) -> None:
        """Close what is due, and all where the disk takes nothing more."""
        ...


class Leftovers(Protocol):
    """What nobody looks after; may raise `CustodyError`."""

    def stranded(self) -> Mapping[str, int]:
        """Return how many deliveries wait for each destination that is not configured."""
        ...


class Janitor:
    """Sweeps every `period_seconds` in a thread of its own.

    A sweep removes bytes whose retention has passed, offers every waiting
    instance to the queue (which takes each only once), tells what people have
    decided, and says when the disk falls below its reserve and when it is above
    it again. It also puts right what a clock that was wrong has written (`clock`), and
    says what is due at a destination that nobody serves (`leftovers`). `record` puts
    decisions into the audit trail, on disk when it returns. Series that were waited for
    (`closing`) do not wait for a sweep.
    """

    def __init__(
        self,
        *,
        retention: RetentionSource,
        waiting: WaitingInstances,
        decisions: Decisions,
        queue: WorkQueue,
        log: EventLog,
        reserve_bytes: int,
        clock: Moments | None = None,
        leftovers: Leftovers | None = None,
        closing: SeriesClosing | None = None,
        record: Callable[[Sequence[PersonsDecision]], None] | None = None,
        period_seconds: float = _PERIOD_SECONDS,
    ) -> None:
        self._retention = retention
        self._waiting = waiting
        self._decisions = decisions
        self._queue = queue
        self._log = log
        self._reserve_bytes = reserve_bytes
        self._clock = clock
        self._leftovers = leftovers
        self._closing = closing
        self._stranded: Mapping[str, int] = {}
        self._record = record
        self._period_seconds = period_seconds
        self._is_low = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)

    def start(self) -> None:
        """Begin with a sweep; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the sweep in hand; also before it was started."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def sweep(self) -> None:
        """Do all of it once; what fails is told and does not keep the rest from being done."""
        for task in (
            self._correct,
            self._remove,
            self._close_series,
            self._refill,
            self._tell_decisions,
            self._tell_stranded,
            self._look_at_disk,
        ):
            self._guarded(task)

    def _guarded(self, task: Callable[[], None]) -> None:
        try:
            task()
        except CustodyError as error:
            self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
        except OSError as error:
            self._log.error(Event.SPOOL_FAILED, error=type(error).__name__)

    def _run(self) -> None:
        if self._closing is not None:
            self._guarded(self._closing.resume)
        while True:
            self.sweep()
            until = monotonic() + self._period_seconds
            while monotonic() < until and not self._is_called():
                # What fails is told by the sweep, and not once a second.
                with suppress(CustodyError, OSError):
                    self._close_series()
                if self._stopping.wait(min(_GLANCE_SECONDS, self._period_seconds)):
                    return

    def _is_called(self) -> bool:
        """Return whether a person has decided since: that is not left to the next sweep."""
        try:
            return self._decisions.are_waiting()
        except CustodyError:
            # The sweep itself tells of it.
            return False

    def _correct(self) -> None:
        count = self._clock.correct() if self._clock is not None else 0
        if count:
            self._log.warning(Event.CLOCK_CORRECTED, count=count)

    def _tell_stranded(self) -> None:
        if self._leftovers is None:
            return
        stranded = self._leftovers.stranded()
        for name, count in stranded.items():
            if self._stranded.get(name) != count:
                self._log.error(Event.DESTINATION_NOT_CONFIGURED, destination=name, count=count)
        self._stranded = stranded

    def _remove(self) -> None:
        # In portions: a long sweep would hold up the door's commits.
        while not self._stopping.is_set():
            removed = self._retention.remove_expired()
            if not removed:
                return
            self._log.info(Event.BLOBS_REMOVED, count=removed)

    def _refill(self) -> None:
        for sender, instances in self._waiting.received().items():
            self._queue.offer_all(instances, sender)

    def _tell_decisions(self) -> None:
        decisions = self._decisions.untold()
        if decisions and self._record is not None:
            self._record(decisions)
        for one in decisions:
            self._log.info(_EVENTS[one.verb], instance=one.instance, code=one.code)
        if decisions:
            # After the log: a crash in between repeats the lines, it does not forget them.
            self._decisions.told(decisions)

    def _close_series(self) -> None:
        if self._closing is not None:
            is_low = self._retention.free_bytes() < self._reserve_bytes
            self._closing.close_due(disk_is_low=is_low)

    def _look_at_disk(self) -> None:
        free_bytes = self._retention.free_bytes()
        is_low = free_bytes < self._reserve_bytes
        if is_low != self._is_low:
            self._is_low = is_low
            tell = self._log.error if is_low else self._log.info
            tell(
                Event.SPOOL_LOW if is_low else Event.SPOOL_RECOVERED,
                free_bytes=free_bytes,
                reserve_bytes=self._reserve_bytes,
            )
