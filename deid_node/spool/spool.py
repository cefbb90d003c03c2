"""Custody of an instance: from the door, through the workers, to clean or withheld.

A method returns only after its change is on disk. An instance whose state
moved on meanwhile (a person discarded it) is left alone.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from deid_node.errors import BlobDamaged, OriginUnknown, UidConflict, WorkerLost
from deid_node.spool import rows, transitions
from deid_node.spool.blobs import blob_name, verified
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.incoming import Incoming
from deid_node.spool.places import OPEN
from deid_node.spool.rows import markings_from, received_from
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance, ReceivedInstance
from deid_node.values.order import MAX_STARTS, Rival, WorkOrder
from deid_node.values.origin import Origin
from deid_node.values.outcome import Cleaned, Discarded, Ending, Repeated, Withheld
from deid_node.values.state import InstanceState

_MENDED: Final = frozenset({BlobDamaged.code, OriginUnknown.code})
"""Withheld for something that the same bytes, sent again, put right."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the door knows of an instance before custody."""

    origin: Origin
    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The instance is in custody.

    `repeated`: the same bytes are in custody, read and found intact, or were delivered;
    nothing new was kept. (Where they had been damaged since, they were kept anew.) What was
    discarded is no repeat: it was kept anew and walks. `conflict`: other bytes of the same
    SOP Instance UID in the same transfer syntax were; it is withheld.
    """

    instance: ReceivedInstance
    repeated: bool
    conflict: bool


class Spool:
    """Accepts, hands out to workers, and records how it ended."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def begin(self) -> Incoming:
        """Return where to write an instance that begins to arrive."""
        blobs = self._custody.blobs
        return Incoming(blobs.partial, self._custody.require_room, blobs.files)

    def accept(self, arrival: Arrival, content: Incoming | Iterable[bytes]) -> Acceptance:
        """Take into custody the Part 10 file that has come, or that is made of chunks.

        Returns after file, folder and journal are on disk. Raises `SpoolFull`
        or `SpoolUnavailable`, or the fault that was kept while it came: then nothing
        was kept and the sender still owns the instance.
        """
        incoming = content if isinstance(content, Incoming) else self._written(content)
        blobs = self._custody.blobs
        instance, name = incoming.instance, incoming.path.name
        with self._custody.watched():
            blob = incoming.finish()
        lineage = incoming.lineage(arrival.origin.transfer_syntax)
        received = ReceivedInstance(
            instance,
            arrival.origin,
            blob,
            arrival.sop_class_uid,
            arrival.sop_instance_uid,
            lineage.study_instance_uid,
            lineage.series_instance_uid,
        )

        def enter(transaction: Transaction) -> tuple[Acceptance, bool]:
            connection = transaction.connection
            others = rows.others_of(connection, arrival.sop_instance_uid)
            for row in others:
                if row["blob_sha256"] == blob.sha256:
                    known = Acceptance(received_from(row), repeated=True, conflict=False)
                    return known, row["state"] != InstanceState.DELIVERED
            # In another transfer syntax it may be the same content: a worker looks.
            conflict = bool(others) and all(
                row["transfer_syntax"] == arrival.origin.transfer_syntax for row in others
            )
            transaction.place(blobs.partial / name, blobs.received / name)
            transitions.enter(connection, received, withheld=UidConflict() if conflict else None)
            return Acceptance(received, repeated=False, conflict=conflict), False

        def mend(transaction: Transaction, known: InstanceId, is_held: bool) -> Acceptance:
            connection = transaction.connection
            row = connection.execute(
                f"SELECT * FROM instances WHERE id = ? AND {OPEN}",  # noqa: S608
                (known,),
            ).fetchone()
            if row is None:
                # A person has discarded it in this moment.
                return enter(transaction)[0]
            original = received_from(row)
            if row["state"] == InstanceState.DELIVERED:
                return Acceptance(original, repeated=True, conflict=False)
            if not is_held:
                transaction.place(blobs.partial / name, blobs.received / original.blob.name)
            walks = row["state"] == InstanceState.WITHHELD and row["code"] in _MENDED
            if walks:
                rows.set_origin(connection, known, arrival.origin)
                transitions.walk_again(connection, known)
            return Acceptance(original, repeated=is_held and not walks, conflict=False)

        try:
            acceptance, is_in_doubt = self._custody.write(enter, name="accept")
            if is_in_doubt:
                # Success says that its bytes are held: they are read before it is said.
                known, is_held = acceptance.instance.id, self._is_held(acceptance.instance)
                acceptance = self._custody.write(
                    lambda one: mend(one, known, is_held), name="accept"
                )
            return acceptance
        finally:
            # Gone already when it was placed; a repeated one, or one whose commit
            # failed before the rename, must not stay behind.
            incoming.discard()

    def _is_held(self, received: ReceivedInstance) -> bool:
        try:
            verified(self._custody.blobs.received, received.blob, self._custody.blobs.files)
        except BlobDamaged:
            return False
        return True

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

    def _written(self, chunks: Iterable[bytes]) -> Incoming:
        incoming = self.begin()
        for chunk in chunks:
            incoming.write(chunk)
        return incoming

    def claim(self, instance: InstanceId) -> WorkOrder | Withheld | None:
        """Count a start of `instance` and return the order for it.

        None when it is no longer RECEIVED. `Withheld` when it has been started
        `MAX_STARTS` times already: then it is withheld now. Its blob is read by whoever
        walks it, against the checksum in the order.
        """
        lost = Withheld.because(WorkerLost())

        def count(
            transaction: Transaction,
        ) -> tuple[sqlite3.Row, tuple[Rival, ...]] | Withheld | None:
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
            return row, self._rivals(transaction.connection, instance)

        claimed = self._custody.write(count, name="claim")
        if claimed is None or isinstance(claimed, Withheld):
            return claimed
        row, rivals = claimed
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
        )
        for path in order.outputs:
            path.unlink(missing_ok=True)
        return order

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
                    self._place(transaction, order, outcome.instance)
                    transitions.seal(connection, outcome)
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

    def _place(self, transaction: Transaction, order: WorkOrder, clean: CleanInstance) -> None:
        folder = self._custody.blobs.clean
        transaction.place(order.output, folder / clean.blob.name)
        if clean.companion is not None:
            transaction.place(order.companion_output, folder / clean.companion.blob.name)

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
