"""How often models elsewhere were lost under an instance; lives in memory, as claims do.

A cluster that breaks must withhold nothing, and a frame that breaks each machine which looks at
it must not do so for ever: so many times are chance, more are its own doing.
"""

import threading
from collections import Counter
from dataclasses import replace
from typing import Final

from deid_node.values.identity import InstanceId
from deid_node.values.outcome import Postponed
from deid_node.work.workers.base import WorkerGone, WorkerStranded

MOST_STRANDED: Final = 10
"""How often the models may be lost under one instance before that counts as its own doing."""


class Strandings:
    """Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[InstanceId] = Counter()

    def __len__(self) -> int:
        """Return how many instances are held in mind."""
        return len(self._counts)

    def judged(self, instance: InstanceId, gone: WorkerGone) -> Postponed:
        """Return what becomes of a start whose worker has gone: by chance, it costs none."""
        postponed = Postponed.because(gone.loss())
        if not isinstance(gone, WorkerStranded):
            return postponed
        with self._lock:
            self._counts[instance] += 1
            is_chance = self._counts[instance] <= MOST_STRANDED
        return replace(postponed, costs_a_start=False) if is_chance else postponed

    def forget(self, instance: InstanceId) -> None:
        """Hold nothing against an instance that has ended."""
        with self._lock:
            self._counts.pop(instance, None)
