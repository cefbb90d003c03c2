"""The second reader: what one person decided counts once another has agreed.

Nobody agrees with themselves, whatever their role. What awaits agreement is withheld like
before, also after a restart, and also where a site has changed its mind about the setting.
"""

import json
import sqlite3
from collections.abc import Sequence
from time import time

from deid_node.errors import InputError
from deid_node.spool.choices import Choice, choice_of
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.spool.withheld import WithheldEntry, WorkList
from deid_node.values.identity import InstanceId


class Agreements:
    """What awaits another person; any thread may call, and `CustodyError` may come."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._withheld = WorkList(custody)

    def awaiting(self) -> Sequence[tuple[WithheldEntry, Choice]]:
        """Return what was decided and awaits another person's agreement, oldest first."""
        awaiting = {one.instance: one for one in self._staged() if one.awaits_second}
        if not awaiting:
            return []
        entries = self._withheld.entries()
        return [(entry, awaiting[entry.id]) for entry in entries if entry.id in awaiting]

    def choice(self, instance: InstanceId) -> Choice | None:
        """Return what was decided about an instance and awaits agreement, if anything does."""
        found = self._custody.read("SELECT * FROM staged WHERE instance_id = ?", (instance,))
        choice = choice_of(found[0]) if found else None
        return choice if choice is not None and choice.awaits_second else None

    def _staged(self) -> Sequence[Choice]:
        return [choice_of(row) for row in self._custody.read("SELECT * FROM staged")]

    def agree(
        self,
        instance: InstanceId,
        others: Sequence[InstanceId],
        person: str,
        *,
        wait_seconds: float,
    ) -> None:
        """Let what another decided about `instance`, and `others` with it, count in a while.

        `others` are those that were decided about together with it. Raises `InputError` where
        it awaits no agreement, or `person` decided it: nobody agrees with themselves.
        """

        def write(transaction: Transaction) -> None:
            now = time()
            for one in _awaited(transaction, instance, others, person):
                transaction.connection.execute(
                    "UPDATE staged SET agreed_by = ?, agreed_at = ?, due_at = ?"
                    " WHERE instance_id = ?",
                    (person, now, now + wait_seconds, one),
                )

        self._custody.write(write)

    def object(self, instance: InstanceId, others: Sequence[InstanceId], person: str) -> None:
        """Let what another decided about `instance`, and `others`, be nothing: they wait again.

        Raises as `agree`.
        """

        def write(transaction: Transaction) -> None:
            for one in _awaited(transaction, instance, others, person):
                row = transaction.connection.execute(
                    "SELECT * FROM staged WHERE instance_id = ?", (one,)
                ).fetchone()
                detail = json.dumps({"decided": row["verb"], "by": row["person"]})
                note(transaction, one, Verb.OBJECT, person, detail=detail)
                transaction.connection.execute("DELETE FROM staged WHERE instance_id = ?", (one,))

        self._custody.write(write)


def _awaited(
    transaction: Transaction, instance: InstanceId, others: Sequence[InstanceId], person: str
) -> Sequence[InstanceId]:
    """Return `instance`, and those of `others` that the same decision is about.

    Raises `InputError` where no agreement is awaited, or `person` made the decision.
    """
    connection = transaction.connection
    query = "SELECT * FROM staged WHERE instance_id = ? AND needs_second = 1 AND agreed_by IS NULL"
    row = connection.execute(query, (instance,)).fetchone()
    if row is None:
        raise InputError("no agreement to it is awaited any more")
    if row["person"] == person:
        raise InputError("who decided cannot agree: another person has to")
    found = [instance]
    for other in others:
        also = connection.execute(query, (other,)).fetchone()
        if also is not None and row["sample"] is not None and _is_one(also, row):
            found.append(other)
    return found


def _is_one(row: sqlite3.Row, other: sqlite3.Row) -> bool:
    """Return whether both were decided at once."""
    same = ("sample", "person", "staged_at")
    return all(row[name] == other[name] for name in same)
