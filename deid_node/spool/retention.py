"""What may be deleted, and what a crash left lying about.

Bytes are removed only of instances that the journal calls DELIVERED (each
destination's receipt is on disk) or DISCARDED. Their rows stay: what was delivered is
recognised by them when it comes again. Files that no row names are not removed
(`foundlings`).
"""

from collections.abc import Sequence
from pathlib import Path
from time import time

from deid_node.errors import BlobDamaged
from deid_node.spool.beside import IN_WORK
from deid_node.spool.blobs import blob_name, companion_name
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.samples import AWAITED
from deid_node.spool.transitions import withhold
from deid_node.values.identity import InstanceId
from deid_node.values.order import MAX_CUT_SHORT
from deid_node.values.outcome import Withheld
from deid_node.values.state import InstanceState

_BATCH_ROWS = 500


class Retention:
    """Removes what nobody needs any more."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def reconcile(self) -> int:
        """Bring disk and journal together at start, before any worker runs.

        What lies in ``partial`` was never acknowledged: it is removed, and so is what a
        removal that the end of the node cut short has left. A waiting instance whose blob
        is gone is withheld as damaged. Starts that the end of the node cut short are given
        back. Returns how many files were removed.
        """
        blobs = self._custody.blobs
        removed = 0
        for path in blobs.partial.iterdir():
            path.unlink()
            removed += 1
        there = {path for folder in (blobs.received, blobs.clean) for path in folder.iterdir()}
        if there:
            # Bytes of an id are never kept anew once its row has let go of them.
            for row in self._custody.read("SELECT id FROM instances WHERE blob_kept = 0"):
                for path in there.intersection(self._files_of(InstanceId(row["id"]))):
                    path.unlink()
                    removed += 1
        self._withhold_missing(blobs.received)
        self._give_back_starts()
        return removed

    def remove_expired(self) -> int:
        """Remove the bytes of what was settled long enough ago; return how many instances.

        Not of what somebody is still to look at, nor of what others of its series may need.
        """
        now = time()
        wanted = {
            "delivered": InstanceState.DELIVERED,
            "discarded": InstanceState.DISCARDED,
            "before": now - self._custody.keep_delivered_seconds,
            "now": now,
            "limit": _BATCH_ROWS,
        }
        query = (
            "SELECT id FROM instances WHERE state IN (:delivered, :discarded) AND blob_kept = 1"  # noqa: S608
            f" AND changed_at <= :before AND NOT {AWAITED} AND NOT ({IN_WORK}) LIMIT :limit"
        )
        if not self._custody.read(query, wanted):
            return 0

        def let_go(transaction: Transaction) -> Sequence[InstanceId]:
            # Looked at once more: a person may want one of them again, beside the node.
            rows = transaction.connection.execute(query, wanted).fetchall()
            transaction.connection.executemany(
                "UPDATE instances SET blob_kept = 0 WHERE id = ?", [(row["id"],) for row in rows]
            )
            return [InstanceId(row["id"]) for row in rows]

        names = self._custody.write(let_go, name="retire")
        # After the commit: a file that no row speaks for is removed at the next start, and
        # no row speaks for a file that is gone.
        for instance in names:
            for path in self._files_of(instance):
                path.unlink(missing_ok=True)
        return len(names)

    def _files_of(self, instance: InstanceId) -> tuple[Path, ...]:
        blobs = self._custody.blobs
        return (
            blobs.received / blob_name(instance),
            blobs.clean / blob_name(instance),
            blobs.clean / companion_name(instance),
        )

    def free_bytes(self) -> int:
        """Return how many bytes the spool's disk can still take."""
        return self._custody.blobs.free_bytes()

    def _give_back_starts(self) -> None:
        def give_back(transaction: Transaction) -> None:
            connection = transaction.connection
            connection.execute(
                "UPDATE instances SET attempts = attempts - 1, cut_short = cut_short + 1"
                " WHERE state = ? AND in_hand = 1 AND attempts > 0 AND cut_short < ?",
                (InstanceState.RECEIVED, MAX_CUT_SHORT),
            )
            connection.execute(
                "UPDATE instances SET in_hand = 0 WHERE state = ? AND in_hand = 1",
                (InstanceState.RECEIVED,),
            )

        self._custody.write(give_back)

    def _withhold_missing(self, received: Path) -> None:
        damage = Withheld.because(BlobDamaged("a blob of the spool cannot be read"))

        def write(transaction: Transaction) -> None:
            rows = transaction.connection.execute(
                "SELECT id FROM instances WHERE state = ?", (InstanceState.RECEIVED,)
            ).fetchall()
            for row in rows:
                instance = InstanceId(row["id"])
                if not (received / blob_name(instance)).exists():
                    withhold(transaction.connection, instance, damage)

        self._custody.write(write)
