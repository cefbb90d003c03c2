"""Audit messages on disk until their target has taken them.

A file of its own beside the journal: an audit repository that is away for a week
must not make the journal's commits slower.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from deid_node.audit.message import AuditMessage
from deid_node.errors import AuditUnavailable

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    content TEXT NOT NULL
)
"""
_MESSAGE: Final = TypeAdapter(AuditMessage)


class Outbox:
    """First in, first out; every change is on disk when it returns; any thread may call.

    Every method may raise `AuditUnavailable`: the disk does not take or give.
    """

    def __init__(self, path: Path, *, most: int) -> None:
        self._path = path
        self._most = most
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._count = 0

    def open(self) -> None:
        """Open the file, creating it with mode 0600."""
        try:
            # SQLite gives its side files the mode of this one.
            self._path.touch(mode=0o600)
            connection = sqlite3.connect(
                self._path, isolation_level=None, timeout=30, check_same_thread=False
            )
            self._connection = connection
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(_SCHEMA)
            (self._count,) = connection.execute("SELECT COUNT(*) FROM messages").fetchone()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise _unavailable(error) from None

    def close(self) -> None:
        """Close the file; what waits is there at the next start."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __len__(self) -> int:
        """Return how many messages wait."""
        return self._count

    def add(self, messages: Sequence[AuditMessage], *, bounded: bool = True) -> int:
        """Let `messages` wait; return how many of them were dropped because too many wait.

        With ``bounded=False`` none is dropped.
        """
        with self._lock:
            room = max(0, self._most - self._count) if bounded else len(messages)
            kept = messages[:room]
            self._change(
                "INSERT INTO messages (content) VALUES (?)",
                [(_MESSAGE.dump_json(message).decode(),) for message in kept],
            )
            self._count += len(kept)
        return len(messages) - len(kept)

    def oldest(self, most: int) -> Sequence[tuple[int, AuditMessage]]:
        """Return up to `most` messages with their numbers, the oldest first."""
        with self._lock:
            try:
                rows = (
                    self._open()
                    .execute(
                        "SELECT sequence, content FROM messages ORDER BY sequence LIMIT ?", (most,)
                    )
                    .fetchall()
                )
            except sqlite3.Error as error:
                raise _unavailable(error) from None
        return [(number, _MESSAGE.validate_json(content)) for number, content in rows]

    def remove(self, numbers: Sequence[int]) -> None:
        """Forget messages that were delivered."""
        with self._lock:
            self._change(
                "DELETE FROM messages WHERE sequence = ?", [(number,) for number in numbers]
            )
            self._count -= len(numbers)

    def _change(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise _unavailable(error) from None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise AuditUnavailable("the outbox is closed")
        return self._connection


def _unavailable(error: Exception) -> AuditUnavailable:
    return AuditUnavailable(f"the outbox cannot be used ({type(error).__name__})")
