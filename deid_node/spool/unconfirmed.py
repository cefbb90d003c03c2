"""How much an archive has taken and not committed to yet, for the metrics.

Such an instance waits as any other that is clean, and its delivery is SENT. The age
counts from when it was last sent: what is not confirmed in time is sent again.
"""

from time import time

from deid_node.spool.custody import Custody
from deid_node.values.state import DeliveryState


class Unconfirmed:
    """Reads the journal; changes nothing."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def unconfirmed(self, destination: str) -> tuple[int, float]:
        """Return how many wait for the archive's word, and how many seconds the oldest has.

        Raises `SpoolUnavailable` when the journal cannot be read.
        """
        row = self._custody.read(
            "SELECT COUNT(*) AS count, MIN(settled_at) AS since FROM deliveries"
            " WHERE destination = ? AND state = ?",
            (destination, DeliveryState.SENT),
        )[0]
        return row["count"], 0.0 if row["since"] is None else max(0.0, time() - row["since"])
