"""Whether the spool's disk takes what it is given, and how it is found out that it does again.

A write that failed is remembered. Until another succeeds the spool is in trouble:
the door refuses associations and the node is not ready. Nobody sends then, so the
spool tries for itself, each time it is asked: a small file and a commit, to the disk.
A journal that is damaged does not heal: that takes a person and a restart.
"""

import errno
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from deid_node.errors import (
    BlobDamaged,
    CustodyError,
    JournalDamaged,
    SpoolFull,
    SpoolUnavailable,
)

_TEXT = "a page of the journal is not what was written"
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Trouble:
    """Remembers failures; any thread may call. `attempt` tries to write, raising `CustodyError`."""

    def __init__(self, attempt: Callable[[], None]) -> None:
        self._attempt = attempt
        self._last: CustodyError | None = None
        self._counts: Counter[str] = Counter(
            dict.fromkeys((SpoolFull.code, SpoolUnavailable.code, JournalDamaged.code), 0)
        )
        self._lock = threading.Lock()
        self._attempting = threading.Lock()

    @property
    def failures(self) -> Mapping[str, int]:
        """How many writes have failed, by the error's code."""
        with self._lock:
            return dict(self._counts)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Remember an error of the disk that leaves the ``with`` block."""
        try:
            yield
        except BlobDamaged:
            raise
        except CustodyError as error:
            with self._lock:
                self._counts[error.code] += 1
                # What is damaged stays damaged, whatever else fails after it.
                if not isinstance(self._last, JournalDamaged):
                    self._last = error
            raise

    def require_none(self) -> None:
        """Return where all is well or is well again; raise the `CustodyError` that still holds."""
        with self._lock:
            last = self._last
        if last is None:
            return
        if isinstance(last, JournalDamaged):
            raise JournalDamaged(str(last))
        # One at a time: those who ask meanwhile hear the same.
        with self._attempting:
            with self._lock:
                if self._last is None:
                    return
            self._attempt()
            with self._lock:
                self._last = None


def require_intact(connection: sqlite3.Connection) -> None:
    """Raise `JournalDamaged` where SQLite finds a page that is not as it wrote it."""
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise damage_of(error) or JournalDamaged(_TEXT) from None
    if answer != "ok":
        raise JournalDamaged(_TEXT)


def damage_of(error: BaseException) -> JournalDamaged | None:
    """Return the error of the house where `error` tells of a damaged journal, else None."""
    code = getattr(error, "sqlite_errorcode", None)
    # An extended code holds the plain one in its lowest byte.
    if isinstance(code, int) and code & 0xFF in _DAMAGED:
        return JournalDamaged(_TEXT)
    return None


def custody_error(
    error: OSError | sqlite3.Error,
) -> SpoolFull | SpoolUnavailable | JournalDamaged:
    """Return the error of the house for one of the disk or of the journal."""
    full = (isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}) or (
        isinstance(error, sqlite3.Error)
        and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    )
    if full:
        return SpoolFull("the spool's disk is full")
    return damage_of(error) or SpoolUnavailable(f"the spool failed with {type(error).__name__}")
