"""What a sender needs of the spool; the spool is what keeps this promise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from deid_node.values.delivery import Delivery, Receipt
from deid_node.values.instance import CleanInstance


class DeliverySource(Protocol):
    """The deliveries of clean instances; every method may raise `CustodyError`.

    Promise:

    * a delivery stays due until it is settled, whatever happens to the process;
    * what `settle` and `postpone` record is on disk when they return;
    * any thread may call.

    It does not know what is in a sender's hands: `due` names that again. One
    sender owns a destination and sees to it that nothing is sent twice at once.
    """

    def due(self, destination: str, *, limit: int) -> Sequence[Delivery]:
        """Return up to `limit` deliveries whose time has come, studies together."""
        ...

    def next_due_seconds(self, destination: str) -> float | None:
        """Return the seconds until the next delivery is due (0: now), None when none waits."""
        ...

    def clean_path(self, instance: CleanInstance) -> Path:
        """Return the file of the clean instance; raise `BlobDamaged` when it is not intact."""
        ...

    def companion_path(self, instance: CleanInstance) -> Path | None:
        """Return the file of its companion, if it has one; raise `BlobDamaged` likewise."""
        ...

    def settle(self, receipt: Receipt, sent: CleanInstance | None = None) -> None:
        """Record an answer for good: DELIVERED, WARNING or REFUSED (the instance is withheld).

        An answer to other bytes than those that are sealed now is no answer.
        """
        ...

    def hand_over(self, receipt: Receipt, sent: CleanInstance | None = None) -> None:
        """Record for good that the destination took it and is to be asked to commit to it."""
        ...

    def withhold_damaged(self, delivery: Delivery) -> None:
        """Record for good that the clean bytes are not intact (the instance is withheld)."""
        ...

    def postpone(self, delivery: Delivery, *, seconds: float) -> None:
        """Count a failed attempt; the delivery is due again in `seconds`."""
        ...
