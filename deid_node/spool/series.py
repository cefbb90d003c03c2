"""Series that are waited for: who waits in them, and when each is closed.

Being closed is for good: what comes later goes straight on. Those who are in a series when it
is closed are its members (``late`` is 0), the others are counted as they come.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Final

from deid_node.spool import transitions
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.values.identity import InstanceId
from deid_node.values.outcome import Waiting
from deid_node.values.series import ClosedBy
from deid_node.values.state import InstanceState

# It is not quiet while some of it have come and no worker has had them yet.
_DUE: Final = """
SELECT sequence, CASE
    WHEN :disk THEN 'disk'
    WHEN :now - opened_at >= most_seconds THEN 'time'
    ELSE 'quiet' END AS closed_by
FROM series WHERE closed_at IS NULL
    AND (:disk OR :now - opened_at >= most_seconds OR (:now - changed_at >= quiet_seconds
        AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.state = 'received'
            AND instances.study_instance_uid = series.study_instance_uid
            AND instances.series_instance_uid = series.series_instance_uid
            AND instances.series IS NULL)))
ORDER BY sequence
"""


@dataclass(frozen=True, slots=True)
class Closed:
    """A series that is not waited for any more, and who goes on, by sender."""

    by: ClosedBy
    treatment: str
    seconds: float
    going: Mapping[str, Sequence[InstanceId]]

    @property
    def instances(self) -> int:
        """How many go on."""
        return sum(len(some) for some in self.going.values())


@dataclass(frozen=True, slots=True)
class Held:
    """What became of an instance that would wait.

    `waits`: it does, or did until its series was closed by it. Otherwise it came too late, and
    `late` is whose turn it takes; None where it has moved on meanwhile.
    """

    waits: bool
    closed: Closed | None = None
    late: str | None = None


class WaitingSeries:
    """The series of a spool; every method may raise `CustodyError`.

    What changes is on disk when a method returns.
    """

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def hold(self, instance: InstanceId, waiting: Waiting) -> Held:
        """Let `instance` wait for its series, or go straight on where that is closed.

        It is the last one where its series is whole by it, or as large as one may be.
        """

        def write(transaction: Transaction) -> Held:
            connection = transaction.connection
            row = connection.execute(
                "SELECT * FROM instances WHERE id = ? AND state = ?",
                (instance, InstanceState.RECEIVED),
            ).fetchone()
            if row is None:
                return Held(waits=False)
            series = _opened(connection, row, waiting)
            if series["closed_at"] is not None:
                _come_late(connection, row, series["sequence"], waiting)
                return Held(waits=False, late=row["sender"])
            transitions.hold(connection, instance, series["sequence"], waiting.place)
            series = _counted(connection, series["sequence"], row["blob_size_bytes"])
            by = why_full(series)
            return Held(waits=True, closed=close(connection, series, by) if by else None)

        return self._custody.write(write, name="hold")

    def close_due(self, *, disk_is_low: bool = False) -> Sequence[Closed]:
        """Close what has been waited for long enough, and all where the disk takes no more."""
        asked = {"now": time(), "disk": disk_is_low}
        if not self._custody.read(_DUE, asked):
            return ()

        def write(transaction: Transaction) -> Sequence[Closed]:
            connection = transaction.connection
            due = connection.execute(_DUE, asked).fetchall()
            return [
                close(
                    connection, series_of(connection, one["sequence"]), ClosedBy(one["closed_by"])
                )
                for one in due
            ]

        return self._custody.write(write, name="close")

    def are_open(self) -> bool:
        """Return whether any series is waited for."""
        return bool(self._custody.read("SELECT 1 FROM series WHERE closed_at IS NULL LIMIT 1"))

    def resume(self) -> None:
        """Let the quiet begin anew: while the node was away, nothing could come."""
        if not self.are_open():
            return
        self._custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE series SET changed_at = ? WHERE closed_at IS NULL", (time(),)
            )
        )


def series_of(connection: sqlite3.Connection, number: int) -> sqlite3.Row:
    """Return the row of the series of that number, inside a transaction."""
    row: sqlite3.Row = connection.execute(
        "SELECT * FROM series WHERE sequence = ?", (number,)
    ).fetchone()
    return row


def _opened(connection: sqlite3.Connection, row: sqlite3.Row, waiting: Waiting) -> sqlite3.Row:
    """Return the series of the instance of `row`, opened where it is the first."""
    limits = waiting.limits
    now = time()
    columns = {
        "study_instance_uid": row["study_instance_uid"],
        # One of which that could not be read waits by itself.
        "series_instance_uid": row["series_instance_uid"] or row["id"],
        "treatment": waiting.treatment,
        "quiet_seconds": limits.quiet_seconds,
        "most_seconds": limits.most_seconds,
        "most_instances": limits.most_instances,
        "most_bytes": limits.most_bytes,
        "expected": waiting.expected,
        "opened_at": now,
        "changed_at": now,
    }
    connection.execute(
        f"INSERT INTO series ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        " ON CONFLICT DO NOTHING",
        tuple(columns.values()),
    )
    found: sqlite3.Row = connection.execute(
        "SELECT * FROM series WHERE series_instance_uid = ? AND study_instance_uid = ?"
        " AND treatment = ?",
        (columns["series_instance_uid"], row["study_instance_uid"], waiting.treatment),
    ).fetchone()
    return found


def _counted(connection: sqlite3.Connection, number: int, size_bytes: int) -> sqlite3.Row:
    connection.execute(
        "UPDATE series SET instances = instances + 1, bytes = bytes + ?, changed_at = ?"
        " WHERE sequence = ?",
        (size_bytes, time(), number),
    )
    return series_of(connection, number)


def why_full(series: sqlite3.Row) -> ClosedBy | None:
    """Return why a series takes no other instance; None where it does."""
    if series["expected"] is not None and series["instances"] >= series["expected"]:
        return ClosedBy.COUNT
    if series["instances"] >= series["most_instances"]:
        return ClosedBy.INSTANCES
    if series["bytes"] >= series["most_bytes"]:
        return ClosedBy.BYTES
    return None


def close(connection: sqlite3.Connection, series: sqlite3.Row, by: ClosedBy) -> Closed:
    """Close it; those who wait go on, along their stacks."""
    now = time()
    connection.execute(
        "UPDATE series SET closed_at = ?, closed_by = ? WHERE sequence = ?",
        (now, by, series["sequence"]),
    )
    going: dict[str, list[InstanceId]] = {}
    for row in connection.execute(
        "SELECT id, sender FROM instances WHERE series = ? AND state = ?"
        " ORDER BY stack, along, sop_instance_uid",
        (series["sequence"], InstanceState.HELD),
    ).fetchall():
        transitions.go_on(connection, InstanceId(row["id"]))
        going.setdefault(row["sender"], []).append(InstanceId(row["id"]))
    return Closed(by, series["treatment"], max(0.0, now - series["opened_at"]), going)


def _come_late(
    connection: sqlite3.Connection, row: sqlite3.Row, series: int, waiting: Waiting
) -> None:
    """Note of an instance that stays RECEIVED whose series it is of; its start is given back."""
    connection.execute("UPDATE series SET late = late + 1 WHERE sequence = ?", (series,))
    connection.execute(
        "UPDATE instances SET series = :series, stack = :stack, along = :along,"
        " attempts = MAX(0, attempts - 1), in_hand = 0,"
        " late = (SELECT late FROM series WHERE sequence = :series) WHERE id = :id",
        {
            "series": series,
            "stack": waiting.place.stack,
            "along": waiting.place.along,
            "id": row["id"],
        },
    )
