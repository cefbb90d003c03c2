"""How often somebody may be wrong at signing in: by name, and by address.

By both, because one who guesses may change either. Nobody is locked out for good.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic
from typing import Final

_MOST_KEYS: Final = 10_000


class Throttle:
    """Counts failures within `period_seconds`; after `most` of them one waits until they age."""

    def __init__(
        self,
        *,
        most: int = 5,
        period_seconds: float = 300,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._most = most
        self._period_seconds = period_seconds
        self._now = now
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def is_closed(self, *keys: str) -> bool:
        """Return whether one of `keys` has failed too often of late."""
        with self._lock:
            return any(len(self._recent(key)) >= self._most for key in keys)

    def failed(self, *keys: str) -> None:
        """Count a failure for each of `keys`."""
        now = self._now()
        with self._lock:
            for key in keys:
                recent = self._recent(key)
                recent.append(now)
                self._failures[key] = recent
                self._failures.move_to_end(key)
            while len(self._failures) > _MOST_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        """Forget the failures of `keys`."""
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)

    def _recent(self, key: str) -> deque[float]:
        recent = self._failures.get(key, deque(maxlen=self._most))
        while recent and self._now() - recent[0] >= self._period_seconds:
            recent.popleft()
        return recent
