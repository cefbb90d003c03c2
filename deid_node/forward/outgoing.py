"""Every way out, by the name of its destination: the senders that are at work now.

A destination has one sender at a time: two would send an instance twice at once. Where its
settings have changed, the old one ends before the new one begins, and what it had not
delivered is due in the journal all the same.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Final

from deid_node.forward.sender import Sender

_FINISH_SECONDS: Final = 20.0
"""How long a sender that is replaced may take for the instance in hand."""


class Outgoing:
    """The senders by name; any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._senders: dict[str, Sender] = {}

    def appoint(self, senders: Mapping[str, Sender]) -> None:
        """Take these, by name, before the start."""
        with self._lock:
            self._senders.update(senders)

    @property
    def senders(self) -> Mapping[str, Sender]:
        """Those of this moment."""
        with self._lock:
            return dict(self._senders)

    def start(self) -> None:
        """Start every one; where one cannot start, none is left running."""
        with ExitStack() as undo:
            for sender in self.senders.values():
                undo.callback(partial(sender.stop, finish_seconds=0))
                sender.start()
            undo.pop_all()

    def wake(self, name: str) -> None:
        """Say that something may be due at that destination; nothing where it is gone."""
        sender = self.senders.get(name)
        if sender is not None:
            sender.wake()

    def replace(self, changed: Mapping[str, Sender], *, gone: frozenset[str] = frozenset()) -> None:
        """Let `changed`, which are not started, take over; those of `gone` have none after.

        A destination that is new has its sender before anything is due there. Returns when
        the others have ended; raises `CustodyError` where one cannot start: the rest does.
        """
        for name, sender in changed.items():
            before = self.senders.get(name)
            if before is not None:
                before.stop(finish_seconds=_FINISH_SECONDS)
            with self._lock:
                self._senders[name] = sender
        with ExitStack() as starts:
            for sender in changed.values():
                starts.callback(sender.start)
        for name in gone:
            with self._lock:
                left = self._senders.pop(name, None)
            if left is not None:
                left.stop(finish_seconds=_FINISH_SECONDS)

    def stop(self, *, finish_seconds: float) -> None:
        """Stop every one, whatever another raises."""
        calls: list[Callable[[], None]] = [
            partial(sender.stop, finish_seconds=finish_seconds) for sender in self.senders.values()
        ]
        with ExitStack() as stops:
            for stop in reversed(calls):
                stops.callback(stop)
