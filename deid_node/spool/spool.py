"""Custody of an instance: from the door, through the workers, to clean or withheld.

A method returns only after its change is on disk. An instance whose state
moved on meanwhile (a person discarded it) is left alone.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import time

from deid_node.errors import BlobDamaged, DeidNodeError, UidConflict, WorkerLost
from deid_node.spool.blobs import verified
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.incoming import Incoming
from deid_node.spool.journal import (
    companion_json,
    doubts_json,
    received_from,
    report_json,
)
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef, CleanInstance, ReceivedInstance
from deid_node.values.order import MAX_STARTS, WorkOrder
from deid_node.values.origin import Origin
from deid_node.values.outcome import Cleaned, Discarded, Outcome, Withheld
from deid_node.values.state import DeliveryState, InstanceState


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the door knows of an instance before custody."""

    origin: Origin
    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The instance is in custody.

    `repeated`: the same bytes were in custody before, nothing new was kept. (Where
    they had been damaged since, they were kept anew and the instance walks again.)
    `conflict`: other bytes of the same SOP Instance UID were; it is withheld.
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
        received = ReceivedInstance(
            instance, arrival.origin, blob, arrival.sop_class_uid, arrival.sop_instance_uid
        )

        def enter(transaction: Transaction) -> Acceptance:
            known = transaction.connection.execute(
                "SELECT * FROM instances WHERE sop_instance_uid = ?"
                " ORDER BY blob_sha256 = ? DESC LIMIT 1",
                (arrival.sop_instance_uid, blob.sha256),
            ).fetchone()
            if known is not None and known["blob_sha256"] == blob.sha256:
                mended = _is_damaged(known)
                if mended:
                    original = received_from(known)
                    transaction.place(blobs.partial / name, blobs.received / original.blob.name)
                    _walk_again(transaction.connection, original.id)
                return Acceptance(received_from(known), repeated=not mended, conflict=False)
            transaction.place(blobs.partial / name, blobs.received / name)
            _insert(transaction.connection, received, conflict=known is not None)
            return Acceptance(received, repeated=False, conflict=known is not None)

        try:
            return self._custody.write(enter)
        finally:
            # Gone already when it was placed; a repeated one, or one whose commit
            # failed before the rename, must not stay behind.
            incoming.discard()

    def _written(self, chunks: Iterable[bytes]) -> Incoming:
        incoming = self.begin()
        for chunk in chunks:
            incoming.write(chunk)
        return incoming

    def claim(self, instance: InstanceId) -> WorkOrder | Withheld | None:
        """Count a start of `instance` and return the order for it.

        None when it is no longer RECEIVED. `Withheld` when it has been started
        `MAX_STARTS` times already or its blob is damaged: then it is withheld now.
        """
        lost, damaged = WorkerLost(), BlobDamaged("the received blob is not intact")

        def count(transaction: Transaction) -> sqlite3.Row | Withheld | None:
            row: sqlite3.Row | None = transaction.connection.execute(
                "SELECT * FROM instances WHERE id = ? AND state = ?",
                (instance, InstanceState.RECEIVED),
            ).fetchone()
            if row is None:
                return None
            if row["attempts"] >= MAX_STARTS:
                return _withhold(transaction.connection, instance, lost)
            transaction.connection.execute(
                "UPDATE instances SET attempts = attempts + 1, in_hand = 1 WHERE id = ?",
                (instance,),
            )
            return row

        row = self._custody.write(count)
        if row is None or isinstance(row, Withheld):
            return row
        received = received_from(row)
        blobs = self._custody.blobs
        try:
            blob = verified(blobs.received, received.blob, blobs.files)
        except BlobDamaged:
            return self._custody.write(
                lambda transaction: _withhold(transaction.connection, instance, damaged)
            )
        output = blobs.partial / f"{instance}.clean"
        order = WorkOrder(
            instance,
            row["attempts"] + 1,
            blob,
            output,
            received.origin,
            received.sop_instance_uid,
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

    def record(self, order: WorkOrder, outcome: Outcome) -> bool:
        """Record how the corridor ended for the instance of `order`.

        Returns False, with nothing changed, when the instance is no longer
        RECEIVED.
        """

        def settle(transaction: Transaction) -> bool:
            connection = transaction.connection
            if not _is_received(connection, order.id):
                return False
            match outcome:
                case Cleaned(clean):
                    folder = self._custody.blobs.clean
                    transaction.place(order.output, folder / clean.blob.name)
                    if clean.companion is not None:
                        name = clean.companion.blob.name
                        transaction.place(order.companion_output, folder / name)
                    _store_clean(connection, clean)
                case Withheld(code, reason, rule, regions=regions):
                    _end(
                        connection,
                        order.id,
                        InstanceState.WITHHELD,
                        code=code,
                        reason=reason,
                        rule=rule,
                        doubts=doubts_json(regions),
                    )
                case Discarded(rule):
                    _end(connection, order.id, InstanceState.DISCARDED, rule=rule)
            return True

        try:
            return self._custody.write(settle)
        finally:
            for path in order.outputs:
                path.unlink(missing_ok=True)

    def received(self) -> Mapping[str, Sequence[InstanceId]]:
        """Return by calling AE title the instances that wait for a worker, oldest first."""
        rows = self._custody.read(
            "SELECT id, calling_ae FROM instances WHERE state = ? ORDER BY sequence",
            (InstanceState.RECEIVED,),
        )
        senders: dict[str, list[InstanceId]] = {}
        for row in rows:
            senders.setdefault(row["calling_ae"], []).append(InstanceId(row["id"]))
        return senders


def _insert(connection: sqlite3.Connection, received: ReceivedInstance, *, conflict: bool) -> None:
    origin = received.origin
    error = UidConflict() if conflict else None
    connection.execute(
        "INSERT INTO instances (id, state, changed_at, code, reason, sop_class_uid,"
        " sop_instance_uid, blob_sha256, blob_size_bytes, transfer_syntax, peer, calling_ae,"
        " called_ae, address, association, received_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            received.id,
            InstanceState.WITHHELD if error else InstanceState.RECEIVED,
            time(),
            error and error.code,
            error and str(error),
            received.sop_class_uid,
            received.sop_instance_uid,
            received.blob.sha256,
            received.blob.size_bytes,
            origin.transfer_syntax,
            origin.peer,
            origin.calling_ae,
            origin.called_ae,
            origin.address,
            origin.association,
            origin.received_at.timestamp(),
        ),
    )


