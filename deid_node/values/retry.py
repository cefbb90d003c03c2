"""When to try again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with a cap and full jitter on the upper half."""

    first_seconds: float
    factor: float
    cap_seconds: float

    def __post_init__(self) -> None:
        if self.first_seconds <= 0 or self.factor < 1 or self.cap_seconds < self.first_seconds:
            raise ValueError(f"not a retry policy: {self!r}")

    def delay_seconds(self, attempt: int, *, draw: random.Random) -> float:
        """Return the wait after the `attempt`-th failure (from 1), between half and all of it."""
        # The exponent is bounded so that a long outage does not overflow a float.
        whole = min(self.cap_seconds, self.first_seconds * self.factor ** min(attempt - 1, 64))
        return whole * (0.5 + draw.random() / 2)
