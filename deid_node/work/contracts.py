"""What the engine and its workers need of the corridor, and of the journal."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Ending, Outcome, Waiting


class Corridor(Protocol):
    """Cleans one instance after the other; used by one thread of one process."""

    def clean(self, order: WorkOrder) -> Outcome:
        """Return how it ended. An exception that comes out instead withholds the instance."""
        ...


CorridorFactory: TypeAlias = Callable[[], Corridor]
"""Makes a corridor inside a worker: picklable, cheap to send, heavy only when called."""


class Ledger(Protocol):
    """The journal as the engine sees it; any thread may call; may raise `CustodyError`."""

    def claim(self, instance: InstanceId) -> WorkOrder | None:
        """Count a start of `instance` for good and return its order; None: nothing to do."""
        ...

    def give_back(self, instance: InstanceId) -> bool:
        """Count the last start of `instance` as none; False where that is not done here."""
        ...

    def hold(self, order: WorkOrder, waiting: Waiting) -> Mapping[str, Sequence[InstanceId]]:
        """Let the instance of `order` wait for its series; on disk when it returns.

        Returns by sender who may be started now: nobody as a rule; this one where it came too
        late; all of the series where it was the last.
        """
        ...

    def record(self, order: WorkOrder, outcome: Ending) -> None:
        """Record how the corridor ended; on disk when it returns."""
        ...
