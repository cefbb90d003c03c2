"""The instances that wait for a person.

A person may release one (it walks the corridor again, or is offered again to
the destination that refused it) or discard it. Both work beside a running
node, which notices within its next sweep.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from deid_node.errors import InputError, UidConflict
from deid_node.spool import rows, transitions
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.spool.rows import doubts_from
from deid_node.values.geometry import DoubtedRegion
from deid_node.values.identity import InstanceId
from deid_node.values.state import InstanceState


@dataclass(frozen=True, slots=True)
class WithheldEntry:
    """One withheld instance, without anything of the patient."""

    id: InstanceId
    code: str
    reason: str
    rule: str | None
    peer: str
    sop_class_uid: str
    transfer_syntax: str
    size_bytes: int
    attempts: int
    received_at: datetime
    withheld_at: datetime
    regions: tuple[DoubtedRegion, ...] = ()
    """The boxes that it is withheld for, where it is for boxes."""
    held: bool = False
    """Whether a person has put it aside at the review desk."""


class WorkList:
    """Lists, releases and discards withheld instances."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def entries(self) -> Sequence[WithheldEntry]:
        """Return what is withheld, oldest first."""
        rows = self._custody.read(
            "SELECT * FROM instances WHERE state = ? ORDER BY sequence", (InstanceState.WITHHELD,)
        )
        return [_entry_of(row) for row in rows]

    def entry(self, instance: InstanceId) -> WithheldEntry:
        """Return one entry; raise `InputError` when it is not withheld."""
        rows = self._custody.read(
            "SELECT * FROM instances WHERE id = ? AND state = ?",
            (instance, InstanceState.WITHHELD),
        )
        if not rows:
            raise InputError("no withheld instance of that id")
        return _entry_of(rows[0])

    def release(self, instance: InstanceId, *, person: str, instead: bool = False) -> None:
        """Give the instance back to the node, as `person` (a system user) decided.

        Where another instance has its SOP Instance UID, `instead` says that this one wins:
        what has not been delivered of the other is discarded, and what has been is to be
        replaced at its destinations. Raises `InputError` when it is not withheld, or in such
        a conflict and `instead` is not said.
        """
        self._custody.write(
            lambda transaction: release(transaction, instance, person=person, instead=instead)
        )

    def discard(self, instance: InstanceId, *, person: str) -> None:
        """Drop the instance for good, as `person` decided; raise `InputError` as `release`."""
        self._custody.write(lambda transaction: discard(transaction, instance, person=person))


def release(
    transaction: Transaction,
    instance: InstanceId,
    *,
    person: str,
    instead: bool = False,
    verb: Verb = Verb.RELEASE,
    at: float | None = None,
    detail: str | None = None,
) -> None:
    """Give it back to the node; as `WorkList.release`, and noted as `note` says."""
    connection = transaction.connection
    row = connection.execute(
        "SELECT sequence, code, clean_sha256, sop_instance_uid FROM instances"
        " WHERE id = ? AND state = ?",
        (instance, InstanceState.WITHHELD),
    ).fetchone()
    if row is None:
        raise InputError("no withheld instance of that id")
    others = rows.others_of(connection, row["sop_instance_uid"], sequence=row["sequence"])
    if row["code"] == UidConflict.code and others and not instead:
        # It would be delivered under the UID that other bytes already have.
        raise InputError("another instance has its UID: release it --instead, or discard it")
    if instead:
        for other in others:
            _give_way(transaction, other, person)
    note(transaction, instance, verb, person, at=at, detail=detail)
    transitions.release(connection, instance, sealed=row["clean_sha256"] is not None)


def discard(
    transaction: Transaction,
    instance: InstanceId,
    *,
    person: str,
    at: float | None = None,
    detail: str | None = None,
) -> None:
    """Drop it for good; as `WorkList.discard`, and noted as `note` says."""
    if not transitions.discard(transaction.connection, instance):
        raise InputError("no withheld instance of that id")
    note(transaction, instance, Verb.DISCARD, person, at=at, detail=detail)


def _give_way(transaction: Transaction, other: sqlite3.Row, person: str) -> None:
    """Let `other` have no place any more, because a person decided for another of its UID."""
    instance = InstanceId(other["id"])
    if transitions.supersede(transaction.connection, instance):
        return
    note(transaction, instance, Verb.DISCARD, person)
    transitions.give_way(transaction.connection, instance)


def _entry_of(row: sqlite3.Row) -> WithheldEntry:
    return WithheldEntry(
        id=InstanceId(row["id"]),
        code=row["code"],
        reason=row["reason"],
        rule=row["rule"],
        peer=row["peer"],
        sop_class_uid=row["sop_class_uid"],
        transfer_syntax=row["transfer_syntax"],
        size_bytes=row["blob_size_bytes"],
        attempts=row["attempts"],
        received_at=datetime.fromtimestamp(row["received_at"], UTC),
        withheld_at=datetime.fromtimestamp(row["changed_at"], UTC),
        regions=doubts_from(row),
        held=bool(row["held"]),
    )
