"""One writer for the journal at a time; many callers share its commits.

A caller hands in a task and waits until the transaction that holds it is on
disk. While one commit runs, the tasks that arrive line up and go together into
the next one, so that several associations pay for a single fsync. No thread does
that for all: who comes first commits for everybody who waits, so that a caller who
is alone waits for the disk and for nobody's turn. What a caller gets back is
durable; nobody is answered early.
"""

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

from deid_node.errors import SpoolUnavailable
from deid_node.spool.blobs import sync_folder
from deid_node.spool.trouble import custody_error

T = TypeVar("T")

_BATCH_TASKS = 256


class Transaction:
    """What a task may touch: the connection, and files that become part of the commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._placed: list[tuple[Path, Path]] = []
        self._unsynced: set[Path] = set()

    def place(self, partial: Path, final: Path, *, synced: bool = True) -> None:
        """Rename `partial` to `final`; its folder is fsynced before the commit.

        Not so where it is not to be `synced`: then the caller sees to it beside the commit,
        and says nothing of what it placed before both are done.
        """
        partial.rename(final)
        self._placed.append((partial, final))
        if synced:
            self._unsynced.add(final.parent)

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
        """Put the renames of this transaction on disk, but for those that a caller sees to."""
        for folder in self._unsynced:
            sync_folder(folder)


class _Task(Generic[T]):
    """A caller's work, and what came of it."""

    __slots__ = ("error", "is_done", "name", "result", "woken", "work")

    def __init__(self, work: Callable[[Transaction], T], name: str) -> None:
        self.work = work
        self.name = name
        self.result: T | None = None
        self.error: BaseException | None = None
        self.is_done = False
        self.woken = threading.Event()
        """Set once it is done, or its caller has to commit."""

    def fail(self, error: BaseException) -> None:
        self.error, self.is_done = error, True
        self.woken.set()

    def settle(self, result: T) -> None:
        self.result, self.is_done = result, True
        self.woken.set()


class GroupCommitter:
    """Owns the writing connection; any thread may call.

    Promise:

    * `run` returns only after the task's transaction was committed with
      ``synchronous=FULL`` and every folder was fsynced that it renamed into (but for what
      `Transaction.place` leaves to it);
    * tasks run one after the other, in the order in which they were handed in;
    * a task that raises is rolled back alone and its caller gets the error;
    * what is rolled back takes its renames with it;
    * when the commit itself fails, every caller of the batch gets `SpoolFull`
      or `SpoolUnavailable`, and the connection is opened anew.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[_Task[Any]] = deque()
        self._closed = False
        self._is_led = False
        # Held for a moment: no task lines up behind the end, and one caller leads.
        self._door = threading.Lock()
        # Held for a commit, and by whoever uses the connection.
        self._committing = threading.Lock()

    def stop(self) -> None:
        """Commit what is in hand and close; later calls of `run` raise."""
        with self._door:
            self._closed = True
        with self._committing:
            while self._waiting:
                self._commit_waiting()
            self._disconnect()

    def run(self, work: Callable[[Transaction], T], *, name: str = "") -> T:
        """Run `work` in a transaction and return its result once that is on disk.

        `name` says what it is, to whoever watches commits.
        Raises what `work` raises, `SpoolFull`, or `SpoolUnavailable`.
        """
        task = _Task(work, name)
        with self._door:
            if self._closed:
                raise SpoolUnavailable("the journal is closed")
            self._waiting.append(task)
            leads, self._is_led = not self._is_led, True
        # Who was committed for goes on at once, and never waits for the commit after it.
        if not leads:
            task.woken.wait()
        if not task.is_done:
            self._lead(task)
        if task.error is not None:
            raise task.error
        return task.result  # type: ignore[return-value]

    def _lead(self, task: _Task[Any]) -> None:
        """Commit for all who wait, the caller of `task` first, and hand over to who came since."""
        try:
            with self._committing:
                # The end may have committed for us.
                if not task.is_done:
                    self._commit_waiting()
        finally:
            with self._door:
                self._is_led = bool(self._waiting)
                following = self._waiting[0] if self._waiting else None
            if following is not None:
                following.woken.set()

    def _commit_waiting(self) -> None:
        """Commit for the first who wait; each of them is done afterwards, well or ill."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH_TASKS))]
        try:
            self._connection = self._connection or self._connect()
            finished = self._commit(self._connection, batch)
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            _fail(batch, error)
        # Whatever it is, nobody may wait for ever, and only one of them can be its thread.
        except BaseException:
            self._disconnect()
            _fail(batch, OSError("the journal's writer was interrupted"))
            raise
        else:
            for task, result in finished:
                task.settle(result)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

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
                    task.fail(
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


def _fail(batch: Iterable[_Task[Any]], error: OSError | sqlite3.Error) -> None:
    """Fail what is not done; each gets an error of its own, for it is raised in its thread."""
    for task in batch:
        if not task.is_done:
            task.fail(custody_error(error))
