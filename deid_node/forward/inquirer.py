"""Asks one archive to commit to what it was sent, until it has.

The journal is the truth here as well: the thread holds nothing that is not read
again after a crash, and an archive that is asked twice is asked the same.
"""

import random
import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from time import monotonic
from typing import Final, Literal, Protocol

from deid_node.errors import CustodyError
from deid_node.forward.hearing import Hearing
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.spool.archive_commitments import Confirmations
from deid_node.values.confirmation import Inquiry, Placed
from deid_node.values.retry import RetryPolicy

_MOST_REFERENCES: Final = 1000
_GATHER_SECONDS: Final = 5.0
_KNOCK_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 1.0
_TROUBLE_SECONDS: Final = 5.0
_CLOSING_SECONDS: Final = 5.0


class Reply(StrEnum):
    """What an archive says to a question.

    TAKEN: it answers, or has answered already. NOT_YET: it can answer, and does not have
    all of it so far. NOT_OFFERED: it answers no such questions. FAILED: it could not be asked.
    """

    TAKEN = "taken"
    NOT_YET = "not_yet"
    NOT_OFFERED = "not_offered"
    FAILED = "failed"


class Asker(Protocol):
    """Asks one archive; used by one thread."""

    @property
    def longest_seconds(self) -> float:
        """How long a question takes at most once `close` was called."""
        ...

    def ask(
        self, inquiry: Inquiry, wanted: Sequence[Placed], *, taken: Callable[[], None]
    ) -> Reply:
        """Ask for `wanted`; call `taken` where the answer comes later, or may.

        An answer that is there at once is heard before this returns. Raises `CustodyError`.
        """
        ...

    def is_there(self) -> bool:
        """Return whether something takes a connection where the archive should be."""
        ...

    def close(self) -> None:
        """End what is being asked soon; another thread may call."""
        ...


class Inquirer:
    """A thread that asks one destination.

    What was sent is gathered for `gather_seconds`, so that one question asks for many;
    `limit_seconds` is how long we wait for its answer. While it is waited for, the archive
    is knocked at each `knock_seconds`.
    """

    def __init__(
        self,
        destination: str,
        asker: Asker,
        confirmations: Confirmations,
        hearing: Hearing,
        *,
        demand: Literal["required", "wanted", "off"],
        limit_seconds: float,
        retry: RetryPolicy,
        log: EventLog,
        gather_seconds: float = _GATHER_SECONDS,
        knock_seconds: float = _KNOCK_SECONDS,
    ) -> None:
        self._destination = destination
        self._asker = asker
        self._confirmations = confirmations
        self._hearing = hearing
        self._demand = demand
        self._limit_seconds = limit_seconds
        self._retry = retry
        self._draw = random.Random()
        self._log = log.with_fields(destination=destination)
        self._gather_seconds = gather_seconds
        self._knock_seconds = knock_seconds
        self._gathered_at = monotonic()
        self._is_offered = demand != "off"
        self._is_reached = True
        self._looked_at = monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"inquirer-{destination}", daemon=True
        )

    @property
    def is_asking(self) -> bool:
        """Whether what is sent now waits for the archive's commitment."""
        return self._is_offered or self._demand == "required"

    @property
    def is_reached(self) -> bool:
        """Whether the archive could be asked the last time, or knocked at since."""
        return self._is_reached

    def start(self) -> None:
        """Begin; what was not asked or answered before a crash is found in the journal.

        Where nothing is asked any more, what still waits for an answer is taken as
        delivered. Raises `CustodyError`.
        """
        if self._demand == "off":
            self._hearing.not_offered(self._destination)
        else:
            self._thread.start()

    def stop(self) -> None:
        """End after the question in hand; also before it was started."""
        self._stopping.set()
        self._asker.close()
        if self._thread.is_alive():
            self._thread.join(self._asker.longest_seconds + _CLOSING_SECONDS)

    def look(self) -> None:
        """Do once whatever is to be done now; raises `CustodyError`."""
        name = self._destination
        for inquiry in self._confirmations.overdue(name, seconds=self._limit_seconds):
            self._hearing.unanswered(inquiry)
        if not self.is_asking:
            self._hearing.not_offered(name)
            return
        if monotonic() - self._gathered_at >= self._gather_seconds:
            self._gathered_at = monotonic()
            while self._confirmations.gather(name, limit=_MOST_REFERENCES):
                pass
        due = self._confirmations.due(name)
        for inquiry in due:
            if self._stopping.is_set() or not self.is_asking:
                return
            self._ask(inquiry)
        if not due:
            self._knock()

    def _ask(self, inquiry: Inquiry) -> None:
        wanted = self._confirmations.asked_for(inquiry)
        if not wanted:
            # A late report has settled all of it meanwhile.
            self._confirmations.give_up(inquiry)
            return
        reply = self._asker.ask(inquiry, wanted, taken=lambda: self._confirmations.asked(inquiry))
        self._reach(reply is not Reply.FAILED)
        if reply is Reply.TAKEN:
            self._is_offered = True
            self._log.info(Event.INQUIRY_SENT, count=len(wanted))
            return
        if reply is Reply.NOT_OFFERED:
            self._tell_not_offered()
            if not self.is_asking:
                self._hearing.not_offered(self._destination)
                return
        seconds = self._retry.delay_seconds(inquiry.attempts + 1, draw=self._draw)
        self._confirmations.postpone(inquiry, seconds=seconds)
        self._log.debug(
            Event.INQUIRY_POSTPONED, attempt=inquiry.attempts + 1, seconds=round(seconds, 3)
        )

    def _knock(self) -> None:
        """See whether the archive is still there while its answer is waited for.

        Nothing is sent to it then and nothing asked: an outage would show only when the
        answer is overdue.
        """
        if monotonic() - self._looked_at < self._knock_seconds:
            return
        self._looked_at = monotonic()
        if self._is_reached and not self._confirmations.is_waiting(self._destination):
            return
        self._reach(self._asker.is_there())

    def _reach(self, is_reached: bool) -> None:
        was_reached, self._is_reached = self._is_reached, is_reached
        self._looked_at = monotonic()
        if was_reached and not is_reached:
            self._log.warning(Event.DESTINATION_UNREACHABLE)
        elif is_reached and not was_reached:
            self._log.info(Event.DESTINATION_REACHED)

    def _tell_not_offered(self) -> None:
        if self._is_offered:
            self._is_offered = False
            tell = self._log.error if self._demand == "required" else self._log.warning
            tell(Event.COMMITMENT_NOT_OFFERED, state=self._demand)

    def _run(self) -> None:
        while not self._stopping.is_set():
            seconds = min(_LOOK_SECONDS, self._gather_seconds)
            try:
                self.look()
            except CustodyError as error:
                self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
                seconds = _TROUBLE_SECONDS
            # A fault of ours must not end the thread: the inquiry stays in the journal.
            except Exception as error:  # noqa: BLE001
                self._log.error(Event.INQUIRY_POSTPONED, error=type(error).__name__)
                seconds = _TROUBLE_SECONDS
            self._stopping.wait(seconds)
