"""The running node: its parts, started and stopped in written order.

The order of starting: custody first, because everything else speaks to it; then
the workers, which load their models; then the ways out; the doors last, so that
nothing is acknowledged that could not be worked on. The order of stopping is
the journey's: every door closes, workers finish what is in hand, deliveries
finish the instance in hand, and custody closes when nobody can write any more.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, Protocol

from deid_node import __version__
from deid_node.audit.node import NodeRecord
from deid_node.forward.outgoing import Outgoing
from deid_node.notify.notifier import Notifier
from deid_node.observe.events import Event
from deid_node.observe.exporter import Exporter
from deid_node.observe.health import Health, Lifecycle
from deid_node.observe.logs import EventLog
from deid_node.receive.base import Door
from deid_node.receive.dimse.commitment_reporter import Reporter
from deid_node.spool.custody import Custody
from deid_node.spool.retention import Retention
from deid_node.work.janitor import Janitor
from deid_node.work.shifts import Shifts

FINISH_SECONDS: Final = 20.0
"""How long each part may take for what it has in hand when the node stops."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a node is made of; `deid_node.assembly` builds it."""

    custody: Custody
    retention: Retention
    engine: Shifts
    outgoing: Outgoing
    janitor: Janitor
    reporter: Reporter
    doors: Sequence[Door]
    """The first is that of DICOM associations."""
    exporter: Exporter
    health: Health
    log: EventLog
    audit: NodeRecord | None = None
    notifier: Notifier | None = None
    admission: Callable[[], None] | None = None
    """What is looked at in the spool before anything works on it; it may refuse the start."""
    review: "ReviewDesk | None" = None
    reloader: "Reloads | None" = None


class _Part(Protocol):
    def start(self) -> None: ...


class ReviewDesk(Protocol):
    """The pages of the review desk, where the site has one: its libraries are an extra."""

    @property
    def port(self) -> int:
        """The port that listens."""
        ...

    def start(self) -> None:
        """Listen; raise `ConfigurationError` where the address cannot be had."""
        ...

    def stop(self) -> None:
        """Close the port."""
        ...


class Reloads(Protocol):
    """What lets another configuration take over while the node runs."""

    def start(self) -> None:
        """Begin to listen to those who ask."""
        ...

    def stop(self) -> None:
        """End; what has not taken over yet does not any more."""
        ...

    def ask(self) -> None:
        """Have the configuration read anew; returns at once."""
        ...


class Node:
    """Starts and stops the parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._running: Final[list[object]] = []

    @property
    def port(self) -> int:
        """The DICOM port that listens."""
        return self._parts.doors[0].port

    @property
    def http_port(self) -> int:
        """The port of metrics and health."""
        return self._parts.exporter.port

    @property
    def desk_port(self) -> int | None:
        """The port of the review desk, where there is one."""
        return None if self._parts.review is None else self._parts.review.port

    def reload(self) -> None:
        """Have the configuration read anew, if it can be; returns at once."""
        if self._parts.reloader is not None:
            self._parts.reloader.ask()

    def start(self) -> None:
        """Start every part; `node_ready` says that every port listens.

        Raises `ConfigurationError` or `CustodyError` when a part cannot start;
        the parts that run by then are stopped again.
        """
        parts = self._parts
        started = monotonic()
        parts.log.info(Event.NODE_STARTING, version=__version__)
        try:
            self._begin(parts.custody, parts.custody.open)
            if parts.admission is not None:
                parts.admission()
            removed = parts.retention.reconcile()
            parts.log.info(Event.JOURNAL_RECONCILED, count=removed)
            following: tuple[_Part, ...] = (
                parts.exporter,
                *(() if parts.audit is None else (parts.audit,)),
                parts.engine,
                parts.outgoing,
                parts.janitor,
                parts.reporter,
                *(() if parts.review is None else (parts.review,)),
                *parts.doors,
                *(() if parts.notifier is None else (parts.notifier,)),
                *(() if parts.reloader is None else (parts.reloader,)),
            )
            for part in following:
                self._begin(part, part.start)
        except BaseException:
            self.stop()
            raise
        parts.health.enter(Lifecycle.RUNNING)
        parts.log.info(
            Event.NODE_READY,
            port=self.port,
            http_port=self.http_port,
            desk_port=self.desk_port,
            version=__version__,
            seconds=round(monotonic() - started, 3),
        )

    def stop(self) -> None:
        """Stop every part that runs, in order; safe after a start that failed half way.

        A part that fails to stop does not keep the others from it; its error is
        raised in the end.
        """
        parts = self._parts
        parts.health.enter(Lifecycle.STOPPING)
        parts.log.info(Event.NODE_STOPPING)
        audit, notifier, review = parts.audit, parts.notifier, parts.review
        reloader = parts.reloader
        order: tuple[tuple[object, Callable[[], None]], ...] = (
            # First: no part may be replaced while it is being stopped.
            *(() if reloader is None else ((reloader, reloader.stop),)),
            *(() if notifier is None else ((notifier, notifier.stop),)),
            # All of them first: who is turned away at one shall not come in by the next.
            *((door, door.stop_accepting) for door in parts.doors),
            *((door, partial(door.stop, finish_seconds=FINISH_SECONDS)) for door in parts.doors),
            *(() if review is None else ((review, review.stop),)),
            (parts.reporter, parts.reporter.stop),
            (parts.janitor, parts.janitor.stop),
            (parts.engine, partial(parts.engine.stop, finish_seconds=FINISH_SECONDS)),
            (parts.outgoing, partial(parts.outgoing.stop, finish_seconds=FINISH_SECONDS)),
            *(() if audit is None else ((audit, audit.stop),)),
            (parts.exporter, parts.exporter.stop),
            (parts.custody, parts.custody.close),
        )
        # What is pushed last is called first, and all are called whatever one of them raises.
        with ExitStack() as stops:
            stops.callback(parts.log.info, Event.NODE_STOPPED)
            for part, stop in reversed(order):
                if any(part is one for one in self._running):
                    stops.callback(stop)
        self._running.clear()

    def _begin(self, part: object, start: Callable[[], None]) -> None:
        """Start a part; one that cannot start has nothing running when it raises."""
        start()
        self._running.append(part)
