"""The named points of an instance's journey, and how each is found in the running code.

Functions of the package are wrapped in the launched process; the package itself
knows nothing of it. A point that the code no longer passes is not found by
chance: its test waits for a death that does not come, and fails.
"""

import os
import signal
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from deid_node.values.order import WorkOrder
from deid_node.values.retry import RetryPolicy
from tests.crash.fuse import Burner

NODE_POINTS = (
    # The door: temp file, fsync, rename, fsync of the folder, commit, queue, answer.
    "accept-written",
    "accept-synced",
    "accept-renamed",
    "accept-before-commit",
    "accept-committed",
    "accept-offered",
    "accept-answered",
    # A worker is given the instance.
    "claim-before-commit",
    "claim-committed",
    "claim-handed-over",
    # What the worker made is taken into custody.
    "store-renamed",
    "store-before-commit",
    "store-committed",
    # The archive.
    "send-begun",
    "sent",
    "settle-before-commit",
    "settle-committed",
    # The bytes are removed.
    "retire-before-commit",
    "retire-committed",
    "retire-half-removed",
)
"""Passed by the node's own process."""

SERIES_POINTS = (
    # Where a treatment waits for series: an instance is held, and they go on.
    "hold-before-commit",
    "hold-committed",
    "close-before-commit",
    "close-committed",
)

WORKER_POINTS = ("work-before-output", "work-written", "work-after-output")
"""Passed by a worker process; the worker dies, or the node with it."""

_COMMITS = {
    "accept": "accept",
    "claim": "claim",
    "record": "store",
    "hold": "hold",
    "close": "close",
    "settle": "settle",
    "retire": "retire",
}
"""By the name of the task."""
_SWEEP_SECONDS = 0.2
SOON = RetryPolicy(0.2, 2, 1)
_P_DATA = 0x04
_POST = "POST"
_LEAK_PIECE_BYTES = 20_000_000
MEMORY_LIMIT_BYTES = 2_000_000_000
"""Of a worker: far above what its models need."""


class Poison(StrEnum):
    """What an instance may do to its worker; the value is the AE title that sends such ones."""

    SEGFAULT = "SEGFAULT"
    HANG = "HANG"
    LEAK = "LEAK"

    def work(self) -> None:
        """Do it to this process; does not return."""
        hoard: list[bytes] = []
        while self is Poison.LEAK and len(hoard) * _LEAK_PIECE_BYTES < MEMORY_LIMIT_BYTES:
            hoard.append(b"x" * _LEAK_PIECE_BYTES)
        # A worker that leaks is let live here, so that it is the node that ends it.
        while self is not Poison.SEGFAULT:
            time.sleep(60)
        os.kill(os.getpid(), signal.SIGSEGV)


def arm_node(burner: Burner) -> None:
    """Wrap what passes the points of the node, in this process."""
    # Heavy to import, and a worker passes none of them.
    from pynetdicom.transport import AssociationSocket

    from deid_node.forward.dimse.association import Association
    from deid_node.forward.stow.link import WebLink
    from deid_node.receive.stow.link import Link
    from deid_node.spool.committer import Transaction
    from deid_node.work.queue import WorkQueue
    from deid_node.work.workers.process import WorkerProcess

    burn = burner.pass_by
    _wrap(os, "fsync", lambda fsync: _fsync(fsync, burn))
    _wrap(Transaction, "place", lambda place: _place(place, burn))
    _wrap_commits(burn)
    _wrap(WorkQueue, "offer", lambda offer: _then(offer, lambda: burn("accept-offered")))
    _wrap(AssociationSocket, "send", lambda send: _send(send, burn))
    _wrap(Link, "send", lambda send: _answer(send, burn))
    _wrap(WorkerProcess, "clean", lambda clean: _first(clean, lambda: burn("claim-handed-over")))
    _wrap(Association, "store", lambda store: _first(store, lambda: burn("send-begun")))
    _wrap(Association, "store", lambda store: _then(store, lambda: burn("sent")))
    _wrap(WebLink, "ask", lambda ask: _of(_POST, ask, _first(ask, lambda: burn("send-begun"))))
    _wrap(WebLink, "ask", lambda ask: _of(_POST, ask, _then(ask, lambda: burn("sent"))))
    _wrap(Path, "unlink", lambda unlink: _unlink(unlink, burn))


