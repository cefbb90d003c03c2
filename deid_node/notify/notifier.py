"""Watches the health of the node and what waits for a person, and tells whom the site named.

A part that is in trouble is told once it has been so for a while, and once more when it is
well again; what was withheld is told in sums. What could not be sent is sent later, as long
as it is still true: a mail about yesterday's outage helps nobody.
"""

from collections.abc import Callable, Sequence
from threading import Event as Signal
from threading import Thread
from time import monotonic
from typing import Final

from deid_node.errors import CustodyError, NotificationFailed
from deid_node.notify.channels import Channel
from deid_node.notify.notice import Notice, NoticeKind
from deid_node.observe.events import Event
from deid_node.observe.health import OK, Condition
from deid_node.observe.logs import EventLog

PERIOD_SECONDS: Final = 30.0

_LIFE: Final = "node"


class Notifier:
    """Looks every `period_seconds` in a thread of its own.

    Parameters
    ----------
    channels
        Where a notice goes; each is tried by itself.
    health
        How every part is; a part that starts or stops is in no trouble.
    withheld
        How many instances wait for a person; may raise `CustodyError`.
    after_seconds, withheld_every_seconds
        As in `notify.options`.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        node: str,
        health: Callable[[], Condition],
        withheld: Callable[[], int],
        after_seconds: float,
        withheld_every_seconds: float,
        log: EventLog,
        period_seconds: float = PERIOD_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._tellers = [_Teller(channel, log) for channel in channels]
        self._node = node
        self._health = health
        self._withheld = withheld
        self._after_seconds = after_seconds
        self._every_seconds = withheld_every_seconds
        self._period_seconds = period_seconds
        self._clock = clock
        self._since: dict[tuple[str, str], float] = {}
        self._lasting: frozenset[tuple[str, str]] = frozenset()
        self._counted: int | None = None
        self._count_told_at: float | None = None
        self._end = Signal()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread = Thread(target=self._run, name="notifier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is being sent is waited for."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Look once, and send what there is to say."""
        lasting = self._troubles()
        news: list[Notice] = []
        for part, code in sorted(lasting - self._lasting):
            news.append(Notice(NoticeKind.TROUBLE_BEGAN, self._node, part, code))
        for part, code in sorted(self._lasting - lasting):
            news.append(Notice(NoticeKind.TROUBLE_ENDED, self._node, part, code))
        self._lasting = lasting
        news += self._waiting()
        for teller in self._tellers:
            teller.tell(news)

    def _run(self) -> None:
        while not self._end.wait(self._period_seconds):
            self.look()

    def _troubles(self) -> frozenset[tuple[str, str]]:
        """Return each part with its code that has been in trouble for long enough."""
        now = self._clock()
        there = {(part, code) for part, code in self._health().parts if code != OK}
        there = {one for one in there if one[0] != _LIFE}
        self._since = {one: self._since.get(one, now) for one in there}
        return frozenset(
            one for one, since in self._since.items() if now - since >= self._after_seconds
        )

    def _waiting(self) -> Sequence[Notice]:
        try:
            count = self._withheld()
        except CustodyError:
            # The spool's own trouble is told as such.
            return ()
        now = self._clock()
        if self._counted is None:
            # What waited before the start was told then.
            self._counted = count
        self._counted = min(self._counted, count)
        early = self._count_told_at is not None and now - self._count_told_at < self._every_seconds
        if count == self._counted or early:
            return ()
        self._counted, self._count_told_at = count, now
        return (Notice(NoticeKind.INSTANCES_WITHHELD, self._node, count=count),)


class _Teller:
    """One channel, and what it has still to say: of each matter the last word."""

    def __init__(self, channel: Channel, log: EventLog) -> None:
        self._channel = channel
        self._log = log
        self._due: dict[tuple[str | None, str | None], Notice] = {}
        self._failed = False

    def tell(self, news: Sequence[Notice]) -> None:
        for notice in news:
            matter = (notice.part, notice.code)
            waiting = self._due.pop(matter, None)
            # An outage that nobody could be told of, and that is over, is no news.
            if waiting is None or notice.kind is not NoticeKind.TROUBLE_ENDED:
                self._due[matter] = notice
        for matter, notice in list(self._due.items()):
            try:
                self._channel.send(notice)
            except NotificationFailed as error:
                if not self._failed:
                    self._log.warning(
                        Event.NOTIFICATION_FAILED, part=self._channel.name, reason=str(error)
                    )
                self._failed = True
                return
            self._failed = False
            del self._due[matter]
            self._log.info(Event.NOTIFICATION_SENT, part=self._channel.name, state=notice.kind)
