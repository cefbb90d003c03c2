"""Closes the series that have been waited for long enough, and lets their instances go on.

What the journal says of a series is the truth here too: nobody remembers in memory when one
is due, so that a start goes on where the end of the node left off.
"""

from collections.abc import Sequence
from typing import Protocol, Self

from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.custody import Custody
from deid_node.spool.series import Closed, WaitingSeries
from deid_node.work.queue import WorkQueue


class SeriesJournal(Protocol):
    """What is asked of the journal; may raise `CustodyError`."""

    def close_due(self, *, disk_is_low: bool = False) -> Sequence[Closed]:
        """Close what has been waited for long enough, and all where the disk takes no more."""
        ...

    def resume(self) -> None:
        """Let the quiet begin anew: while the node was away, nothing could come."""
        ...


class Closing:
    """Called by the janitor: at its start, and about once a second."""

    def __init__(
        self, series: SeriesJournal, queue: WorkQueue, *, metrics: Metrics, log: EventLog
    ) -> None:
        self._series = series
        self._queue = queue
        self._metrics = metrics
        self._log = log

    @classmethod
    def over(cls, custody: Custody, queue: WorkQueue, *, metrics: Metrics, log: EventLog) -> Self:
        """Return it over the series of a spool."""
        return cls(WaitingSeries(custody), queue, metrics=metrics, log=log)

    def resume(self) -> None:
        """Wait on for what was waited for before the node ended; may raise `CustodyError`."""
        self._series.resume()

    def close_due(self, *, disk_is_low: bool) -> None:
        """Close what is due; with a disk that takes no more, nothing can come: all of it.

        May raise `CustodyError`.
        """
        for closed in self._series.close_due(disk_is_low=disk_is_low):
            tell_closed(closed, metrics=self._metrics, log=self._log)
            for sender, instances in closed.going.items():
                self._queue.offer_all(instances, sender)


def tell_closed(closed: Closed, *, metrics: Metrics, log: EventLog) -> None:
    """Count a series that was closed, and log it."""
    metrics.series_closed(closed.by)
    log.info(
        Event.SERIES_CLOSED,
        treatment=closed.treatment,
        code=closed.by,
        count=closed.instances,
        seconds=round(closed.seconds, 3),
    )
