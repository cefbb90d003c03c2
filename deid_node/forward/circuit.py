"""Whether it is worth while to call a destination now.

One instance that an archive chokes on must not stop the others, and an archive
that is down must not be called once for every instance that waits. So single
failures are the instance's own affair, and only an unreachable destination or a
row of failures opens the circuit: then one delivery at a time is tried, after
waits that grow, until an answer comes.
"""

import random
from time import monotonic

from deid_node.values.retry import RetryPolicy

_FAILURES_IN_A_ROW = 3


class Circuit:
    """Counts failures of one destination; the owner holds the lock."""

    def __init__(self, retry: RetryPolicy, draw: random.Random) -> None:
        self._retry = retry
        self._draw = draw
        self._failures = 0
        self._openings = 0
        self._closed_again_at = self._paused_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether only a probe may go out."""
        return self._openings > 0

    @property
    def wait_seconds(self) -> float:
        """How long nothing at all may go out; 0 where something may."""
        until = max(self._closed_again_at if self.is_open else 0.0, self._paused_until)
        return max(0.0, until - monotonic())

    def answered(self) -> bool:
        """Take note of an answer; return whether it ended an outage."""
        was_open = self.is_open
        self._failures = self._openings = 0
        return was_open

    def failed(self) -> bool:
        """Take note of one failed delivery; return whether an outage began with it."""
        self._failures += 1
        return self._failures >= _FAILURES_IN_A_ROW and self.unreachable()

    def pause(self, seconds: float) -> None:
        """Take note that the destination wants to be left alone so long: that is no outage."""
        self._paused_until = max(self._paused_until, monotonic() + seconds)

    def unreachable(self) -> bool:
        """Take note that the destination cannot be reached; return whether an outage began."""
        self._openings += 1
        self._closed_again_at = monotonic() + self._retry.delay_seconds(
            self._openings, draw=self._draw
        )
        return self._openings == 1
