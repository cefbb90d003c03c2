"""How the row of an instance changes: one function for each step of its journey.

Each is called inside a transaction, by whoever has looked at the state that it starts
from. What walks the corridor anew has forgotten its seal first: bytes that were sealed
before cannot go out in the name of what the corridor says now.
"""

import sqlite3
from collections.abc import Sequence
from time import time

from deid_node.errors import DeidNodeError, UidConflict
from deid_node.spool.journal import companion_json, report_json
from deid_node.spool.places import FORGET_SEAL, OPEN
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance, ReceivedInstance
from deid_node.values.origin import Origin
from deid_node.values.outcome import Cleaned, Withheld
from deid_node.values.state import DeliveryState, InstanceState


def insert(
    connection: sqlite3.Connection,
    received: ReceivedInstance,
    *,
    withheld: DeidNodeError | None = None,
) -> None:
    """Write the row of what has just come into custody; RECEIVED, or WITHHELD for `withheld`."""
    origin = received.origin
    connection.execute(
        "INSERT INTO instances (id, state, changed_at, code, reason, sop_class_uid,"
        " sop_instance_uid, blob_sha256, blob_size_bytes, transfer_syntax, peer, calling_ae,"
        " called_ae, address, association, received_at, study_instance_uid,"
        " series_instance_uid, sender)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            received.id,
            InstanceState.WITHHELD if withheld else InstanceState.RECEIVED,
            time(),
            withheld and withheld.code,
            withheld and str(withheld),
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
            received.study_instance_uid,
            received.series_instance_uid,
            origin.calling_ae,
        ),
    )


def others_of(
    connection: sqlite3.Connection, sop_instance_uid: str, *, sequence: int = 0
) -> Sequence[sqlite3.Row]:
    """Return the rows that have a place under that UID as sent, but for number `sequence`."""
    return connection.execute(
        f"SELECT * FROM instances WHERE sop_instance_uid = ? AND {OPEN} AND sequence != ?"  # noqa: S608
        " ORDER BY sequence",
        (sop_instance_uid, sequence),
    ).fetchall()


def set_origin(connection: sqlite3.Connection, instance: InstanceId, origin: Origin) -> None:
    """Write down who sent an instance of which that was not known."""
    connection.execute(
        "UPDATE instances SET peer = ?, calling_ae = ?, called_ae = ?, address = ?,"
        " association = ?, received_at = ?, sender = ? WHERE id = ?",
        (
            origin.peer,
            origin.calling_ae,
            origin.called_ae,
            origin.address,
            origin.association,
            origin.received_at.timestamp(),
            origin.calling_ae,
            instance,
        ),
    )


def walk_again(connection: sqlite3.Connection, instance: InstanceId) -> None:
    """Let it walk the corridor from the beginning; its seal and its deliveries are forgotten."""
    connection.execute(
        "DELETE FROM deliveries WHERE instance_sequence ="
        " (SELECT sequence FROM instances WHERE id = ?)",
        (instance,),
    )
    connection.execute(
        f"UPDATE instances SET state = ?, changed_at = ?, attempts = 0, in_hand = 0,"  # noqa: S608
        f" cut_short = 0, code = NULL, reason = NULL, doubts = NULL, {FORGET_SEAL} WHERE id = ?",
        (InstanceState.RECEIVED, time(), instance),
    )


def is_received(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """Return whether it waits for the corridor."""
    row = connection.execute("SELECT state FROM instances WHERE id = ?", (instance,)).fetchone()
    return row is not None and row["state"] == InstanceState.RECEIVED


def has_double(connection: sqlite3.Connection, clean: CleanInstance) -> bool:
    """Return whether another instance goes, or went, out under the new UID of `clean`."""
    return (
        connection.execute(
            f"SELECT 1 FROM instances WHERE clean_sop_instance_uid = ? AND {OPEN}"  # noqa: S608
            " AND clean_sop_instance_uid IS NOT NULL AND id != ?",
            (clean.sop_instance_uid, clean.id),
        ).fetchone()
        is not None
    )


def store_clean(connection: sqlite3.Connection, outcome: Cleaned) -> None:
    """Write down what was sealed, and what is due with it."""
    now = time()
    clean = outcome.instance
    connection.execute(
        "UPDATE instances SET state = ?, changed_at = ?, code = NULL, reason = NULL, rule = ?,"
        " clean_sha256 = ?, clean_size_bytes = ?, clean_sop_instance_uid = ?,"
        " clean_series_instance_uid = ?, clean_study_instance_uid = ?,"
        " clean_transfer_syntax = ?, report = ?, companion = ?, content_sha256 = ? WHERE id = ?",
        (
            InstanceState.CLEAN,
            now,
            clean.rule,
            clean.blob.sha256,
            clean.blob.size_bytes,
            clean.sop_instance_uid,
            clean.series_instance_uid,
            clean.study_instance_uid,
            clean.transfer_syntax,
            report_json(clean.report),
            companion_json(clean.companion),
            outcome.content_sha256,
            clean.id,
        ),
    )
    connection.executemany(
        "INSERT INTO deliveries (instance_sequence, destination, state, next_at, sender)"
        " SELECT sequence, ?, ?, ?, sender FROM instances WHERE id = ?",
        [(name, DeliveryState.DUE, now, clean.id) for name in clean.destinations],
    )


def withhold(
    connection: sqlite3.Connection, instance: InstanceId, error: DeidNodeError
) -> Withheld:
    """Keep it whole for a person, and return that."""
    end(connection, instance, InstanceState.WITHHELD, code=error.code, reason=str(error))
    return Withheld.because(error)


def end(
    connection: sqlite3.Connection,
    instance: InstanceId,
    state: InstanceState,
    *,
    code: str | None = None,
    reason: str | None = None,
    rule: str | None = None,
    doubts: str | None = None,
) -> None:
    """Write down how the corridor ended for it."""
    connection.execute(
        "UPDATE instances SET state = ?, changed_at = ?, code = ?, reason = ?, rule = ?,"
        " doubts = ? WHERE id = ?",
        (state, time(), code, reason, rule, doubts, instance),
    )


def in_conflict() -> UidConflict:
    """Return the error of an instance that is sealed, and whose new UID is taken."""
    return UidConflict("another instance has its new SOP Instance UID")
