"""Deliveries that an archive has taken and not committed to yet.

Such a delivery is SENT, and its instance is not DELIVERED: the bytes stay. An
inquiry asks the archive for many of them at once; its transaction UID is drawn at
random, and who knows it is who was asked. What is not confirmed is sent again, and
after so many sendings withheld.
"""

import random
import sqlite3
from collections.abc import Mapping, Sequence
from enum import StrEnum
from time import time
from typing import Final
from uuid import uuid4

from deid_node.errors import CommitmentFailed
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.rows import companion_from
from deid_node.spool.transitions import confirm, finish, refuse, send_again, withhold_sealed
from deid_node.values.commitment import Reference
from deid_node.values.confirmation import ConfirmationReport, Inquiry, Placed, Settlement
from deid_node.values.identity import InstanceId
from deid_node.values.retry import RetryPolicy
from deid_node.values.state import DeliveryState, InstanceState

_MOST_ROWS: Final = 1000
_OPEN: Final = ("new", "asked")


class InquiryState(StrEnum):
    """State of an inquiry; NEW and ASKED are open."""

    NEW = "new"
    ASKED = "asked"
    ANSWERED = "answered"
    EXPIRED = "expired"


class Confirmations:
    """Makes inquiries, and records what came of them.

    `most_sendings` says for each destination how often an instance is sent to it
    before it is withheld, `retry` the waits before it is sent again. Every method may
    raise `CustodyError`; what one records is on disk when it returns.
    """

    def __init__(
        self, custody: Custody, most_sendings: Mapping[str, int], retry: RetryPolicy
    ) -> None:
        self._custody = custody
        self._most_sendings = most_sendings
        self._retry = retry
        self._draw = random.Random()

    def gather(self, destination: str, *, limit: int) -> bool:
        """Make an inquiry of up to `limit` sent instances that are in none; False: there are none.

        It is due at once.
        """
        rows = self._custody.read(
            "SELECT d.instance_sequence FROM deliveries d"
            " JOIN instances i ON i.sequence = d.instance_sequence"
            " WHERE d.destination = ? AND d.state = ? AND d.inquiry IS NULL AND i.state IN (?, ?)"
            " ORDER BY d.instance_sequence LIMIT ?",
            (destination, DeliveryState.SENT, InstanceState.CLEAN, InstanceState.WITHHELD, limit),
        )
        if not rows:
            return False

        def write(transaction: Transaction) -> None:
            inquiry = transaction.connection.execute(
                "INSERT INTO inquiries (transaction_uid, destination, state, next_at)"
                " VALUES (?, ?, ?, ?)",
                (f"2.25.{uuid4().int}", destination, InquiryState.NEW, time()),
            ).lastrowid
            transaction.connection.executemany(
                "UPDATE deliveries SET inquiry = ? WHERE instance_sequence = ?"
                " AND destination = ? AND state = ? AND inquiry IS NULL",
                [
                    (inquiry, row["instance_sequence"], destination, DeliveryState.SENT)
                    for row in rows
                ],
            )

        self._custody.write(write)
        return True

    def due(self, destination: str) -> Sequence[Inquiry]:
        """Return the inquiries that the archive is to be sent now, the oldest first."""
        return self._inquiries(
            "SELECT * FROM inquiries WHERE destination = ? AND state = ? AND next_at <= ?"
            " ORDER BY next_at LIMIT ?",
            (destination, InquiryState.NEW, time(), _MOST_ROWS),
        )

    def overdue(self, destination: str, *, seconds: float) -> Sequence[Inquiry]:
        """Return the inquiries that the archive took longer ago than `seconds` and left open."""
        return self._inquiries(
            "SELECT * FROM inquiries WHERE destination = ? AND state = ? AND asked_at < ?"
            " ORDER BY asked_at LIMIT ?",
            (destination, InquiryState.ASKED, time() - seconds, _MOST_ROWS),
        )

    def is_waiting(self, destination: str) -> bool:
        """Return whether the archive took a question and has not answered it yet."""
        return bool(
            self._custody.read(
                "SELECT 1 FROM inquiries WHERE destination = ? AND state = ? LIMIT 1",
                (destination, InquiryState.ASKED),
            )
        )

    def asked_for(self, inquiry: Inquiry) -> Sequence[Placed]:
        """Return what is asked for: an instance, and its companion if it has one."""
        rows = self._custody.read(
            "SELECT i.sop_class_uid, i.clean_sop_instance_uid, i.clean_series_instance_uid,"
            " i.clean_study_instance_uid, i.companion FROM deliveries d"
            " JOIN instances i ON i.sequence = d.instance_sequence"
            " WHERE d.inquiry = ? AND d.state = ? ORDER BY d.instance_sequence",
            (inquiry.id, DeliveryState.SENT),
        )
        return [
            Placed(reference, row["clean_study_instance_uid"], series)
            for row in rows
            for reference, series in zip(_references(row), _series(row), strict=True)
        ]

    def asked(self, inquiry: Inquiry) -> None:
        """Record that the archive took the question; its time limit begins."""
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE inquiries SET state = ?, asked_at = ? WHERE sequence = ? AND state = ?",
                (InquiryState.ASKED, time(), inquiry.id, InquiryState.NEW),
            )
        )

    def postpone(self, inquiry: Inquiry, *, seconds: float) -> None:
        """Count a failure to ask; the inquiry is due again in `seconds`."""
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE inquiries SET attempts = attempts + 1, next_at = ?"
                " WHERE sequence = ? AND state = ?",
                (time() + seconds, inquiry.id, InquiryState.NEW),
            )
        )

    def hear(self, report: ConfirmationReport) -> Settlement | None:
        """Record an archive's answer; None for a transaction that was never ours.

        What it confirms late, after we gave up waiting, counts unless it has been
        sent again since. What an answer leaves out counts as failed.
        """

        def write(transaction: Transaction) -> Settlement | None:
            row = transaction.connection.execute(
                "SELECT sequence, destination, state FROM inquiries WHERE transaction_uid = ?",
                (report.transaction_uid,),
            ).fetchone()
            if row is None:
                return None
            return self._settled(transaction, row, frozenset(report.confirmed))

        return self._custody.write(write)

    def give_up(self, inquiry: Inquiry) -> Settlement:
        """Record that no answer came in time: all of it counts as failed."""

        def write(transaction: Transaction) -> Settlement:
            row = transaction.connection.execute(
                "SELECT sequence, destination, state FROM inquiries WHERE sequence = ?",
                (inquiry.id,),
            ).fetchone()
            return self._settled(transaction, row, frozenset(), end=InquiryState.EXPIRED)

        return self._custody.write(write)

    def waive(self, destination: str, inquiry: Inquiry | None = None) -> Settlement:
        """Take the word that came with C-STORE for all that is sent, or for one inquiry's share."""
        only = None if inquiry is None else inquiry.id
        if not self._custody.read(
            "SELECT 1 FROM deliveries WHERE destination = ? AND state = ? LIMIT 1",
            (destination, DeliveryState.SENT),
        ):
            return Settlement(destination)

        def write(transaction: Transaction) -> Settlement:
            connection = transaction.connection
            rows = connection.execute(
                "SELECT i.id FROM deliveries d JOIN instances i ON i.sequence = d.instance_sequence"
                " WHERE d.destination = ? AND d.state = ? AND (? IS NULL OR d.inquiry = ?)",
                (destination, DeliveryState.SENT, only, only),
            ).fetchall()
            waived = tuple(InstanceId(row["id"]) for row in rows)
            for instance in waived:
                _confirm(transaction, instance, destination)
            connection.execute(
                "UPDATE inquiries SET state = ?, answered_at = ? WHERE destination = ?"
                " AND state IN (?, ?) AND (? IS NULL OR sequence = ?)",
                (InquiryState.EXPIRED, time(), destination, *_OPEN, only, only),
            )
            return Settlement(destination, confirmed=waived)

        return self._custody.write(write)

    def _inquiries(self, query: str, parameters: tuple[object, ...]) -> Sequence[Inquiry]:
        rows = self._custody.read(query, parameters)
        return [
            Inquiry(row["sequence"], row["transaction_uid"], row["destination"], row["attempts"])
            for row in rows
        ]

    def _settled(
        self,
        transaction: Transaction,
        inquiry: sqlite3.Row,
        confirmed: frozenset[Reference],
        *,
        end: InquiryState = InquiryState.ANSWERED,
    ) -> Settlement:
        destination, is_open = inquiry["destination"], inquiry["state"] in _OPEN
        rows = transaction.connection.execute(
            "SELECT d.state, d.sendings, i.id, i.sop_class_uid, i.clean_sop_instance_uid,"
            " i.companion FROM deliveries d JOIN instances i ON i.sequence = d.instance_sequence"
            " WHERE d.inquiry = ? AND d.state IN (?, ?)",
            (inquiry["sequence"], DeliveryState.SENT, DeliveryState.DUE),
        ).fetchall()
        kept: list[InstanceId] = []
        again: list[InstanceId] = []
        withheld: list[InstanceId] = []
        for row in rows:
            instance = InstanceId(row["id"])
            if confirmed.issuperset(_references(row)):
                _confirm(transaction, instance, destination)
                kept.append(instance)
            elif is_open and row["state"] == DeliveryState.SENT:
                if row["sendings"] + 1 < self._most_sendings.get(destination, 1):
                    seconds = self._retry.delay_seconds(row["sendings"] + 1, draw=self._draw)
                    send_again(transaction.connection, instance, destination, seconds)
                    again.append(instance)
                else:
                    _refuse(transaction, instance, destination)
                    withheld.append(instance)
        if is_open:
            transaction.connection.execute(
                "UPDATE inquiries SET state = ?, answered_at = ? WHERE sequence = ?",
                (end, time(), inquiry["sequence"]),
            )
        return Settlement(destination, tuple(kept), tuple(again), tuple(withheld))


def _references(row: sqlite3.Row) -> tuple[Reference, ...]:
    own = Reference(row["sop_class_uid"], row["clean_sop_instance_uid"])
    companion = companion_from(row)
    if companion is None:
        return (own,)
    return own, Reference(companion.sop_class_uid, companion.sop_instance_uid)


def _series(row: sqlite3.Row) -> tuple[str, ...]:
    own = row["clean_series_instance_uid"]
    companion = companion_from(row)
    return (own,) if companion is None else (own, companion.series_instance_uid)


def _confirm(transaction: Transaction, instance: InstanceId, destination: str) -> None:
    confirm(transaction.connection, instance, destination)
    finish(transaction.connection, instance)


def _refuse(transaction: Transaction, instance: InstanceId, destination: str) -> None:
    refuse(transaction.connection, instance, destination)
    withhold_sealed(transaction.connection, instance, CommitmentFailed())
