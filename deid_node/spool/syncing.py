"""Waits for the disk side by side: the bytes of an instance, its folder, its row.

Each of the three fsyncs waits for the same disk, and one after the other they are most of
what a sender that is alone waits for. Their order proves nothing to the sender: what is
answered is answered after all three. So the first two have threads here while the third,
the commit, runs where it is asked for. What this costs is said in
docs/decisions/receive-speed.md.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deid_node.spool.blobs import sync_folder
from deid_node.values.identity import InstanceId

_IDLE_SECONDS: Final = 2.0


class Sync:
    """One thing on its way to the disk."""

    def __init__(self, put: Callable[[], object]) -> None:
        self._put = put
        self._fault: Exception | None = None
        # A bare lock: this is made and waited for twice for each instance that comes.
        self._running = threading.Lock()
        self._running.acquire()

    def run(self) -> None:
        """Put it there; called once."""
        try:
            self._put()
        # Whoever waits gets it.
        except Exception as error:  # noqa: BLE001
            self._fault = error
        finally:
            self._running.release()

    def fault(self) -> Exception | None:
        """Return, once it is over, why it is not on disk; None where it is."""
        with self._running:
            return self._fault


class Syncing:
    """Threads that wait for the disk, and the instances that are not on it yet.

    Any thread may call. There is no thread before the first is needed, and one that has had
    nothing to do for a while ends.
    """

    def __init__(self) -> None:
        self._idle: deque[_DiskThread] = deque()
        self._folders: dict[Path, Sync] = {}
        self._unsettled: dict[InstanceId, threading.Event] = {}
        self._lock = threading.Lock()

    def start(self, put: Callable[[], object]) -> Sync:
        """Let `put` put something on disk beside the caller."""
        sync = Sync(put)
        try:
            thread = self._idle.pop()
        except IndexError:
            thread = _DiskThread(self._idle)
        thread.take(sync)
        return sync

    def folder(self, folder: Path) -> Sync:
        """Put on disk the entries that `folder` has now, beside the caller.

        Callers share an fsync that has not begun.
        """
        with self._lock:
            waiting = self._folders.get(folder)
            if waiting is None:
                waiting = self._folders[folder] = self.start(lambda: self._sync(folder))
            return waiting

    @contextmanager
    def unsettled(self, instance: InstanceId) -> Iterator[None]:
        """Have others wait in `settle` for as long as the ``with`` block lasts."""
        event = threading.Event()
        with self._lock:
            self._unsettled[instance] = event
        try:
            yield
        finally:
            with self._lock:
                del self._unsettled[instance]
            event.set()

    def settle(self, instance: InstanceId) -> None:
        """Return once `instance`, which the journal names, is on disk or has been taken back.

        Whoever says of an instance of another thread that it is held asks here first.
        """
        with self._lock:
            event = self._unsettled.get(instance)
        if event is not None:
            event.wait()

    def stop(self) -> None:
        """End the threads that have nothing to do."""
        while self._idle:
            self._idle.pop().end()

    def _sync(self, folder: Path) -> None:
        with self._lock:
            # Who asks from here on may have renamed too late for this fsync.
            self._folders.pop(folder, None)
        sync_folder(folder)


class _DiskThread:
    """A thread that does one thing after the other, says when it is idle, and ends after a while.

    Who takes it out of `idle` has it: a caller with something for it, or itself at its end.
    """

    def __init__(self, idle: "deque[_DiskThread]") -> None:
        self._idle = idle
        self._sync: Sync | None = None
        self._wakes = threading.Lock()
        self._wakes.acquire()
        threading.Thread(target=self._run, name="fsync", daemon=True).start()

    def take(self, sync: Sync) -> None:
        self._sync = sync
        self._wakes.release()

    def end(self) -> None:
        self._sync = None
        self._wakes.release()

    def _run(self) -> None:
        while True:
            if not self._wakes.acquire(timeout=_IDLE_SECONDS):
                try:
                    self._idle.remove(self)
                except ValueError:
                    # A caller has it already, and is about to say what is to be done.
                    self._wakes.acquire()
                else:
                    return
            sync, self._sync = self._sync, None
            if sync is None:
                return
            sync.run()
            self._idle.append(self)
