"""What all doors of the spool stand on: the folders, the writer, the readers."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from deid_node.errors import SpoolFull, SpoolUnavailable
from deid_node.spool import journal
from deid_node.spool.blobs import Blobs
from deid_node.spool.committer import GroupCommitter, Transaction, custody_error
from deid_node.spool.options import SpoolOptions

T = TypeVar("T")


class Custody:
    """The open spool: blobs on disk and the journal beside them.

    `open` raises `SpoolUnavailable` when the folders or the journal cannot be
    had. With ``exclusive=True`` (the node) it also raises when another process
    holds the spool; the command line opens it beside a running node.
    """

    def __init__(self, options: SpoolOptions, *, exclusive: bool) -> None:
        self.blobs = Blobs(options.dir)
        self.reserve_bytes = options.reserve_bytes
        self.keep_delivered_seconds = options.keep_delivered_seconds
        self._exclusive = exclusive
        self._lock_descriptor: int | None = None
        self._path = options.dir / "journal.sqlite"
        self._committer = GroupCommitter(lambda: journal.connect(self._path))
        self._reader: sqlite3.Connection | None = None
        self._reading = threading.Lock()

    def open(self) -> None:
        """Create what is missing and start the writer."""
        try:
            self.blobs.create_folders()
            if self._exclusive:
                self._lock_descriptor = _lock(self.blobs.root / "lock")
            # SQLite gives its side files the mode of the journal; it names original UIDs.
            self._path.touch(mode=0o600)
            self._reader = journal.connect(self._path)
        except (OSError, sqlite3.Error) as error:
            self._unlock()
            raise custody_error(error) from None
        self._committer.start()

    def close(self) -> None:
        """Commit what is in hand, then close."""
        self._committer.stop()
        with self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        self._unlock()

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction; return once it is on disk."""
        return self._committer.run(work)

    def read(self, query: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Return the rows of `query`; raise `SpoolUnavailable` when the journal fails."""
        with self._reading:
            if self._reader is None:
                raise SpoolUnavailable("the journal is closed")
            try:
                return self._reader.execute(query, parameters).fetchall()
            except sqlite3.Error as error:
                raise custody_error(error) from None

    def require_room(self) -> None:
        """Raise `SpoolFull` when less than the reserve is free."""
        try:
            free = self.blobs.free_bytes()
        except OSError as error:
            raise custody_error(error) from None
        if free < self.reserve_bytes:
            raise SpoolFull("the spool's disk is at its reserve")

    def _unlock(self) -> None:
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None


def _lock(path: "os.PathLike[str]") -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode=0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
