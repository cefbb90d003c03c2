"""The promise of every engine."""

from typing import Protocol


class Engine(Protocol):
    """Takes ids from the queue, has the corridor clean them, and records every outcome.

    Promise, tested for every backend by ``tests/contract/test_engine.py``:

    * a start is claimed in the ledger before a worker sees the instance;
    * each claim ends in a recorded outcome, in another start, or (when the node
      stops or dies) in nothing: then the journal still says RECEIVED;
    * an instance that takes its worker down, or outlasts the limit of time or memory, harms
      no other; after its third start (`MAX_STARTS`) it is withheld, and so is one whose trouble
      would pass but has not; a start that failed for want of disk counts for nothing;
    * a worker that holds ever more memory is replaced between two instances;
    * an exception out of the corridor withholds its instance at once;
    * no instance is with two workers at the same time;
    * `start` returns when every worker is ready and raises `ConfigurationError`
      when a corridor cannot be built;
    * workers end with the process that started them, however it ends.

    The order of instances is not promised.
    """

    @property
    def ready_workers(self) -> int:
        """How many workers could take an instance now or hold one."""
        ...

    def start(self) -> None:
        """Start the workers and begin."""
        ...

    def stop(self, *, finish_seconds: float) -> None:
        """Take nothing new, finish what is in hand, then end; what is not finished is let go."""
        ...
