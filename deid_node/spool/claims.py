"""What workers are given, and how it ended: from received to clean, withheld or discarded.

A method returns only after its change is on disk. An instance whose state
moved on meanwhile (a person discarded it) is left alone.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import assert_never

from deid_node.errors import WorkerLost
from deid_node.spool import rows, transitions
from deid_node.spool.beside import in_series
from deid_node.spool.blobs import blob_name
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.rows import markings_from, received_from
from deid_node.spool.samples import Drawing
from deid_node.spool.series import Held, WaitingSeries
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.order import MAX_STARTS, Rival, WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Ending, Repeated, Waiting, Withheld
from deid_node.values.series import InSeries
from deid_node.values.state import InstanceState


class Claims:
    """The workers' side of custody. `drawing` says what is looked at once it was delivered."""

    def __init__(self, custody: Custody, drawing: Drawing | None = None) -> None:
        self._custody = custody
        self._drawing = drawing
        self._series = WaitingSeries(custody)

    def claim(self, instance: InstanceId) -> WorkOrder | Withheld | None:
        """Count a start of `instance` and return the order for it.

        None when it is no longer RECEIVED. `Withheld` when it has been started
        `MAX_STARTS` times already: then it is withheld now. Its blob is read by whoever
        walks it, against the checksum in the order.
        """
        lost = Withheld.because(WorkerLost())

        def count(
            transaction: Transaction,
        ) -> tuple[sqlite3.Row, tuple[Rival, ...], InSeries | None] | Withheld | None:
            row: sqlite3.Row | None = transaction.connection.execute(
                "SELECT * FROM instances WHERE id = ? AND state = ?",
                (instance, InstanceState.RECEIVED),
            ).fetchone()
            if row is None:
                return None
            if row["attempts"] >= MAX_STARTS:
                transitions.withhold(transaction.connection, instance, lost)
                return lost
            transaction.connection.execute(
                "UPDATE instances SET attempts = attempts + 1, in_hand = 1 WHERE id = ?",
                (instance,),
            )
            connection = transaction.connection
            series = in_series(
                lambda query, asked: connection.execute(query, asked).fetchall(),
                row,
                self._custody.blobs.received,
            )
            return row, self._rivals(connection, instance), series

        claimed = self._custody.write(count, name="claim")
        if claimed is None or isinstance(claimed, Withheld):
            return claimed
        row, rivals, series = claimed
        received = received_from(row)
        blobs = self._custody.blobs
        output = blobs.partial / f"{instance}.clean"
        order = WorkOrder(
            instance,
            row["attempts"] + 1,
            blobs.received / received.blob.name,
            output,
            received.origin,
            received.sop_instance_uid,
            rivals,
            markings_from(row),
            received.blob.sha256,
            series,
        )
        for path in order.outputs:
            path.unlink(missing_ok=True)
        return order

    def hold(self, order: WorkOrder, waiting: Waiting) -> Held:
        """Let the instance of `order` wait for its series, if that is not closed."""
        return self._series.hold(order.id, waiting)

    def give_back(self, instance: InstanceId) -> None:
        """Take the last start of `instance` from the count: its disk failed, not its worker."""
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE instances SET attempts = attempts - 1, in_hand = 0"
                " WHERE id = ? AND state = ? AND in_hand = 1 AND attempts > 0",
                (instance, InstanceState.RECEIVED),
            )
        )

    def record(self, order: WorkOrder, outcome: Ending) -> Ending | None:
        """Record how the corridor ended for the instance of `order`, and return what holds now.

        None, with nothing changed, when the instance is no longer RECEIVED, or when what
        it repeats has gone meanwhile: then it walks again. One that was sealed under the
        new UID of another is withheld: an archive would take it for the other.
        """

        def settle(transaction: Transaction) -> Ending | None:
            connection = transaction.connection
            if not rows.is_received(connection, order.id):
                return None
            match outcome:
                case Cleaned(clean) if rows.has_double(connection, clean):
                    conflict = Withheld.because(rows.in_conflict())
                    transitions.withhold(connection, order.id, conflict)
                    return conflict
                case Cleaned():
                    self._seal(transaction, order, outcome)
                case Withheld():
                    transitions.withhold(connection, order.id, outcome)
                case Discarded(rule):
                    transitions.discard_by_rule(connection, order.id, rule)
                case Repeated():
                    if not self._rivals(connection, order.id):
                        return None
                    transitions.discard_by_rule(connection, order.id)
                case _:
                    assert_never(outcome)
            return outcome

        try:
            return self._custody.write(settle, name="record")
        finally:
            for path in order.outputs:
                path.unlink(missing_ok=True)

    def received(self) -> Mapping[str, Sequence[InstanceId]]:
        """Return by sender the instances that wait for a worker, oldest first."""
        rows = self._custody.read(
            "SELECT id, sender FROM instances WHERE state = ? ORDER BY sequence",
            (InstanceState.RECEIVED,),
        )
        senders: dict[str, list[InstanceId]] = {}
        for row in rows:
            senders.setdefault(row["sender"], []).append(InstanceId(row["id"]))
        return senders

    def _seal(self, transaction: Transaction, order: WorkOrder, outcome: Cleaned) -> None:
        self._place(transaction, order, outcome.instance)
        transitions.seal(transaction.connection, outcome)
        if self._drawing is not None:
            self._drawing.draw(transaction.connection, outcome.instance)

    def _place(self, transaction: Transaction, order: WorkOrder, clean: CleanInstance) -> None:
        folder = self._custody.blobs.clean
        transaction.place(order.output, folder / clean.blob.name)
        if clean.companion is not None:
            transaction.place(order.companion_output, folder / clean.companion.blob.name)

    def _rivals(self, connection: sqlite3.Connection, instance: InstanceId) -> tuple[Rival, ...]:
        """Return what has the place of `instance` since before it came."""
        row = connection.execute(
            "SELECT sequence, sop_instance_uid FROM instances WHERE id = ?", (instance,)
        ).fetchone()
        return tuple(
            Rival(
                other["content_sha256"],
                self._custody.blobs.received / blob_name(InstanceId(other["id"]))
                if other["blob_kept"]
                else None,
            )
            for other in rows.others_of(
                connection, row["sop_instance_uid"], sequence=row["sequence"]
            )
            if other["sequence"] < row["sequence"]
        )
