"""Who knocks too often is not listened to for a while.

A caller that is turned away may come again at once and for ever: a scanner with
a wrong AE title does, and so does whoever tries passcodes. Refusals that are the
caller's own are counted by address; a full disk is not the scanner's fault.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

_MINUTE_SECONDS: Final = 60.0
# More addresses than this are the work of one who can make them up; the oldest are forgotten.
_MOST_ADDRESSES: Final = 4096


class Gate:
    """Counts refusals of each address in windows of a minute; any thread may call.

    After `most_per_minute` of them the address is shut out until its minute is
    over; 0 shuts nobody out.
    """

    def __init__(self, most_per_minute: int, *, clock: Callable[[], float] = monotonic) -> None:
        self._most = most_per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def refused(self, address: str) -> bool:
        """Count a refusal; return whether it is the one that shuts `address` out."""
        with self._lock:
            began, count = self._window(address)
            self._windows[address] = began, count + 1
            self._windows.move_to_end(address)
            while len(self._windows) > _MOST_ADDRESSES:
                self._windows.popitem(last=False)
            return count + 1 == self._most

    def is_open(self, address: str) -> bool:
        """Return whether `address` is listened to."""
        with self._lock:
            return not self._most or self._window(address)[1] < self._most

    def _window(self, address: str) -> tuple[float, int]:
        now = self._clock()
        began, count = self._windows.get(address, (now, 0))
        return (began, count) if now - began < _MINUTE_SECONDS else (now, 0)
