"""Which instances wait for a worker, as a hint: the journal is the truth.

An id is in the queue or in a worker's hand at most once, however often it is
offered: the door, the janitor and a person who releases it may all do so.

Senders take turns: one that pushes twenty thousand slices delays the single
picture of another by one slice, not by all of them.
"""

import heapq
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from sys import intern
from time import monotonic

from deid_node.values.identity import InstanceId


class WorkQueue:
    """One instance of each sender after the other, of one sender first in, first out.

    A sender is known by its calling AE title. Any thread may call.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # The sender whose turn is next stands first; one of whom nothing waits has no lane.
        self._lanes: OrderedDict[str, deque[InstanceId]] = OrderedDict()
        self._later: list[tuple[float, InstanceId]] = []
        self._senders: dict[InstanceId, str] = {}
        self._ready = 0
        self._closed = False

    def __len__(self) -> int:
        """Return how many ids wait (those in hand not counted)."""
        with self._changed:
            return self._ready + len(self._later)

    def offer(self, instance: InstanceId, sender: str = "") -> bool:
        """Let `instance` wait; return whether it was neither waiting nor in hand before."""
        return self.offer_all((instance,), sender) == 1

    def offer_all(self, instances: Iterable[InstanceId], sender: str = "") -> int:
        """Let all of them wait that neither wait nor are in hand; return how many were new."""
        with self._changed:
            if self._closed:
                return 0
            before = self._ready
            for instance in instances:
                if instance not in self._senders:
                    # Interned: thousands of instances share the few names of their senders.
                    self._senders[instance] = intern(sender)
                    self._put(instance)
            added = self._ready - before
            self._changed.notify(added)
            return added

    def take(self, *, timeout_seconds: float) -> InstanceId | None:
        """Return the next id and hold it in hand; None after the time-out or once closed."""
        deadline = monotonic() + timeout_seconds
        with self._changed:
            while not self._closed:
                now = monotonic()
                while self._later and self._later[0][0] <= now:
                    self._put(heapq.heappop(self._later)[1])
                if self._lanes:
                    return self._next()
                if now >= deadline:
                    return None
                self._changed.wait(min([deadline, *(at for at, _ in self._later[:1])]) - now)
            return None

    def done(self, instance: InstanceId) -> None:
        """Let go of an id in hand for good; it may be offered again."""
        with self._changed:
            self._senders.pop(instance, None)

    def again(self, instance: InstanceId, *, delay_seconds: float = 0.0) -> None:
        """Put an id in hand back, behind its sender's others, to be taken after `delay_seconds`."""
        with self._changed:
            if delay_seconds > 0:
                heapq.heappush(self._later, (monotonic() + delay_seconds, instance))
            else:
                self._put(instance)
            self._changed.notify()

    def close(self) -> None:
        """Give nothing out any more; who waits in `take` comes back with None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _put(self, instance: InstanceId) -> None:
        self._lanes.setdefault(self._senders[instance], deque()).append(instance)
        self._ready += 1

    def _next(self) -> InstanceId:
        sender, lane = next(iter(self._lanes.items()))
        instance = lane.popleft()
        self._ready -= 1
        if lane:
            self._lanes.move_to_end(sender)
        else:
            del self._lanes[sender]
        return instance
