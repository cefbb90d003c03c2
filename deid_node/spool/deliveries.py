"""The deliveries of clean instances: one row per (instance, destination)."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from time import time

from deid_node.errors import (
    BlobDamaged,
    DeidNodeError,
    InstanceTooLarge,
    RefusedByDestination,
    TranscodingDiffers,
)
from deid_node.spool.blobs import verified
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.rows import clean_from
from deid_node.spool.transitions import close, finish, withhold_sealed
from deid_node.values.delivery import Delivery, DeliveryResult, Receipt
from deid_node.values.instance import CleanInstance
from deid_node.values.state import DeliveryState, InstanceState

_SENDERS = """
WITH RECURSIVE senders(name) AS (
    SELECT MIN(sender) FROM deliveries WHERE destination = :destination AND state = :due
    UNION ALL
    SELECT (SELECT MIN(sender) FROM deliveries
            WHERE destination = :destination AND state = :due AND sender > name)
    FROM senders WHERE name IS NOT NULL
)
SELECT name FROM senders WHERE name IS NOT NULL
"""
"""Who has anything due: one look into the index for each, however much it is."""

_OLDEST = """
SELECT d.instance_sequence AS sequence FROM deliveries d INDEXED BY deliveries_in_turn
JOIN instances i ON i.sequence = d.instance_sequence
WHERE d.destination = :destination AND d.state = :due AND d.sender = :sender
    AND d.next_at <= :now AND i.state IN (:clean, :withheld)
