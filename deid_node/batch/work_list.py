"""The work list: every input of a back-file, and what has become of it, in one SQLite file.

It lies beside the output until all is done, and nothing that was committed to it is lost by
whatever ends the command. It holds the paths of the inputs, which may name patients, and a key
that is used once: it is made for its owner alone.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final

from deid_node.batch.walk import Found
from deid_node.errors import InputError

_PAGE: Final = 500
_LOCK_SECONDS: Final = 0.5

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inputs (
    key BLOB PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    state INTEGER NOT NULL,
    is_changed INTEGER NOT NULL DEFAULT 0,
    in_hand INTEGER NOT NULL DEFAULT 0,
    cut_short INTEGER NOT NULL DEFAULT 0,
    line TEXT,
    files TEXT
) WITHOUT ROWID;
"""


class State(IntEnum):
    """How far an input is."""

    WAITING = 0
    CLEANED = 1
    """The corridor has ended it; its files, if any, are not in their place yet."""
    ENDED = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One input. `cut_short` counts how often the command died while it was in hand.

    `line` is its line of the report, and `files` what goes where, both as JSON; None while it
    waits.
    """

    key: bytes
    state: State
    cut_short: int
    line: str | None
    files: str | None


class WorkList:
    """One list, open for this process alone; any thread may call.

    Every method raises `InputError` where the file cannot be written or read.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the list at `path`, with mode 0600.

        Raises `InputError` where another process has it, others can read it, or it is none.
        What was in hand when the last process died is counted as cut short.
        """
        self.path = path
        self._lock = threading.Lock()
        try:
            _make_private(path)
            self._connection = sqlite3.connect(
                path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
        except OSError as error:
            raise InputError(f"{path} cannot be used: {error.strerror}") from None
        try:
            # Before the journal: so it needs no memory that is shared, which some disks lack.
            self._do("PRAGMA locking_mode = EXCLUSIVE")
            self._do("PRAGMA journal_mode = WAL")
            self._do("PRAGMA secure_delete = ON")
            self._connection.executescript(_SCHEMA)
            # The first write takes the lock for good.
            self._do("BEGIN IMMEDIATE")
            self._do("UPDATE inputs SET cut_short = cut_short + 1, in_hand = 0 WHERE in_hand")
            self._do("COMMIT")
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" in str(error):
                raise InputError(f"another command works on {path}") from None
            raise InputError(f"{path} cannot be used as a work list") from None
        except sqlite3.Error:
            self._connection.close()
            raise InputError(f"{path} cannot be used as a work list") from None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def remove(self) -> None:
        """Close the list and delete its file: all is done."""
        self.close()
        for suffix in ("", "-wal", "-journal"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    # What holds for the whole list.

    def fact(self, name: str) -> str | bytes | None:
        """Return what was remembered under `name`."""
        found = self._read("SELECT value FROM facts WHERE name = ?", (name,))
        return found[0][0] if found else None

    def remember(self, name: str, value: str | bytes) -> None:
        """Remember `value` under `name` from now on."""
        self._write(
            lambda: self._do("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value)),
            durable=True,
        )

    def totals(self) -> dict[State, int]:
        """Return how many inputs are how far."""
        counts = dict.fromkeys(State, 0)
        counts |= {State(state): count for state, count in self._read(
            "SELECT state, COUNT(*) FROM inputs GROUP BY state"
        )}  # fmt: skip
        return counts

    # What is to be done.

    def take_in(self, found: Iterable[Found], *, again_if_changed: bool) -> int:
        """Add what was found, and return how many ended inputs are other files now.

        One that has not ended is simply cleaned as it is now. One that has ended stays as it is,
        and counts; with `again_if_changed` it waits once more.
        """
        self._write(lambda: self._do("UPDATE inputs SET is_changed = 0 WHERE is_changed"))
        found = iter(found)
        stays = f"state = {State.ENDED} AND NOT {int(again_if_changed)}"
        while chunk := [(one.key, one.size_bytes, one.changed_ns) for one in islice(found, _PAGE)]:
            self._write(
                lambda rows=chunk: self._connection.executemany(  # type: ignore[misc]
                    f"INSERT INTO inputs (key, size_bytes, changed_ns, state)"  # noqa: S608
                    f" VALUES (?, ?, ?, {State.WAITING})"
                    f" ON CONFLICT (key) DO UPDATE SET"
                    f" is_changed = {stays},"
                    f" size_bytes = iif({stays}, size_bytes, excluded.size_bytes),"
                    f" changed_ns = iif({stays}, changed_ns, excluded.changed_ns),"
                    f" state = iif({stays}, state, {State.WAITING})"
                    f" WHERE size_bytes <> excluded.size_bytes"
                    f" OR changed_ns <> excluded.changed_ns",
                    rows,
                )
            )
        return int(self._read("SELECT COUNT(*) FROM inputs WHERE is_changed")[0][0])

    def rows(self) -> Iterator[Row]:
        """Yield every input in the order of paths, as it is when its page is read."""
        last = b""
        while page := self._read(
            "SELECT key, state, cut_short, line, files FROM inputs WHERE key > ?"
            " ORDER BY key LIMIT ?",
            (last, _PAGE),
        ):
            for key, state, cut_short, line, files in page:
                yield Row(key, State(state), cut_short, line, files)
            last = page[-1][0]

    def cleaned(self) -> Sequence[Row]:
        """Return the inputs that have ended but for their files; no more than were under way."""
        found = self._read(
            "SELECT key, state, cut_short, line, files FROM inputs WHERE state = ?",
            (State.CLEANED,),
        )
        return [Row(key, State(state), *others) for key, state, *others in found]

    # What becomes of one input.

    def take_in_hand(self, key: bytes) -> None:
        """Note that it is in hand: so it is known what the command died of."""
        self._one("UPDATE inputs SET in_hand = 1 WHERE key = ?", (key,))

    def let_go(self) -> None:
        """Note that nothing is in hand any more, and that nobody died."""
        self._one("UPDATE inputs SET in_hand = 0 WHERE in_hand", ())

    def keep_outcome(self, key: bytes, line: str, files: str | None) -> None:
        """Note how the corridor ended it."""
        self._one(
            f"UPDATE inputs SET state = {State.CLEANED}, in_hand = 0, line = ?, files = ?"  # noqa: S608
            " WHERE key = ?",
            (line, files, key),
        )

    def wait_again(self, key: bytes) -> None:
        """Let it be cleaned once more: its files are gone."""
        self._one(
            f"UPDATE inputs SET state = {State.WAITING}, line = NULL, files = NULL"  # noqa: S608
            " WHERE key = ?",
            (key,),
        )

    def end(self, lines: Sequence[tuple[bytes, str]]) -> None:
        """Note that inputs have ended with these lines; on disk when it returns."""
        self._write(
            lambda: self._connection.executemany(
                f"UPDATE inputs SET state = {State.ENDED}, line = ?, files = NULL"  # noqa: S608
                " WHERE key = ?",
                [(line, key) for key, line in lines],
            ),
            durable=True,
        )

    def _one(self, statement: str, values: tuple[object, ...]) -> None:
        self._write(lambda: self._do(statement, values))

    def _do(self, statement: str, values: tuple[object, ...] = ()) -> object:
        return self._connection.execute(statement, values)

    def _write(self, change: Callable[[], object], *, durable: bool = False) -> None:
        """Carry out `change` in one commit; one that is not durable a power cut may take back."""
        with self._lock:
            try:
                self._do(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._do("BEGIN IMMEDIATE")
                change()
                self._do("COMMIT")
            except sqlite3.Error as error:
                raise InputError(f"{self.path} cannot be written: {error}") from None
            finally:
                # Ctrl-C may come at any place above.
                if self._connection.in_transaction:
                    self._connection.rollback()

    def _read(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise InputError(f"{self.path} cannot be read: {error}") from None


def _make_private(path: Path) -> None:
    """Make the file where there is none; raise `InputError` for one that others can read."""
    try:
        # SQLite gives its side files the mode of the list. A link would lead somewhere else.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        status = path.lstat()
        if path.is_symlink() or status.st_mode & 0o077:
            raise InputError(f"{path} is open to others; use chmod 600") from None
