"""What senders ask to be committed, and what custody can say to that.

A request is answered only once: after the answer was heard its row says TOLD.
What is confirmed is judged when the answer is given, from the journal and from
the bytes themselves: a scanner deletes its own copy on our word.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import time
from types import MappingProxyType
from typing import Final

from deid_node.errors import BlobDamaged
from deid_node.spool.blobs import blob_name, verified
from deid_node.spool.custody import Custody
from deid_node.spool.places import OPEN
from deid_node.values.commitment import Commitment, FailureReason, Reference, Verdict
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef
from deid_node.values.state import InstanceState

_MOST_ROWS: Final = 1000
# As the door calls every sender where the configuration lists none.
ANY_PEER: Final = "any"


class CommitmentState(StrEnum):
    """State of a request."""

    DUE = "due"
    TOLD = "told"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """What the door knows of a request before the journal does."""

    transaction_uid: str = field(repr=False)
    peer: str
    calling_ae: str = field(repr=False)
    association: str
    references: tuple[Reference, ...] = field(repr=False)


class Commitments:
    """Keeps requests until they were answered, and judges them.

    Who asks hears of what it sent itself, and of what the peers sent that it `asks_for`;
    whether another has sent something is not told.
    """

    def __init__(
        self, custody: Custody, asks_for: Mapping[str, Collection[str]] = MappingProxyType({})
    ) -> None:
        self._custody = custody
        self._asks_for = asks_for

    def adopt(self, asks_for: Mapping[str, Sequence[str]]) -> None:
        """Let peers ask for each other by `asks_for` from now on."""
        self._asks_for = asks_for

    def enter(self, request: CommitmentRequest, *, delay_seconds: float) -> None:
        """Keep `request`, to be answered from `delay_seconds` on; on disk when it returns.

        The same transaction of the same caller again replaces the first: a caller
        asks again that did not hear us. Raises `CustodyError`.
        """
        content = json.dumps(
            [[one.sop_class_uid, one.sop_instance_uid] for one in request.references]
        )
        now = time()
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "INSERT INTO commitments (transaction_uid, peer, calling_ae, association,"
                " requested, state, next_at, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (calling_ae, transaction_uid) DO UPDATE SET"
                " peer = excluded.peer, association = excluded.association,"
                " requested = excluded.requested, state = excluded.state, attempts = 0,"
                " next_at = excluded.next_at, received_at = excluded.received_at",
                (
                    request.transaction_uid,
                    request.peer,
                    request.calling_ae,
                    request.association,
                    content,
                    CommitmentState.DUE,
                    now + delay_seconds,
                    now,
                ),
            )
        )

    def due(self) -> Sequence[Commitment]:
        """Return the requests whose time has come, the oldest first."""
        rows = self._custody.read(
            "SELECT sequence, transaction_uid, peer, calling_ae, association, attempts"
            " FROM commitments WHERE state = ? AND next_at <= ? ORDER BY next_at LIMIT ?",
            (CommitmentState.DUE, time(), _MOST_ROWS),
        )
        return [
            Commitment(
                id=row["sequence"],
                transaction_uid=row["transaction_uid"],
                peer=row["peer"],
                calling_ae=row["calling_ae"],
                association=row["association"],
                attempts=row["attempts"],
            )
            for row in rows
        ]

    def next_due_seconds(self) -> float | None:
        """Return the seconds until the next answer is due; None when none waits."""
        (row,) = self._custody.read(
            "SELECT MIN(next_at) AS at FROM commitments WHERE state = ?", (CommitmentState.DUE,)
        )
        return None if row["at"] is None else max(0.0, row["at"] - time())

    def judge(self, commitment: Commitment) -> Verdict:
        """Return what custody has, or has delivered, of what was asked; reads the bytes."""
        confirmed: list[Reference] = []
        failed: list[tuple[Reference, FailureReason]] = []
        for reference in self._references(commitment):
            reason = self._reason(reference, commitment)
            if reason is None:
                confirmed.append(reference)
            else:
                failed.append((reference, reason))
        return Verdict(tuple(confirmed), tuple(failed))

    def told(self, commitment: Commitment) -> None:
        """Record that the answer was heard."""
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE commitments SET state = ?, told_at = ? WHERE sequence = ? AND state = ?",
                (CommitmentState.TOLD, time(), commitment.id, CommitmentState.DUE),
            )
        )

    def expire(self, *, older_than_seconds: float) -> Sequence[str]:
        """Give up what was asked longer ago than that; return the peers' names."""
        old = (CommitmentState.DUE, time() - older_than_seconds)
        rows = self._custody.read(
            "SELECT peer FROM commitments WHERE state = ? AND received_at < ?", old
        )
        if rows:
            self._custody.write(
                lambda transaction: transaction.connection.execute(
                    "UPDATE commitments SET state = ? WHERE state = ? AND received_at < ?",
                    (CommitmentState.EXPIRED, *old),
                )
            )
        return [row["peer"] for row in rows]

    def postpone(self, commitment: Commitment, *, seconds: float) -> None:
        """Count a failure to answer; the answer is due again in `seconds`."""
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE commitments SET attempts = attempts + 1, next_at = ?"
                " WHERE sequence = ? AND state = ?",
                (time() + seconds, commitment.id, CommitmentState.DUE),
            )
        )

    def _references(self, commitment: Commitment) -> Sequence[Reference]:
        (row,) = self._custody.read(
            "SELECT requested FROM commitments WHERE sequence = ?", (commitment.id,)
        )
        return [Reference(*pair) for pair in json.loads(row["requested"])]

    def _reason(self, reference: Reference, commitment: Commitment) -> FailureReason | None:
        """Return why an instance is not confirmed; None where it is."""
        found = self._rows(reference, commitment)
        if not found:
            return FailureReason.NO_SUCH_OBJECT_INSTANCE
        rows = [row for row in found if row["sop_class_uid"] == reference.sop_class_uid]
        if not rows:
            return FailureReason.CLASS_INSTANCE_CONFLICT
        if any(self._is_held(row) for row in rows):
            return None
        # It may have been delivered, and its bytes removed, while we looked for them.
        if any(
            row["state"] == InstanceState.DELIVERED for row in self._rows(reference, commitment)
        ):
            return None
        return FailureReason.PROCESSING_FAILURE

    def _rows(self, reference: Reference, commitment: Commitment) -> Sequence[sqlite3.Row]:
        rows = self._custody.read(
            "SELECT id, state, sop_class_uid, blob_sha256, blob_size_bytes, peer, calling_ae"  # noqa: S608
            f" FROM instances WHERE sop_instance_uid = ? AND {OPEN}",
            (reference.sop_instance_uid,),
        )
        return [row for row in rows if self._is_of(commitment, row)]

    def _is_of(self, commitment: Commitment, row: sqlite3.Row) -> bool:
        """Return whether who asks has sent what `row` tells of, or may ask for who has."""
        if ANY_PEER in {row["peer"], commitment.peer}:
            # One of them came when no peers were listed: the title is all that is known.
            return bool(row["calling_ae"] == commitment.calling_ae)
        return row["peer"] in {commitment.peer, *self._asks_for.get(commitment.peer, ())}

    def _is_held(self, row: sqlite3.Row) -> bool:
        if row["state"] == InstanceState.DELIVERED:
            return True
        instance = InstanceId(row["id"])
        self._custody.syncing.settle(instance)
        blob = BlobRef(blob_name(instance), row["blob_size_bytes"], row["blob_sha256"])
        try:
            verified(self._custody.blobs.received, blob, self._custody.blobs.files)
        except BlobDamaged:
            return False
        return True
