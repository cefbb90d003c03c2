"""What the metrics hear of instances that an archive took and did not commit to yet."""

from pathlib import Path

from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.inventory import Inventory
from deid_node.values.delivery import DeliveryResult, Receipt
from tests.builders.custody import sealed


def test_only_what_was_taken_and_not_confirmed_counts(custody: Custody, tmp_path: Path) -> None:
    both = ("archive", "backup")
    first, second, due = (
        sealed(custody, tmp_path, number=number, destinations=both).instance.id
        for number in (1, 2, 3)
    )
    deliveries, unconfirmed = Deliveries(custody), Inventory(custody)
    assert unconfirmed.unconfirmed("archive") == (0, 0.0)

    deliveries.hand_over(Receipt(first, "archive", DeliveryResult.DELIVERED, 0))
    deliveries.hand_over(Receipt(second, "archive", DeliveryResult.DELIVERED, 0))
    deliveries.settle(Receipt(due, "backup", DeliveryResult.DELIVERED, 0))
    custody.write(
        lambda transaction: transaction.connection.execute(
            "UPDATE deliveries SET settled_at = settled_at - 600 WHERE instance_sequence = 1"
        )
    )

    count, oldest_seconds = unconfirmed.unconfirmed("archive")
    assert count == 2
    assert 600 <= oldest_seconds < 660
    assert unconfirmed.unconfirmed("backup") == (0, 0.0)
