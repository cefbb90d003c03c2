"""What nobody will look after unless somebody is told.

Instances that are due at a destination which the configuration does not name any more
have no sender; files that were set aside belong to no instance.
"""

from collections.abc import Collection, Mapping

from deid_node.spool.clock import DESTINATIONS
from deid_node.spool.custody import Custody
from deid_node.spool.foundlings import Foundlings


class Leftovers:
    """Reads the journal; changes nothing. `destinations` are the names that have a sender."""

    def __init__(self, custody: Custody, destinations: Collection[str]) -> None:
        self._custody = custody
        self._destinations = frozenset(destinations)
        self._foundlings = Foundlings(custody)

    def adopt(self, destinations: Collection[str]) -> None:
        """Take note that these have a sender from now on, and no others."""
        self._destinations = frozenset(destinations)

    def stranded(self) -> Mapping[str, int]:
        """Return how many deliveries wait for each destination that is not configured.

        Raises `CustodyError`.
        """
        counts = {}
        for row in self._custody.read(DESTINATIONS):
            if row["name"] in self._destinations:
                continue
            (found,) = self._custody.read(
                "SELECT COUNT(*) AS count FROM deliveries d"
                " JOIN instances i ON i.sequence = d.instance_sequence"
                " WHERE d.destination = ? AND d.state IN ('due', 'sent')"
                " AND i.state IN ('clean', 'withheld')",
                (row["name"],),
            )
            if found["count"]:
                counts[row["name"]] = found["count"]
        return counts

    def set_aside(self) -> int:
        """Return how many files lie aside; raises `OSError`."""
        return self._foundlings.count_aside()
