"""What the node last said of its configuration: in the journal, for commands beside it.

A command that asks a running node to read its configuration anew hears here what became of
it; it has no other line to the node.
"""

import json
from dataclasses import asdict, dataclass
from time import time
from typing import Final

from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody

_NAME: Final = "configuration"


@dataclass(frozen=True, slots=True)
class ReloadNote:
    """One word of the node.

    `number` counts them over the life of the spool. `result` is ``started``, ``accepted`` or
    ``refused``; `configuration` is the one in force after it, `since` the Unix time from
    which it is, and `reason` says why another was refused.
    """

    number: int
    at: float
    result: str
    configuration: str
    since: float
    reason: str | None = None


class ReloadNotes:
    """Reads and writes the last one; every method may raise `CustodyError`."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def last(self) -> ReloadNote | None:
        """Return the node's last word; None where it has said none."""
        found = self._custody.read("SELECT value FROM facts WHERE name = ?", (_NAME,))
        return ReloadNote(**json.loads(found[0]["value"])) if found else None

    def write(self, result: str, configuration: str, *, reason: str | None = None) -> ReloadNote:
        """Put the node's word on disk and return it."""
        last, now = self.last(), time()
        goes_on = last is not None and result == "refused"
        note = ReloadNote(
            number=1 if last is None else last.number + 1,
            at=now,
            result=result,
            configuration=configuration,
            since=last.since if last is not None and goes_on else now,
            reason=reason,
        )

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(
                "INSERT INTO facts (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_NAME, json.dumps(asdict(note))),
            )

        self._custody.write(write)
        return note