def _is_damaged(row: sqlite3.Row) -> bool:
    return bool(row["state"] == InstanceState.WITHHELD and row["code"] == BlobDamaged.code)


def _walk_again(connection: sqlite3.Connection, instance: InstanceId) -> None:
    connection.execute(
        "UPDATE instances SET state = ?, changed_at = ?, attempts = 0, in_hand = 0, cut_short = 0,"
        " code = NULL, reason = NULL, doubts = NULL WHERE id = ?",
        (InstanceState.RECEIVED, time(), instance),
    )


def _is_received(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    row = connection.execute("SELECT state FROM instances WHERE id = ?", (instance,)).fetchone()
    return row is not None and row["state"] == InstanceState.RECEIVED


def _store_clean(connection: sqlite3.Connection, clean: CleanInstance) -> None:
    now = time()
    blob: BlobRef = clean.blob
    connection.execute(
        "UPDATE instances SET state = ?, changed_at = ?, code = NULL, reason = NULL, rule = ?,"
        " clean_sha256 = ?, clean_size_bytes = ?, clean_sop_instance_uid = ?,"
        " clean_series_instance_uid = ?, clean_study_instance_uid = ?,"
        " clean_transfer_syntax = ?, report = ?, companion = ? WHERE id = ?",
        (
            InstanceState.CLEAN,
            now,
            clean.rule,
            blob.sha256,
            blob.size_bytes,
            clean.sop_instance_uid,
            clean.series_instance_uid,
            clean.study_instance_uid,
            clean.transfer_syntax,
            report_json(clean.report),
            companion_json(clean.companion),
            clean.id,
        ),
    )
    connection.executemany(
        "INSERT INTO deliveries (instance_sequence, destination, state, next_at, sender)"
        " SELECT sequence, ?, ?, ?, calling_ae FROM instances WHERE id = ?",
        [(name, DeliveryState.DUE, now, clean.id) for name in clean.destinations],
    )


def _withhold(
    connection: sqlite3.Connection, instance: InstanceId, error: DeidNodeError
) -> Withheld:
    _end(connection, instance, InstanceState.WITHHELD, code=error.code, reason=str(error))
    return Withheld(error.code, str(error))


def _end(
    connection: sqlite3.Connection,
    instance: InstanceId,
    state: InstanceState,
    *,
    code: str | None = None,
    reason: str | None = None,
    rule: str | None = None,
    doubts: str | None = None,
) -> None:
    connection.execute(
        "UPDATE instances SET state = ?, changed_at = ?, code = ?, reason = ?, rule = ?,"
        " doubts = ? WHERE id = ?",
        (state, time(), code, reason, rule, doubts, instance),
    )
