"""Delivered instances that are drawn, so that a person sees whether something was missed.

Drawn by a keyed hash of the new SOP Instance UID: nobody without the site's key can tell
which ones, and the same instance is drawn each time. What is drawn is held, as it came
and as it was sealed, until somebody has looked or its time is over; `most` at a time.
"""

import hmac
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from time import time
from typing import Final

from deid_node.spool.custody import Custody
from deid_node.spool.withheld import WithheldEntry
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.state import InstanceState

_THOUSAND: Final = 1000

SAMPLE_CODE: Final = "delivered_sample"
"""Stands where the code of withholding stands for others."""

AWAITED: Final = """EXISTS (SELECT 1 FROM looks WHERE looks.instance_id = instances.id
    AND looks.state = 'awaited' AND instances.changed_at + looks.keep_seconds > :now)"""
"""Rows of delivered instances that somebody is still to look at."""


class LookState(StrEnum):
    """What became of a look."""

    AWAITED = "awaited"
    NOTHING_MISSED = "nothing_missed"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Which instances are drawn, and how long they are held for it.

    `per_thousand` of a thousand, as long as fewer than `most` wait; for `keep_seconds` after
    they were delivered.
    """

    key: bytes = field(repr=False)
    per_thousand: int
    keep_seconds: float
    most: int

    def takes(self, sop_instance_uid: str) -> bool:
        """Return whether the instance that leaves under that UID is drawn."""
        digest = hmac.digest(self.key, b"look " + sop_instance_uid.encode(), "sha256")
        return int.from_bytes(digest[:8], "big") % _THOUSAND < self.per_thousand

    def draw(self, connection: sqlite3.Connection, clean: CleanInstance) -> None:
        """Write down that `clean` is to be looked at, if it is drawn; call it when it is sealed.

        One that was looked at before and walked again is looked at again.
        """
        if not clean.report.frames or not self.takes(clean.sop_instance_uid):
            return
        (waiting,) = connection.execute(
            f"SELECT COUNT(*) FROM instances WHERE {AWAITED}",  # noqa: S608
            {"now": time()},
        ).fetchone()
        if waiting >= self.most:
            return
        connection.execute(
            "INSERT OR REPLACE INTO looks (instance_id, state, keep_seconds) VALUES (?, ?, ?)",
            (clean.id, LookState.AWAITED, self.keep_seconds),
        )


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a sample went: what a person needs who has to have it removed there.

    The UIDs are the new ones.
    """

    destinations: tuple[str, ...]
    sop_instance_uid: str
    study_instance_uid: str


class Samples:
    """The instances that wait for a look; any thread may call, and `CustodyError` may come."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def rows(self, instance: InstanceId | None = None) -> Sequence[sqlite3.Row]:
        """Return the rows of those that wait for a look, or of `instance`, oldest first."""
        return self._custody.read(
            f"SELECT * FROM instances WHERE state = :state AND blob_kept = 1 AND {AWAITED}"  # noqa: S608
            " AND (:instance IS NULL OR id = :instance) ORDER BY sequence",
            {"state": InstanceState.DELIVERED, "now": time(), "instance": instance},
        )

    def delivered(self, instance: InstanceId) -> Delivered | None:
        """Return where a sample went; None where it does not wait for a look."""
        rows = self.rows(instance)
        if not rows:
            return None
        went = self._custody.read(
            "SELECT destination FROM deliveries WHERE instance_sequence = ? ORDER BY destination",
            (rows[0]["sequence"],),
        )
        return Delivered(
            tuple(row["destination"] for row in went),
            rows[0]["clean_sop_instance_uid"],
            rows[0]["clean_study_instance_uid"],
        )


def is_awaited(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """Return whether a look at `instance` is awaited, and can be had."""
    found = connection.execute(
        "SELECT 1 FROM instances WHERE id = :id AND state = :state AND blob_kept = 1"  # noqa: S608
        f" AND {AWAITED}",
        {"id": instance, "state": InstanceState.DELIVERED, "now": time()},
    )
    return found.fetchone() is not None


def settle(connection: sqlite3.Connection, instance: InstanceId, state: LookState) -> None:
    """Record what a person saw."""
    connection.execute("UPDATE looks SET state = ? WHERE instance_id = ?", (state, instance))


def entry_of(row: sqlite3.Row) -> WithheldEntry:
    """Return a sample as the work-list has it."""
    return WithheldEntry(
        id=InstanceId(row["id"]),
        code=SAMPLE_CODE,
        reason="drawn by chance, after it was delivered",
        rule=row["rule"],
        peer=row["peer"],
        sop_class_uid=row["sop_class_uid"],
        transfer_syntax=row["clean_transfer_syntax"],
        size_bytes=row["clean_size_bytes"],
        attempts=row["attempts"],
        received_at=datetime.fromtimestamp(row["received_at"], UTC),
        withheld_at=datetime.fromtimestamp(row["changed_at"], UTC),
        is_sample=True,
    )
