"""From the rooms to the repository, without holding anybody up.

A room hands in a message and goes on. One thread puts what lines up on disk, a
second brings it to the target in order and forgets it then. What dies with the
process is what was handed in during its last moments; what people decided is on
disk before the node calls it told.
"""

import random
import threading
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Final

from deid_node.audit.message import AuditMessage
from deid_node.audit.outbox import Outbox
from deid_node.audit.targets.base import Target
from deid_node.errors import AuditUnavailable, SpoolUnavailable
from deid_node.observe.events import Event
from deid_node.observe.labels import AuditResult
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.values.retry import RetryPolicy

_BATCH: Final = 100
_MOST_IN_MEMORY: Final = 10_000
_AGAIN: Final = RetryPolicy(first_seconds=1, factor=2, cap_seconds=60)
_DISK_AGAIN_SECONDS: Final = 1.0
_LAST_TRY_SECONDS: Final = 5.0


class AuditTrail:
    """Takes messages from any thread; none waits for disk or network in `record`."""

    def __init__(
        self,
        outbox: Outbox,
        target: Target,
        *,
        metrics: Metrics,
        log: EventLog,
        again: RetryPolicy = _AGAIN,
    ) -> None:
        self._outbox = outbox
        self._target = target
        self._metrics = metrics
        self._log = log
        self._again = again
        self._draw = random.Random()
        self._changed = threading.Condition()
        self._handed_in: deque[AuditMessage] = deque()
        self._stopping = False
        self._is_dropping = False
        self._failures = 0
        self._writer = threading.Thread(target=self._write, name="audit-writer", daemon=True)
        self._sender = threading.Thread(target=self._send, name="audit-sender", daemon=True)

    def start(self) -> None:
        """Open the outbox and begin; raise `AuditUnavailable` where it cannot be had."""
        self._outbox.open()
        self._metrics.audit_waiting(len(self._outbox))
        self._writer.start()
        self._sender.start()

    def stop(self) -> None:
        """Put on disk what was handed in, try once more to deliver, and close."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._writer.is_alive():
            self._writer.join()
            self._sender.join(_LAST_TRY_SECONDS)
        self._target.close()
        self._outbox.close()

    def trouble(self) -> str | None:
        """Return a code while messages are dropped or cannot be delivered, else None."""
        if self._is_dropping:
            return "audit_dropping"
        return "audit_unreachable" if self._failures else None

    def record(self, *messages: AuditMessage) -> None:
        """Hand in `messages`; returns at once."""
        with self._changed:
            room = _MOST_IN_MEMORY - len(self._handed_in)
            self._handed_in.extend(messages[:room])
            self._changed.notify_all()
        self._tell_dropped(len(messages[room:]))

    def record_surely(self, messages: Sequence[AuditMessage]) -> None:
        """Keep `messages` whatever else waits; on disk when it returns.

        Raises `SpoolUnavailable` where the disk does not take them.
        """
        try:
            self._outbox.add(messages, bounded=False)
        except AuditUnavailable as error:
            raise SpoolUnavailable(str(error)) from None
        with self._changed:
            self._changed.notify_all()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._handed_in or self._stopping)
                batch = list(self._handed_in)
            if not batch:
                return
            try:
                dropped = self._outbox.add(batch)
            except AuditUnavailable as error:
                if not self._pause_for_disk(error):
                    self._tell_dropped(len(batch))
                    return
                continue
            with self._changed:
                for _ in batch:
                    self._handed_in.popleft()
                self._changed.notify_all()
            self._tell_dropped(dropped)
            self._metrics.audit_waiting(len(self._outbox))

    def _pause_for_disk(self, error: AuditUnavailable) -> bool:
        """Wait until the disk may be well again; return whether there is time for that."""
        self._log.error(Event.AUDIT_UNREACHABLE, code=error.code, reason=str(error))
        with self._changed:
            return not self._changed.wait_for(lambda: self._stopping, _DISK_AGAIN_SECONDS)

    def _send(self) -> None:
        while not (self._stopping and self._failures):
            try:
                batch = self._outbox.oldest(_BATCH)
                if not batch and self._is_over():
                    return
                if batch:
                    self._target.deliver([message for _, message in batch])
                    self._outbox.remove([number for number, _ in batch])
                    self._tell_delivered(len(batch))
            except AuditUnavailable as error:
                self._tell_unreachable(error)
            # A fault of ours must not end the trail for good: it is told, and tried again.
            except Exception as error:  # noqa: BLE001
                self._tell_unreachable(AuditUnavailable(type(error).__name__))

    def _is_over(self) -> bool:
        """Wait for something to deliver; return whether nothing will come any more."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._outbox) or self._stopping)
            return self._stopping and not self._writer.is_alive() and not len(self._outbox)

    def _tell_delivered(self, count: int) -> None:
        self._metrics.audit(AuditResult.DELIVERED, count)
        self._metrics.audit_waiting(len(self._outbox))
        self._is_dropping = False
        if self._failures:
            self._failures = 0
            self._log.info(Event.AUDIT_REACHED, count=len(self._outbox))

    def _tell_unreachable(self, error: AuditUnavailable) -> None:
        self._failures += 1
        tell = self._log.warning if self._failures == 1 else self._log.debug
        tell(Event.AUDIT_UNREACHABLE, code=error.code, reason=str(error))
        until = monotonic() + self._again.delay_seconds(self._failures, draw=self._draw)
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, max(0.0, until - monotonic()))

    def _tell_dropped(self, count: int) -> None:
        if count:
            self._metrics.audit(AuditResult.DROPPED, count)
            if not self._is_dropping:
                # Once an outage: the metric has the number.
                self._is_dropping = True
                self._log.error(Event.AUDIT_DROPPED, count=count)
