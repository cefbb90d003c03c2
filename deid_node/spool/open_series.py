"""Series that are waited for, for a person who looks at them, or lets them go on.

Works beside a running node, which takes what goes on at its next look. Series go by the number
that they have in the journal; their UIDs are for the eyes of those who sent them.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.spool.series import close, series_of, why_full
from deid_node.values.identity import InstanceId
from deid_node.values.series import ClosedBy
from deid_node.values.state import InstanceState


@dataclass(frozen=True, slots=True)
class OpenSeries:
    """A series that is waited for; times are Unix times.

    `expected` is how many instances it has, where that is known.
    """

    number: int
    study_instance_uid: str = field(repr=False)
    series_instance_uid: str = field(repr=False)
    treatment: str
    instances: int
    bytes: int
    expected: int | None
    opened_at: float
    changed_at: float
    closes_at: float


class OpenSeriesList:
    """The series of a spool that are open; every method may raise `CustodyError`.

    `person` is a system user.
    """

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def waiting(self) -> Sequence[OpenSeries]:
        """Return the series that are waited for, the oldest first."""
        return [
            OpenSeries(
                number=row["sequence"],
                study_instance_uid=row["study_instance_uid"],
                series_instance_uid=row["series_instance_uid"],
                treatment=row["treatment"],
                instances=row["instances"],
                bytes=row["bytes"],
                expected=row["expected"],
                opened_at=row["opened_at"],
                changed_at=row["changed_at"],
                closes_at=min(
                    row["changed_at"] + row["quiet_seconds"], row["opened_at"] + row["most_seconds"]
                ),
            )
            for row in self._custody.read(
                "SELECT * FROM series WHERE closed_at IS NULL ORDER BY sequence"
            )
        ]

    def release(self, numbers: Sequence[int], *, person: str) -> int:
        """Close these series because a person says so; return how many instances go on.

        A running node takes them at its next look.
        """

        def write(transaction: Transaction) -> int:
            going = 0
            for number in numbers:
                series = _open(transaction.connection, number)
                if series is not None:
                    _note(transaction, series, Verb.RELEASE_SERIES, person)
                    closed = close(transaction.connection, series, ClosedBy.PERSON)
                    going += closed.instances
            return going

        return self._custody.write(write, name="close")

    def expect(self, number: int, instances: int, *, person: str) -> int | None:
        """Let a series be closed once it has so many instances.

        Returns how many go on, because it has them already; None where it is not open.
        """

        def write(transaction: Transaction) -> int | None:
            connection = transaction.connection
            series = _open(connection, number)
            if series is None:
                return None
            _note(transaction, series, Verb.EXPECT_INSTANCES, person, expected=instances)
            connection.execute(
                "UPDATE series SET expected = ? WHERE sequence = ?", (instances, number)
            )
            series = series_of(connection, number)
            by = why_full(series)
            return close(connection, series, by).instances if by else 0

        return self._custody.write(write, name="close")


def _open(connection: sqlite3.Connection, number: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM series WHERE sequence = ? AND closed_at IS NULL", (number,)
    ).fetchone()
    return row


def _note(
    transaction: Transaction,
    series: sqlite3.Row,
    verb: Verb,
    person: str,
    *,
    expected: int | None = None,
) -> None:
    """Write a decision down, once for the series, at the oldest instance that waits in it."""
    row = transaction.connection.execute(
        "SELECT id FROM instances WHERE series = ? AND state = ? ORDER BY sequence LIMIT 1",
        (series["sequence"], InstanceState.HELD),
    ).fetchone()
    if row is not None:
        said = "" if expected is None else f", {expected} expected"
        detail = f"series {series['sequence']}: {series['instances']} instances{said}"
        note(transaction, InstanceId(row["id"]), verb, person, detail=detail)
