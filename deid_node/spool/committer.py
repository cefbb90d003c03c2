"""One writer for the journal; many callers share its commits.

A caller hands in a task and waits until the transaction that holds it is on
disk. While one commit runs, the tasks that arrive line up and go together into
the next one, so that several associations pay for a single fsync. What a caller
gets back is durable; nobody is answered early.
"""

import contextlib
import errno
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from deid_node.errors import JournalDamaged, SpoolFull, SpoolUnavailable
from deid_node.spool.blobs import sync_folder
from deid_node.spool.trouble import damage_of

T = TypeVar("T")

_BATCH_TASKS = 256


class Transaction:
    """What a task may touch: the connection, and files that become part of the commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._placed: list[tuple[Path, Path]] = []

    def place(self, partial: Path, final: Path) -> None:
        """Rename `partial` to `final`; its folder is fsynced before the commit."""
        partial.rename(final)
        self._placed.append((partial, final))

    @property
    def placed(self) -> int:
        """How many files have been renamed so far."""
        return len(self._placed)

    def take_back(self, placed: int = 0) -> None:
        """Undo the renames after the first `placed`: their rows were rolled back.

        Their owners remove the files. What cannot be undone counts for nothing
        without a row, and is removed at the next start.
        """
        for partial, final in reversed(self._placed[placed:]):
            with contextlib.suppress(OSError):
                final.rename(partial)
        del self._placed[placed:]

    def sync(self) -> None:
        """Put every rename of this transaction on disk."""
        for folder in {final.parent for _, final in self._placed}:
            sync_folder(folder)


@dataclass(frozen=True, slots=True)
class _Task(Generic[T]):
    work: Callable[[Transaction], T]
    done: "Future[T]"


class GroupCommitter:
    """The thread that owns the writing connection.

    Promise:

    * `run` returns only after the task's transaction was committed with
      ``synchronous=FULL`` and every folder it renamed into was fsynced;
    * tasks run one after the other, in the order in which they were handed in;
    * a task that raises is rolled back alone and its caller gets the error;
    * what is rolled back takes its renames with it;
    * when the commit itself fails, every caller of the batch gets `SpoolFull`
      or `SpoolUnavailable`, and the connection is opened anew.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._tasks: SimpleQueue[_Task[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="journal", daemon=True)
        self._closed = False
        # Without it a task could line up behind the end mark and wait forever.
        self._door = threading.Lock()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what is in hand, then end the thread; later calls of `run` raise."""
        with self._door:
            self._closed = True
            self._tasks.put(None)
        self._thread.join()

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction and return its result once that is on disk.

        Raises what `work` raises, `SpoolFull`, or `SpoolUnavailable`.
        """
        task = _Task(work, Future())
        with self._door:
            if self._closed:
                raise SpoolUnavailable("the journal is closed")
            self._tasks.put(task)
        return task.done.result()

    def _serve(self) -> None:
        connection: sqlite3.Connection | None = None
        going = True
        while going:
            batch, going = self._next_batch()
            try:
                connection = connection or self._connect()
                finished = self._commit(connection, batch)
            except (sqlite3.Error, OSError) as error:
                _closed(connection)
                connection = None
                for task in batch:
                    if not task.done.done():
                        task.done.set_exception(custody_error(error))
            else:
                for task, result in finished:
                    task.done.set_result(result)
        _closed(connection)

    def _next_batch(self) -> tuple[list[_Task[Any]], bool]:
        """Return what lines up, at least one task, and whether more may follow."""
        batch: list[_Task[Any]] = []
        while not batch or (len(batch) < _BATCH_TASKS and not self._tasks.empty()):
            task = self._tasks.get()
            if task is None:
                return batch, False
            batch.append(task)
        return batch, True

    def _commit(
        self, connection: sqlite3.Connection, batch: list[_Task[Any]]
    ) -> list[tuple[_Task[Any], Any]]:
        transaction = Transaction(connection)
        finished = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            for task in batch:
                connection.execute("SAVEPOINT task")
                placed = transaction.placed
                try:
                    finished.append((task, task.work(transaction)))
                # The caller gets the error; the other tasks of the batch go on.
                except Exception as error:  # noqa: BLE001
                    connection.execute("ROLLBACK TO task")
                    transaction.take_back(placed)
                    task.done.set_exception(
                        custody_error(error)
                        if isinstance(error, (OSError, sqlite3.Error))
                        else error
                    )
                connection.execute("RELEASE task")
            transaction.sync()
            connection.execute("COMMIT")
        except BaseException:
            # First: a connection that is broken may fail to roll back, too.
            transaction.take_back()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return finished


def _closed(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()


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
