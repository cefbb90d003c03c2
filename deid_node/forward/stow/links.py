"""Connections with one archive of the web that are kept open between batches."""

import threading
from time import monotonic
from typing import Self

from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import AssociationCounts
from deid_node.forward.stow.link import LinkLost, Request, Site, WebAnswer, WebLink


class WebLinks:
    """Lends connections, one to a thread; any thread may call."""

    def __init__(self, site: Site, *, most: int, idle_seconds: float) -> None:
        self._site = site
        self._most = most
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._idle: list[WebLink] = []
        self._lent: set[WebLink] = set()
        self._closed = False

    def counts(self) -> AssociationCounts:
        """Return how many connections there are now."""
        with self._lock:
            return AssociationCounts(len(self._lent), len(self._idle), self._most)

    def lend(self, *, fresh: bool = False) -> WebLink:
        """Lend a connection, one that lies idle unless it is to be `fresh`.

        Raises `DestinationUnavailable` once it is closed.
        """
        with self._lock:
            if not self._closed:
                link = self._idle.pop() if self._idle and not fresh else WebLink(self._site)
                self._lent.add(link)
                return link
        raise DestinationUnavailable("the destination is closed")

    def give_back(self, link: WebLink) -> None:
        """Keep a connection for the next borrower."""
        with self._lock:
            self._lent.discard(link)
            if not self._closed and link.is_rested:
                self._idle.append(link)
                return
        link.close()

    def drop(self, link: WebLink) -> None:
        """Forget a broken connection."""
        with self._lock:
            self._lent.discard(link)
        link.close()

    def release_idle(self) -> None:
        """Close the connections that have not been used for a while."""
        now = monotonic()
        with self._lock:
            stale = [one for one in self._idle if now - one.last_used >= self._idle_seconds]
            self._idle = [one for one in self._idle if one not in stale]
        for link in stale:
            link.close()

    def close(self) -> None:
        """Close what is idle and break off what is lent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            lent = list(self._lent)
        for link in lent:
            link.shut()
        for link in idle:
            link.close()


class WebLine:
    """What one thread holds while it has something to ask: at most one connection."""

    def __init__(self, links: WebLinks) -> None:
        self._links = links
        self._link: WebLink | None = None

    def __enter__(self) -> Self:
        """Begin with nothing in hand."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give back what is in hand."""
        if self._link is not None:
            self._links.give_back(self._link)
            self._link = None

    def ask(self, request: Request) -> WebAnswer:
        """Send `request`, once more where a connection died that had lain idle.

        Raises as `WebLink.ask`.
        """
        link = self._link = self._link or self._links.lend()
        try:
            return self._asked(link, request)
        except LinkLost as lost:
            # It may have died while nobody looked: that says nothing of the request.
            if not (link.is_rested and lost.in_time):
                raise
        link = self._link = self._links.lend(fresh=True)
        return self._asked(link, request)

    def _asked(self, link: WebLink, request: Request) -> WebAnswer:
        try:
            return link.ask(request)
        except BaseException:
            self._link = None
            self._links.drop(link)
            raise
