"""How the workers of an engine have started, while somebody waits for it."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic

from deid_node.errors import ConfigurationError


class RollCall:
    """Each of so many `workers` tells once how it has started; any thread may call."""

    def __init__(self, workers: int, *, seconds: float | None) -> None:
        self._workers = workers
        self._seconds = seconds
        self._lock = threading.Lock()
        self._told: SimpleQueue[ConfigurationError | None] = SimpleQueue()
        self._is_over = False

    def tell(self, answer: ConfigurationError | None) -> bool:
        """Say why one cannot start, or None: it stands, or waits; False: nobody listens now."""
        with self._lock:
            if not self._is_over:
                self._told.put(answer)
            return not self._is_over

    def answers(self) -> Sequence[ConfigurationError | None]:
        """Return what was told, by all of them or until the time is over."""
        until = None if self._seconds is None else monotonic() + self._seconds
        answers = []
        with suppress(Empty):
            for _ in range(self._workers):
                left = None if until is None else max(0.0, until - monotonic())
                answers.append(self._told.get(timeout=left))
        with self._lock:
            self._is_over = True
        while not self._told.empty():
            answers.append(self._told.get())
        return answers