ORDER BY d.instance_sequence LIMIT :limit
"""
"""Named, because the planner would sort all that is due for the few that are wanted."""


class Deliveries:
    """What is due where, and what came of it.

    A destination's rows never wait for another destination, and a sender's not for
    another sender: they take turns, by their calling AE titles. An instance that
    one destination refuses is withheld for a person; its other deliveries go on.
    """

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        # Who had the first turn last time, at each destination: the next one has it now.
        self._first: dict[str, str] = {}

    def due(self, destination: str, *, limit: int) -> Sequence[Delivery]:
        """Return up to `limit` due deliveries, one of each sender after the other.

        Of one sender the oldest, and those of one study together.
        """
        chosen = self._in_turns(destination, limit)
        rows = self._custody.read(
            "SELECT i.*, d.attempts AS delivery_attempts FROM deliveries d"
            " JOIN instances i ON i.sequence = d.instance_sequence"
            " WHERE d.destination = ? AND i.sequence IN (SELECT value FROM json_each(?))",
            (destination, json.dumps(chosen)),
        )
        places = {sequence: place for place, sequence in enumerate(chosen)}
        studies: dict[str, list[Delivery]] = {}
        for row in sorted(rows, key=lambda row: places[row["sequence"]]):
            instance = clean_from(row, (destination,))
            studies.setdefault(instance.study_instance_uid, []).append(
                Delivery(instance, destination, row["delivery_attempts"])
            )
        return [delivery for study in studies.values() for delivery in study]

    def _in_turns(self, destination: str, limit: int) -> Sequence[int]:
        """Return the sequence numbers of what is due: the oldest of each sender, the next, ..."""
        wanted = {
            "destination": destination,
            "due": DeliveryState.DUE,
            "clean": InstanceState.CLEAN,
            "withheld": InstanceState.WITHHELD,
            "now": time(),
            "limit": limit,
        }
        lanes = {
            row["name"]: [
                one["sequence"]
                for one in self._custody.read(_OLDEST, {**wanted, "sender": row["name"]})
            ]
            for row in self._custody.read(_SENDERS, wanted)
        }
        names = [name for name, lane in lanes.items() if lane]
        if not names:
            return ()
        last = self._first.get(destination, "")
        turn = bisect_right(names, last) % len(names)
        self._first[destination] = names[turn]
        rounds = zip_longest(*(lanes[name] for name in (*names[turn:], *names[:turn])))
        return [one for each in rounds for one in each if one is not None][:limit]

    def next_due_seconds(self, destination: str) -> float | None:
        """Return the seconds until the next delivery is due; None when none waits."""
        row = self._custody.read(
            "SELECT MIN(d.next_at) AS at FROM deliveries d"
            " JOIN instances i ON i.sequence = d.instance_sequence"
            " WHERE d.destination = ? AND d.state = ? AND i.state IN (?, ?)",
            (destination, DeliveryState.DUE, InstanceState.CLEAN, InstanceState.WITHHELD),
        )[0]
        return None if row["at"] is None else max(0.0, row["at"] - time())

    def clean_path(self, instance: CleanInstance) -> Path:
        """Return the file of the clean instance; raise `BlobDamaged` when it is not intact."""
        blobs = self._custody.blobs
        return verified(blobs.clean, instance.blob, blobs.files)

    def companion_path(self, instance: CleanInstance) -> Path | None:
        """Return the file of its companion, if it has one; raise `BlobDamaged` likewise."""
        if instance.companion is None:
            return None
        blobs = self._custody.blobs
        return verified(blobs.clean, instance.companion.blob, blobs.files)

    def settle(self, receipt: Receipt, sent: CleanInstance | None = None) -> None:
        """Record a destination's answer; on disk when it returns.

        Where `sent` is given, nothing is recorded if other bytes were sealed meanwhile: a
        person let the instance walk again while it was on its way.
        """
        if receipt.result is DeliveryResult.RETRY:
            raise ValueError("a delivery to be tried again is postponed, not settled")
        refused = receipt.result is DeliveryResult.REFUSED

        def write(transaction: Transaction) -> None:
            state = DeliveryState.REFUSED if refused else DeliveryState.DELIVERED
            if not _closed(transaction, receipt, state, sent):
                return
            if refused:
                withhold_sealed(transaction.connection, receipt.id, _refusal(receipt))
            else:
                finish(transaction.connection, receipt.id)

        self._custody.write(write, name="settle")

    def hand_over(self, receipt: Receipt, sent: CleanInstance | None = None) -> None:
        """Record that an archive took the instance and is to be asked to commit to it.

        The delivery is SENT: due no more, and not delivered before the archive confirms it.
        `sent` as for `settle`.
        """
        self._custody.write(
            lambda transaction: _closed(transaction, receipt, DeliveryState.SENT, sent)
        )

    def withhold_damaged(self, delivery: Delivery) -> None:
        """Record that the clean bytes are no longer what was sealed: the instance is withheld."""

        def write(transaction: Transaction) -> None:
            connection, clean = transaction.connection, delivery.instance
            if close(
                connection,
                clean.id,
                delivery.destination,
                DeliveryState.REFUSED,
                status=None,
                sha256=clean.blob.sha256,
            ):
                withhold_sealed(connection, clean.id, BlobDamaged("the clean blob is not intact"))

        self._custody.write(write)

    def postpone(self, delivery: Delivery, *, seconds: float) -> None:
        """Count a failed attempt and make the delivery due again in `seconds`."""
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE deliveries SET attempts = attempts + 1, next_at = ?"
                " WHERE destination = ? AND state = ? AND instance_sequence ="
                " (SELECT sequence FROM instances WHERE id = ?)",
                (
                    time() + seconds,
                    delivery.destination,
                    DeliveryState.DUE,
                    delivery.instance.id,
                ),
            )
        )


def _closed(
    transaction: Transaction, receipt: Receipt, state: DeliveryState, sent: CleanInstance | None
) -> bool:
    return close(
        transaction.connection,
        receipt.id,
        receipt.destination,
        state,
        status=receipt.status,
        sha256=None if sent is None else sent.blob.sha256,
    )


def _refusal(receipt: Receipt) -> DeidNodeError:
    """Return why the instance waits for a person, whoever refused it."""
    for ours in (TranscodingDiffers, InstanceTooLarge):
        if receipt.code == ours.code:
            return ours()
    return RefusedByDestination()