def arm_worker(burner: Burner) -> None:
    """Wrap what passes the points of a worker, in this process."""
    from deid_node.dicom import part10

    burn = burner.pass_by
    _wrap(os, "fsync", lambda fsync: _fsync(fsync, burn))
    _wrap(part10, "write", lambda write: _first(write, lambda: burn("work-before-output")))
    _wrap(part10, "write", lambda write: _then(write, lambda: burn("work-after-output")))


def hurry_the_janitor() -> None:
    """Let the janitor sweep all the time, so that bytes are removed while a test looks."""
    from deid_node.work.janitor import Janitor

    def start(original: Any) -> Any:
        def wrapped(janitor: Any) -> None:
            janitor._period_seconds = _SWEEP_SECONDS
            original(janitor)

        return wrapped

    _wrap(Janitor, "start", start)


def hurry_other_starts() -> None:
    """Let an instance be started again soon: the trouble that it is in here does not pass."""
    from deid_node.work.engine import Engine

    defaults = Engine.__init__.__kwdefaults__
    assert defaults is not None
    assert "another_start" in defaults
    defaults["another_start"] = SOON


def poison() -> None:
    """Let a worker come to grief that is handed an instance of a sender named like a `Poison`."""

    def clean(original: Any) -> Any:
        def wrapped(corridor: Any, order: WorkOrder) -> Any:
            if order.origin.sender in tuple(Poison):
                Poison(order.origin.sender).work()
            return original(corridor, order)

        return wrapped

    # Heavy to import, and only a worker does it.
    from deid_node.pipeline import Corridor

    _wrap(Corridor, "clean", clean)


def _wrap(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    setattr(owner, name, make(getattr(owner, name)))


def _first(original: Any, then: Callable[[], None]) -> Any:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        then()
        return original(*arguments, **named)

    return wrapped


def _of(method: str, original: Any, wrapped: Any) -> Any:
    """Return what passes a point with requests of `method` only."""

    def chosen(link: Any, request: Any) -> Any:
        return (wrapped if request.method == method else original)(link, request)

    return chosen


def _then(original: Any, then: Callable[[], None]) -> Any:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        then()
        return result

    return wrapped


def _fsync(original: Any, burn: Callable[[str], None]) -> Any:
    def wrapped(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        point = {".dcm": "accept-written", ".clean": "work-written"}.get(path.suffix)
        # Its fsync and its rename go side by side: it may have either name.
        comes = path.parent.name in {"partial", "received"}
        if comes and point:
            burn(point)
        original(descriptor)
        if comes and point == "accept-written":
            burn("accept-synced")

    return wrapped


def _place(original: Any, burn: Callable[[str], None]) -> Any:
    def wrapped(transaction: Any, partial: Path, final: Path, **named: Any) -> None:
        original(transaction, partial, final, **named)
        burn("accept-renamed" if final.parent.name == "received" else "store-renamed")

    return wrapped


def _wrap_commits(burn: Callable[[str], None]) -> None:
    from deid_node.spool.committer import GroupCommitter, Transaction

    # Who leads commits, one batch after the other.
    running: list[str] = []

    def commit(original: Any) -> Any:
        def wrapped(committer: Any, connection: Any, batch: Any) -> Any:
            running[:] = _kinds(batch)
            finished = original(committer, connection, batch)
            for kind in running:
                burn(f"{kind}-committed")
            return finished

        return wrapped

    def sync(original: Any) -> Any:
        def wrapped(transaction: Any) -> None:
            original(transaction)
            for kind in running:
                burn(f"{kind}-before-commit")

        return wrapped

    _wrap(GroupCommitter, "_commit", commit)
    _wrap(Transaction, "sync", sync)


def _kinds(batch: Any) -> list[str]:
    return [_COMMITS[task.name] for task in batch if task.name in _COMMITS]


def _send(original: Any, burn: Callable[[str], None]) -> Any:
    def wrapped(link: Any, content: bytes) -> None:
        original(link, content)
        if content[0] == _P_DATA:
            burn("accept-answered")

    return wrapped


def _answer(original: Any, burn: Callable[[str], None]) -> Any:
    def wrapped(link: Any, content: bytes) -> None:
        original(link, content)
        if content.startswith(b"HTTP/1.1 200"):
            burn("accept-answered")

    return wrapped


def _unlink(original: Any, burn: Callable[[str], None]) -> Any:
    def wrapped(path: Path, *, missing_ok: bool = False) -> None:
        original(path, missing_ok=missing_ok)
        if path.parent.name == "received":
            burn("retire-half-removed")

    return wrapped
