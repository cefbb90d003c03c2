"""Who is signed in: held in memory only, so that a restart signs everybody out.

The browser holds a random token; what is kept here is its hash, and a copy of the
memory tells nobody in.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from deid_node.review.accounts import Role
from deid_node.review.series import Layout

_MOST: Final = 1000
"""Sessions at once; beyond that the one that was silent longest is over."""


@dataclass(slots=True, eq=False)
class Session:
    """One person at one browser; `csrf` is what their pages send back with each decision."""

    person: str
    role: Role
    csrf: str = field(repr=False)
    began: float
    seen: float
    shown: dict[Layout, set[str]] = field(default_factory=dict, repr=False)
    """Of which instances a picture was shown to the person, by their layout."""

    @property
    def name(self) -> str:
        """The name that journal and audit trail know: no system user has such a one."""
        return f"desk/{self.person}"

    def may(self, role: Role) -> bool:
        """Return whether the person may do what `role` may."""
        return self.role.includes(role)

    def was_shown(self, instance: str, layout: Layout | None) -> None:
        """Remember that a picture of `instance` was shown."""
        if layout is not None:
            self.shown.setdefault(layout, set()).add(instance)

    def mark(self, layout: Layout | None) -> str:
        """Return what tells `layout` from others on the pages of this session, and says nothing."""
        return "" if layout is None else _key(f"{self.csrf} {layout.series} {layout}")[:16]

    def sent(self, token: str) -> bool:
        """Return whether `token` is the one that our own pages send."""
        return hmac.compare_digest(self.csrf.encode(), token.encode())


class Sessions:
    """The sessions; any thread may call."""

    def __init__(
        self,
        *,
        idle_seconds: float,
        session_seconds: float,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._idle_seconds = idle_seconds
        self._session_seconds = session_seconds
        self._now = now
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def begin(self, person: str, role: Role) -> str:
        """Return the token of a new session."""
        token, now = secrets.token_urlsafe(32), self._now()
        with self._lock:
            self._sweep(now)
            if len(self._sessions) >= _MOST:
                silent = min(self._sessions, key=lambda key: self._sessions[key].seen)
                del self._sessions[silent]
            self._sessions[_key(token)] = Session(person, role, secrets.token_urlsafe(32), now, now)
        return token

    def of(self, token: str | None) -> Session | None:
        """Return the session of `token`, if it is not over."""
        if token is None:
            return None
        now = self._now()
        with self._lock:
            self._sweep(now)
            session = self._sessions.get(_key(token))
            if session is not None:
                session.seen = now
            return session

    def end(self, token: str | None) -> None:
        """End the session of `token`, if there is one."""
        if token is not None:
            with self._lock:
                self._sessions.pop(_key(token), None)

    def _sweep(self, now: float) -> None:
        over = [
            key
            for key, one in self._sessions.items()
            if now - one.seen >= self._idle_seconds or now - one.began >= self._session_seconds
        ]
        for key in over:
            del self._sessions[key]


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
