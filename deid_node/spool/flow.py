"""What has come and gone of late, read from the end of the journal.

A journal holds a row for every instance that ever came. Questions of a person who looks at
the node now are answered from the last of them, so that they cost the same for ever.
"""

from collections.abc import Collection, Mapping, Sequence
from time import time
from typing import Final

from deid_node.spool.clock import DESTINATIONS
from deid_node.spool.custody import Custody
from deid_node.values.state import DeliveryState
from deid_node.values.status import DestinationStatus, PeerStatus

MOST_ROWS: Final = 100_000
_HOUR_SECONDS: Final = 3600.0
_DAY_SECONDS: Final = 86_400.0
_LAST: Final = "(SELECT COALESCE(MAX(sequence), 0) FROM instances)"
_RECEIVED: Final = f"""
SELECT COUNT(*) AS counted, SUM(received_at >= :hour) AS hour, SUM(received_at >= :day) AS day
FROM instances WHERE sequence > {_LAST} - :most
"""  # noqa: S608
_PEERS: Final = f"""
SELECT peer, listener, COUNT(*) AS count, MAX(received_at) AS last FROM instances
WHERE sequence > {_LAST} - :most GROUP BY peer, listener ORDER BY last DESC
"""  # noqa: S608
_DELIVERED: Final = f"""
SELECT destination, SUM(settled_at >= :hour) AS hour, SUM(settled_at >= :day) AS day,
    MAX(settled_at) AS last
FROM deliveries WHERE instance_sequence > {_LAST} - :most AND state = 'delivered'
GROUP BY destination
"""  # noqa: S608


class Flow:
    """Reads the journal; changes nothing. Every method may raise `CustodyError`."""

    def __init__(self, custody: Custody, *, most_rows: int = MOST_ROWS) -> None:
        self._custody = custody
        self._most_rows = most_rows

    def received(self) -> tuple[int, int, int]:
        """Return how many came in the last hour, in the last day, and of how many rows that is."""
        (row,) = self._custody.read(_RECEIVED, self._since())
        return row["hour"] or 0, row["day"] or 0, row["counted"]

    def peers(self) -> Sequence[PeerStatus]:
        """Return who has sent, whoever sent last first."""
        return [
            PeerStatus(row["peer"], row["listener"], row["count"], row["last"])
            for row in self._custody.read(_PEERS, self._since())
        ]

    def destinations(self, configured: Collection[str]) -> Sequence[DestinationStatus]:
        """Return those of the configuration, and those where something is due all the same."""
        delivered = {
            row["destination"]: row for row in self._custody.read(_DELIVERED, self._since())
        }
        known = [row["name"] for row in self._custody.read(DESTINATIONS)]
        found = []
        for name in dict.fromkeys((*configured, *known)):
            due, sent, refused = (
                self._count(name, state)
                for state in (DeliveryState.DUE, DeliveryState.SENT, DeliveryState.REFUSED)
            )
            last = delivered.get(name)
            if name in configured or due or sent:
                found.append(
                    DestinationStatus(
                        name=name,
                        is_configured=name in configured,
                        due=due,
                        unconfirmed=sent,
                        refused=refused,
                        delivered_last_hour=last["hour"] if last else 0,
                        delivered_last_day=last["day"] if last else 0,
                        last_at=last["last"] if last else None,
                    )
                )
        return found

    def _count(self, destination: str, state: DeliveryState) -> int:
        (row,) = self._custody.read(
            "SELECT COUNT(*) AS count FROM deliveries WHERE destination = ? AND state = ?",
            (destination, state),
        )
        count: int = row["count"]
        return count

    def _since(self) -> Mapping[str, float]:
        now = time()
        return {"most": self._most_rows, "hour": now - _HOUR_SECONDS, "day": now - _DAY_SECONDS}
