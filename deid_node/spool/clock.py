"""Moments of the journal that lie where no clock could have put them honestly.

While a clock is wrong by years, waits are written down that end in years, and nothing
would ever be tried again although all is well. Whatever lies further ahead than the
longest wait there is was written by such a clock, and counts from now on.
"""

import json
from time import time
from typing import Final

from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody

_SLACK_SECONDS: Final = 60.0
DESTINATIONS: Final = """
WITH RECURSIVE names(name) AS (
    SELECT MIN(destination) FROM deliveries
    UNION ALL
    SELECT (SELECT MIN(destination) FROM deliveries WHERE destination > name)
    FROM names WHERE name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL
"""
"""By leaps through the index: as many looks as there are names, however many deliveries."""

# What is to be done later lies too far ahead; what has been lies ahead at all.
_HERE: Final = " AND destination IN (SELECT value FROM json_each(:destinations))"
_AGO: Final = " AND changed_at > :ahead"
_AHEAD: Final = (
    ("deliveries", "next_at", f"state = 'due' AND next_at > :latest{_HERE}"),
    ("deliveries", "settled_at", f"state = 'sent' AND settled_at > :ahead{_HERE}"),
    ("inquiries", "next_at", f"state = 'new' AND next_at > :latest{_HERE}"),
    ("inquiries", "asked_at", f"state = 'asked' AND asked_at > :ahead{_HERE}"),
    ("commitments", "next_at", "state = 'due' AND next_at > :latest"),
    ("series", "changed_at", "closed_at IS NULL AND changed_at > :ahead"),
    ("series", "opened_at", "closed_at IS NULL AND opened_at > :ahead"),
    (
        "instances",
        "changed_at",
        "state IN ('received', 'clean', 'delivered', 'withheld', 'discarded', 'held')" + _AGO,
    ),
)
"""Table, column and which rows: each is a look into an index, however long the journal is."""


class Clock:
    """Puts such moments right; `longest_wait_seconds` is the longest that anything waits."""

    def __init__(self, custody: Custody, longest_wait_seconds: float) -> None:
        self._custody = custody
        self._longest_wait_seconds = longest_wait_seconds

    def adopt(self, longest_wait_seconds: float) -> None:
        """Take note that nothing waits longer than this from now on."""
        # What waits already may wait for as long as before.
        self._longest_wait_seconds = max(self._longest_wait_seconds, longest_wait_seconds)

    def correct(self) -> int:
        """Let what lies too far ahead count from now; return how many moments there were.

        On disk when it returns. Raises `CustodyError`.
        """
        names = [row["name"] for row in self._custody.read(DESTINATIONS)]
        now = time()
        moments = {
            "now": now,
            "latest": now + self._longest_wait_seconds + _SLACK_SECONDS,
            "ahead": now + _SLACK_SECONDS,
            "destinations": json.dumps(names),
        }
        wrong = [
            (table, column, where)
            for table, column, where in _AHEAD
            if self._custody.read(f"SELECT 1 FROM {table} WHERE {where} LIMIT 1", moments)  # noqa: S608
        ]
        if not wrong:
            return 0

        def write(transaction: Transaction) -> int:
            return sum(
                transaction.connection.execute(
                    f"UPDATE {table} SET {column} = :now WHERE {where}",  # noqa: S608
                    moments,
                ).rowcount
                for table, column, where in wrong
            )

        return self._custody.write(write)
