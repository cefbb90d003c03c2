"""Which instances wait for a worker, as a hint: the journal is the truth.

An id is in the queue or in a worker's hand at most once, however often it is
offered: the door, the janitor and a person who releases it may all do so.
"""

import heapq
import threading
from collections import deque
from collections.abc import Iterable
from time import monotonic

from deid_node.values.identity import InstanceId


class WorkQueue:
    """First in, first out; any thread may call."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[InstanceId] = deque()
        self._later: list[tuple[float, InstanceId]] = []
        self._known: set[InstanceId] = set()
        self._closed = False

    def __len__(self) -> int:
        """Return how many ids wait (those in hand not counted)."""
        with self._changed:
            return len(self._waiting) + len(self._later)

    def offer(self, instance: InstanceId) -> bool:
        """Let `instance` wait; return whether it was neither waiting nor in hand before."""
        return self.offer_all((instance,)) == 1

    def offer_all(self, instances: Iterable[InstanceId]) -> int:
        """Let all of them wait that neither wait nor are in hand; return how many were new."""
        with self._changed:
            if self._closed:
                return 0
            before = len(self._waiting)
            for instance in instances:
                if instance not in self._known:
                    self._known.add(instance)
                    self._waiting.append(instance)
            added = len(self._waiting) - before
            self._changed.notify(added)
            return added

    def take(self, *, timeout_seconds: float) -> InstanceId | None:
        """Return the next id and hold it in hand; None after the time-out or once closed."""
        deadline = monotonic() + timeout_seconds
        with self._changed:
            while not self._closed:
                now = monotonic()
                while self._later and self._later[0][0] <= now:
                    self._waiting.append(heapq.heappop(self._later)[1])
                if self._waiting:
                    return self._waiting.popleft()
                if now >= deadline:
                    return None
                self._changed.wait(min([deadline, *(at for at, _ in self._later[:1])]) - now)
            return None

    def done(self, instance: InstanceId) -> None:
        """Let go of an id in hand for good; it may be offered again."""
        with self._changed:
            self._known.discard(instance)

    def again(self, instance: InstanceId, *, delay_seconds: float = 0.0) -> None:
        """Put an id in hand back, behind all that wait, to be taken after `delay_seconds`."""
        with self._changed:
            if delay_seconds > 0:
                heapq.heappush(self._later, (monotonic() + delay_seconds, instance))
            else:
                self._waiting.append(instance)
            self._changed.notify()

    def close(self) -> None:
        """Give nothing out any more; who waits in `take` comes back with None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
