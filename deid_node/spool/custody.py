"""What all doors of the spool stand on: the folders, the writer, the readers."""

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from deid_node.errors import (
    ConfigurationError,
    CustodyError,
    JournalMissing,
    SpoolFull,
    SpoolUnavailable,
)
from deid_node.spool import journal
from deid_node.spool.blobs import Blobs
from deid_node.spool.committer import GroupCommitter, Transaction
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.spool.lock import SpoolLock
from deid_node.spool.options import SpoolOptions
from deid_node.spool.syncing import Syncing
from deid_node.spool.trouble import Trouble, custody_error, require_intact

T = TypeVar("T")

LOCK_NAME: Final = "lock"

# As much as a small instance: a disk that takes this takes something.
_PROBE_BYTES = 65_536


class Custody:
    """The open spool: blobs on disk and the journal beside them.

    `open` raises `SpoolUnavailable` when the folders or the journal cannot be
    had. With ``exclusive=True`` (the node) it raises `SpoolInUse` when another node
    holds the spool; the command line opens it beside a running node.

    Where there are blobs and no journal, `open` raises `JournalMissing`, unless a person
    has said by `new_journal` that there is none to be put back.

    `files` makes and opens the blobs. Who only reads the journal needs no key; to hold
    the spool, one is needed for all that is encrypted there: `ConfigurationError`.

    `mark` makes of an Accession Number what the journal keeps of it: by it a study is found
    again by those who have the number and the key, and nobody reads it in the journal.
    """

    def __init__(
        self,
        options: SpoolOptions,
        *,
        exclusive: bool,
        files: BlobFiles = PLAIN,
        new_journal: bool = False,
        mark: Callable[[str], str] = lambda _: "",
    ) -> None:
        if exclusive and options.encryption != "none" and not files.encrypts:
            raise ValueError("the spool is to be encrypted, and its files would not be")
        self.blobs = Blobs(options.dir, files)
        self.reserve_bytes = options.reserve_bytes
        self.keep_delivered_seconds = options.keep_delivered_seconds
        self.mark = mark
        self._exclusive = exclusive
        self._lock = SpoolLock(options.dir / LOCK_NAME)
        self._path = options.dir / "journal.sqlite"
        self._new_journal = new_journal
        self._committer = GroupCommitter(lambda: journal.connect(self._path))
        self.syncing = Syncing()
        self._trouble = Trouble(self._attempt)
        self._reader: sqlite3.Connection | None = None
        self._reading = threading.Lock()

    def open(self) -> None:
        """Create what is missing and take the spool."""
        try:
            self.blobs.create_folders()
            if self._exclusive:
                self._lock.take()
                self.blobs.files.require_key_of((self.blobs.received, self.blobs.clean))
            if not self._new_journal:
                self._require_journal()
            # SQLite gives its side files the mode of the journal; it names original UIDs.
            self._path.touch(mode=0o600)
            self._reader = journal.connect(self._path)
            if self._exclusive:
                require_intact(self._reader)
        except (OSError, sqlite3.Error) as error:
            self._lock.let_go()
            raise custody_error(error) from None
        except (ConfigurationError, CustodyError):
            self._lock.let_go()
            raise

    def close(self) -> None:
        """Commit what is in hand, then close."""
        self._committer.stop()
        self.syncing.stop()
        with self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        self._lock.let_go()

    def write(self, work: Callable[[Transaction], T], *, name: str = "") -> T:
        """Run `work` in a transaction; return once it is on disk. `name` says what it is."""
        with self._trouble.watched():
            return self._committer.run(work, name=name)

    def read(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[sqlite3.Row]:
        """Return the rows of `query`; raise `SpoolUnavailable` when the journal fails."""
        with self._reading:
            if self._reader is None:
                raise SpoolUnavailable("the journal is closed")
            with self._trouble.watched():
                try:
                    return self._reader.execute(query, parameters).fetchall()
                except sqlite3.Error as error:
                    raise custody_error(error) from None

    def require_room(self) -> None:
        """Raise `SpoolFull` at the reserve, or what keeps the disk from taking anything."""
        try:
            free = self.blobs.free_bytes()
        except OSError as error:
            raise custody_error(error) from None
        if free < self.reserve_bytes:
            raise SpoolFull("the spool's disk is at its reserve")
        self._trouble.require_none()

    def watched(self) -> AbstractContextManager[None]:
        """Return a context that remembers an error of the disk: what is in it writes a blob."""
        return self._trouble.watched()

    def failures(self) -> Mapping[str, int]:
        """Return how many writes and reads have failed, by the error's code."""
        return self._trouble.failures

    def _attempt(self) -> None:
        """Write a file and commit; raise `CustodyError` where either does not reach the disk."""
        probe = self.blobs.partial / f"{secrets.token_hex(8)}.probe"
        try:
            descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(bytes(_PROBE_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            raise custody_error(error) from None
        self._committer.run(journal.touch)

    def _require_journal(self) -> None:
        # An empty file is what is left where something opened a journal that was not there.
        if self._path.exists() and self._path.stat().st_size:
            return
        count = sum(
            1 for folder in (self.blobs.received, self.blobs.clean) for _ in folder.iterdir()
        )
        if count:
            raise JournalMissing(
                f"the spool holds {count} files of instances and no journal: put back a copy of"
                " journal.sqlite, or let serve --new-journal make one and hold all of them for"
                " a person"
            )
