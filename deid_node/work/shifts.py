"""One engine after the other, on one queue: how another configuration takes over.

Two engines may have workers at the same time, but only the younger is given anything new.
What the elder has in hand it ends, under the configuration that it began with: no
instance is ever cleaned by halves under two.
"""

import threading
from contextlib import ExitStack
from functools import partial

from deid_node.work.engine import Engine


class Shifts:
    """The engine that works, and those that are ending; any thread may call."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._engine = engine
        self._ending: list[Engine] = []

    @property
    def ready_workers(self) -> int:
        """How many workers stand ready for what waits."""
        return self._engine.ready_workers

    def start(self) -> None:
        """Start the first engine; raise `ConfigurationError` where its corridor cannot be built."""
        self._engine.start()

    def hand_over(self, engine: Engine) -> None:
        """Let `engine`, which is prepared, take what waits from now on; returns at once."""
        with self._lock:
            elder, self._engine = self._engine, engine
            self._ending = [one for one in self._ending if one.is_at_work] + [elder]
        # In this order: when the younger begins, the elder takes nothing new any more.
        elder.relieve()
        engine.begin()

    def stop(self, *, finish_seconds: float) -> None:
        """Stop all of them; what is in hand has `finish_seconds` in all engines."""
        with self._lock, ExitStack() as stops:
            for elder in self._ending:
                stops.callback(partial(elder.give_up, finish_seconds=0))
            # Called first: while it finishes, the others may, too.
            stops.callback(partial(self._engine.stop, finish_seconds=finish_seconds))
