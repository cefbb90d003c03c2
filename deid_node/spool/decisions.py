"""What people decided about instances, until the node has told of it.

The command line writes a decision beside a running node, or without one, and
has no log of its own: the node's log is where it has to stand, and its audit trail
where it names the person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import time
from typing import Final

from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.values.identity import InstanceId

_MOST_ROWS: Final = 1000


class Verb(StrEnum):
    """What a person can decide."""

    RELEASE = "release"
    DISCARD = "discard"
    REDELIVER = "redeliver"
    REPROCESS = "reprocess"
    EXPORT = "export"
    RELEASE_SERIES = "release_series"
    EXPECT_INSTANCES = "expect_instances"

    # At the review desk:
    FILL = "fill"
    NO_TEXT = "no_text"
    HOLD = "hold"
    SHOW_VALUES = "show_values"
    AGREE = "agree"
    OBJECT = "object"
    NOTHING_MISSED = "nothing_missed"
    MISSED = "missed"
    PROPOSE_REGIONS = "propose_regions"
    ACCEPT_REGIONS = "accept_regions"
    REFUSE_REGIONS = "refuse_regions"


@dataclass(frozen=True, slots=True)
class PersonsDecision:
    """One decision; `code` is what the instance was withheld with, else the state it was in.

    `person` is the system user who decided, or a user of the review desk; `at` is when, in
    UTC. `detail` is what was decided in numbers and codes, before and after.
    """

    number: int
    instance: InstanceId
    verb: Verb
    code: str
    person: str
    at: datetime
    detail: str | None = None


class Decisions:
    """The decisions that the log does not hold yet."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def untold(self) -> Sequence[PersonsDecision]:
        """Return them, the oldest first; raise `CustodyError`."""
        rows = self._custody.read(
            "SELECT * FROM decisions WHERE told = 0 ORDER BY sequence LIMIT ?", (_MOST_ROWS,)
        )
        return [
            PersonsDecision(
                number=row["sequence"],
                instance=InstanceId(row["instance_id"]),
                verb=Verb(row["verb"]),
                code=row["code"],
                person=row["person"],
                at=datetime.fromtimestamp(row["decided_at"], UTC),
                detail=row["detail"],
            )
            for row in rows
        ]

    def are_waiting(self) -> bool:
        """Return whether there are any; raise `CustodyError`."""
        return bool(self._custody.read("SELECT 1 FROM decisions WHERE told = 0 LIMIT 1"))

    def told(self, decisions: Sequence[PersonsDecision]) -> None:
        """Record that the log holds `decisions`."""
        self._custody.write(
            lambda transaction: transaction.connection.executemany(
                "UPDATE decisions SET told = 1 WHERE sequence = ?",
                [(one.number,) for one in decisions],
            )
        )


def note(
    transaction: Transaction,
    instance: InstanceId,
    verb: Verb,
    person: str,
    *,
    at: float | None = None,
    detail: str | None = None,
) -> None:
    """Write down a decision in the transaction that carries it out, while the code still stands.

    `at` is when it was decided (Unix time), now where that is not said.
    """
    transaction.connection.execute(
        "INSERT INTO decisions (instance_id, verb, code, decided_at, person, detail)"
        " SELECT id, ?, COALESCE(code, state), ?, ?, ? FROM instances WHERE id = ?",
        (verb, time() if at is None else at, person, detail, instance),
    )
