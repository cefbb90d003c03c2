"""Associations with one archive that are kept open between batches.

At most as many are open as the archive was configured for. What an association
offered cannot be changed later, so a new one also offers what was needed lately.

Some archives serve one association at a time and leave the next caller without an
answer until the first has gone. Whoever keeps the first open then waits for ever on
the second. So a request that is not answered while another association of ours
moves on says how many are served: no more are tried for a while, and none is kept
open without need.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from time import monotonic
from typing import Final, Self

from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import AssociationCounts, Crowded
from deid_node.forward.dimse.association import Archive, Association, open_association
from deid_node.forward.dimse.contexts import MOST_CONTEXTS, Offer, contexts_for, offers_for
from deid_node.forward.dimse.pdus import Context
from deid_node.values.instance import CleanInstance

# An archive that serves us answers the second request about as fast as it did the first.
_PATIENCE_SECONDS: Final = 3.0
_TIMES_THE_LAST: Final = 4.0
_TRY_MORE_SECONDS: Final = 600.0


class AssociationPool:
    """Lends associations, one to a thread; any thread may call.

    After an archive served fewer than `most`, more are tried every `try_more_seconds`.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        most: int,
        idle_seconds: float,
        try_more_seconds: float = _TRY_MORE_SECONDS,
    ) -> None:
        self._archive = archive
        self._most = most
        self._idle_seconds = idle_seconds
        self._try_more_seconds = try_more_seconds
        self._allowed = most
        self._try_more_at = 0.0
        self._answered_in_seconds = 0.0
        self._failed_at = -1.0
        # One is opened at a time: what comes of it says whether there is room for the next.
        self._opening = threading.Lock()
        self._lock = threading.Lock()
        self._idle: list[Association] = []
        self._lent: set[Association] = set()
        self._closed = False
        self._lately: OrderedDict[Offer, None] = OrderedDict()

    @property
    def places(self) -> int:
        """How many may be lent at once: as many as are served, and now and then one to try."""
        with self._lock:
            return self._places()

    def counts(self) -> AssociationCounts:
        """Return how many associations there are now."""
        with self._lock:
            return AssociationCounts(len(self._lent), len(self._idle), self._allowed)

    def rested(self, instance: CleanInstance) -> Association | None:
        """Lend an idle association that can serve `instance`, if there is a living one."""
        needed = offers_for(instance)
        while True:
            with self._lock:
                fitting = [one for one in self._idle if one.offered.issuperset(needed)]
                if not fitting:
                    return None
                found = fitting[-1]
                self._idle.remove(found)
                self._lent.add(found)
            if found.is_alive():
                return found
            self.drop(found)

    def fresh(self, instances: Sequence[CleanInstance]) -> Association:
        """Open and lend an association for `instances`, as many from the first as it can serve.

        Raises `Crowded` where the archive serves others of ours and not this one, and
        `DestinationUnavailable` where it serves none.
        """
        asked_at = monotonic()
        with self._opening:
            with self._lock:
                lately = list(reversed(self._lately))
                crowded = self._idle and len(self._idle) + len(self._lent) >= self._places()
                # Room for a new one is made by the one that has been idle longest.
                oldest = self._idle.pop(0) if crowded else None
                is_first = not self._idle and not self._lent
                if is_first and self._failed_at >= asked_at:
                    raise DestinationUnavailable("the destination could not be reached just now")
            if oldest is not None:
                oldest.release()
            contexts = contexts_for(instances, lately)
            association = self._opened(contexts, is_first=is_first)
            with self._lock:
                for context in reversed(contexts):
                    self._lately[context.sop_class, context.transfer_syntax] = None
                    self._lately.move_to_end((context.sop_class, context.transfer_syntax))
                while len(self._lately) > MOST_CONTEXTS:
                    self._lately.popitem(last=False)
                if not self._closed:
                    self._lent.add(association)
                    self._allowed = max(self._allowed, len(self._lent))
                    return association
        association.release()
        raise DestinationUnavailable("the destination is closed")

    def _opened(self, contexts: Sequence[Context], *, is_first: bool) -> Association:
        began = monotonic()
        patience_seconds = _PATIENCE_SECONDS + _TIMES_THE_LAST * self._answered_in_seconds
        try:
            association = open_association(
                self._archive, contexts, patience_seconds=None if is_first else patience_seconds
            )
        except DestinationUnavailable:
            served = 0 if is_first else self._served_since(began)
            with self._lock:
                if not served:
                    self._failed_at = monotonic()
                    raise
                self._allowed = min(self._allowed, served)
                self._try_more_at = monotonic() + self._try_more_seconds
            raise Crowded from None
        self._answered_in_seconds = monotonic() - began
        return association

    def _served_since(self, began: float) -> int:
        """Return how many associations have moved since then, or lie idle and alive."""
        with self._lock:
            moving = sum(one.moved_at >= began for one in self._lent)
            idle, self._idle = self._idle, []
        living = [one for one in idle if one.is_alive()]
        with self._lock:
            if not self._closed:
                self._idle = living + self._idle
                return moving + len(living)
        for one in living:
            one.release()
        return moving

    def _places(self) -> int:
        trying = self._allowed < self._most and monotonic() >= self._try_more_at
        return self._allowed + trying

    def give_back(self, association: Association) -> None:
        """Keep a healthy association for the next borrower; release it where others may wait."""
        with self._lock:
            self._lent.discard(association)
            if not self._closed and self._allowed == self._most:
                self._idle.append(association)
                return
        association.release()

    def drop(self, association: Association) -> None:
        """Forget a broken association."""
        with self._lock:
            self._lent.discard(association)
        association.shut()

    def release_idle(self) -> None:
        """Release the associations that have not been used for a while."""
        now = monotonic()
        with self._lock:
            stale = [one for one in self._idle if now - one.last_used >= self._idle_seconds]
            self._idle = [one for one in self._idle if one not in stale]
        for association in stale:
            association.release()

    def close(self) -> None:
        """Release what is idle and break off what is lent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            lent = list(self._lent)
        for association in lent:
            association.shut()
        for association in idle:
            association.release()


class Line:
    """What one delivering thread holds: at most one association of the pool."""

    def __init__(self, pool: AssociationPool) -> None:
        self._pool = pool
        self._association: Association | None = None
        self.is_rested = False
        """Whether it lay idle and has not been used since: it may have died unnoticed."""

    def __enter__(self) -> Self:
        """Begin with nothing in hand."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give back what is in hand."""
        self._give_back()

    def serving(self, instances: Sequence[CleanInstance]) -> Association:
        """Return an association that offered the first of `instances`.

        Raises `DestinationUnavailable` or `Crowded` when a new one is needed and cannot be had.
        """
        first = instances[0]
        if self._association is not None:
            if self._association.offered.issuperset(offers_for(first)):
                return self._association
            self._give_back()
        self._association = self._pool.rested(first)
        self.is_rested = self._association is not None
        return self._association or self.renewed(instances)

    def renewed(self, instances: Sequence[CleanInstance]) -> Association:
        """Return a new association in place of the one in hand."""
        self.lose()
        self._association = self._pool.fresh(instances)
        self.is_rested = False
        return self._association

    def lose(self) -> None:
        """Drop the association in hand."""
        if self._association is not None:
            self._pool.drop(self._association)
            self._association = None

    def _give_back(self) -> None:
        if self._association is not None:
            self._pool.give_back(self._association)
            self._association = None
