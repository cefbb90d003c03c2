"""Seconds by stage, added up over frames that take turns in each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from deid_node.values.report import Step
from deid_node.values.stage import Stage


class Stopwatch:
    """Adds up the time spent in each stage; stages keep the order of their first use."""

    def __init__(self) -> None:
        self._seconds: dict[Stage, float] = {}

    @contextmanager
    def running(self, stage: Stage) -> Iterator[None]:
        """Count the time inside the ``with`` block for `stage`; blocks must not nest."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + time.perf_counter() - start

    def steps(self) -> tuple[Step, ...]:
        """Return the stages so far."""
        return tuple(Step(stage, seconds) for stage, seconds in self._seconds.items())
