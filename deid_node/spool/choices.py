"""What a person decides about one instance at the review desk, as a value and as a row."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Final

from deid_node.errors import InputError
from deid_node.spool.committer import Transaction
from deid_node.spool.decisions import Verb
from deid_node.spool.rows import doubts_from, markings_from, markings_json
from deid_node.spool.samples import is_awaited
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId
from deid_node.values.markings import Markings
from deid_node.values.state import InstanceState

CHOICES: Final = (Verb.FILL, Verb.NO_TEXT, Verb.RELEASE, Verb.DISCARD, Verb.HOLD)
"""What can be decided at the desk about what is withheld."""

LOOKS: Final = (Verb.NOTHING_MISSED, Verb.MISSED)
"""What can be said of a sample of what was delivered."""

AGAIN: Final = "again"
"""The reason of `Verb.MISSED` with which an instance walks again, with what was boxed."""

_MARKING: Final = frozenset({Verb.FILL, Verb.NO_TEXT, Verb.MISSED})


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decided about one instance.

    `reason` is a code of why it is discarded, or of what becomes of it where something was
    missed. `markings` go with `Verb.FILL`, `NO_TEXT` and `MISSED` and with nothing else.
    `sample` is the instance that the person looked at, where they decided about several at
    once; else None. Where it `needs_second`, it counts once another person has agreed.
    """

    instance: InstanceId
    verb: Verb
    person: str
    reason: str | None = None
    markings: Markings | None = None
    sample: InstanceId | None = None
    needs_second: bool = False
    agreed_by: str | None = None

    def __post_init__(self) -> None:
        if self.verb not in {*CHOICES, *LOOKS}:
            raise ValueError("not decided at the desk")
        if (self.markings is not None) is not (self.verb in _MARKING):
            raise ValueError("markings go with a decision about pixels, and with no other")

    @property
    def awaits_second(self) -> bool:
        """Whether another person is still to agree."""
        return self.needs_second and self.agreed_by is None


def stage(transaction: Transaction, choice: Choice, *, at: float, due_at: float) -> None:
    """Write one decision down; raise `InputError`, with nothing written."""
    connection = transaction.connection
    if choice.verb in LOOKS:
        if not is_awaited(connection, choice.instance):
            raise InputError("no look at it is awaited any more")
    else:
        _require_withheld(connection, choice)
    columns = {
        "instance_id": choice.instance,
        "verb": choice.verb,
        "person": choice.person,
        "reason": choice.reason,
        "markings": markings_json(choice.markings),
        "sample": choice.sample,
        "needs_second": choice.needs_second,
        "staged_at": at,
        "due_at": due_at,
    }
    written = connection.execute(
        f"INSERT OR IGNORE INTO staged ({', '.join(columns)})"  # noqa: S608
        f" VALUES ({', '.join('?' * len(columns))})",
        tuple(columns.values()),
    )
    if written.rowcount == 0:
        raise InputError("it has been decided on already")


def choice_of(row: sqlite3.Row) -> Choice:
    """Return what a row of ``staged`` says."""
    return Choice(
        instance=InstanceId(row["instance_id"]),
        verb=Verb(row["verb"]),
        person=row["person"],
        reason=row["reason"],
        markings=markings_from(row),
        sample=None if row["sample"] is None else InstanceId(row["sample"]),
        needs_second=bool(row["needs_second"]),
        agreed_by=row["agreed_by"],
    )


def detail_of(choice: Choice, row: sqlite3.Row) -> str | None:
    """Return, in numbers and codes, what stood before and what was decided."""
    said: dict[str, object] = {}
    if choice.reason is not None:
        said["reason"] = choice.reason
    if choice.markings is not None:
        said["before"] = [_numbers(one.frame, one.box) for one in doubts_from(row)]
        said["fill"] = [_numbers(one.frame, one.box) for one in choice.markings.fill]
        said["stays"] = [_numbers(one.frame, one.box) for one in choice.markings.stays]
    if choice.sample is not None:
        # It was decided about several at once, by a look at this one.
        said["sample"] = choice.sample
    if choice.agreed_by is not None:
        said["agreed_by"] = choice.agreed_by
    return json.dumps(said) if said else None


def _numbers(frame: int | None, box: Box) -> list[int | None]:
    return [frame, box.left, box.top, box.right, box.bottom]


def _require_withheld(connection: sqlite3.Connection, choice: Choice) -> None:
    row = connection.execute(
        "SELECT clean_sha256 FROM instances WHERE id = ? AND state = ?",
        (choice.instance, InstanceState.WITHHELD),
    ).fetchone()
    if row is None:
        raise InputError("no withheld instance of that id")
    if choice.markings is not None and row["clean_sha256"] is not None:
        raise InputError("it is sealed already: its pixels are not decided on any more")
