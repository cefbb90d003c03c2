"""Who holds the spool: one node at a time, by a lock that ends with its process.

The file stays where it is for ever. What it says of the holder is a hint for people and
commands and counts only while the lock is held: after a crash or a kill nothing has to be
tidied up, and a start is never refused for what a dead process left behind.
"""

import errno
import fcntl
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from deid_node.errors import SpoolInUse, SpoolUnavailable

_PATIENCE_SECONDS: Final = 0.5
"""Longer than any command looks whether the lock is held (`holder_of`)."""
_LOOK_SECONDS: Final = 0.05
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
_MOST_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Holder:
    """The process of the node that holds a spool, on the host of that name."""

    process: int
    host: str

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, as far as names of machines tell."""
        return self.host == socket.gethostname()


class SpoolLock:
    """Held from `take` to `let_go`, or to the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Hold the spool; raise `SpoolInUse`, `SpoolUnavailable` without locks, or `OSError`."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, mode=0o600)
        try:
            self._wait(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def let_go(self) -> None:
        """Give it up, if it is held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _wait(self, descriptor: int) -> None:
        until = monotonic() + _PATIENCE_SECONDS
        while not _is_taken(descriptor, fcntl.LOCK_EX):
            if monotonic() >= until:
                holder = _said(descriptor)
                who = f" (process {holder.process} on {holder.host})" if holder else ""
                raise SpoolInUse(f"another node uses this spool{who}: {self._path.parent}")
            sleep(_LOOK_SECONDS)


def holder_of(path: Path) -> Holder | None:
    """Return who holds the spool whose lock is at `path`; None where nobody does.

    Raises `SpoolInUse` where somebody does and does not say who: an older version of the node.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        if _is_taken(descriptor, fcntl.LOCK_SH):
            return None
        holder = _said(descriptor)
    finally:
        os.close(descriptor)
    if holder is None:
        raise SpoolInUse("a node uses the spool that does not say which process it is")
    return holder


def _is_taken(descriptor: int, kind: int) -> bool:
    """Return whether the lock could be had; it ends with the descriptor."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise SpoolUnavailable(
                "the file system of the spool offers no locks, so that two nodes could use it:"
                " put the spool on a local disk"
            ) from None
        raise
    return True


def _said(descriptor: int) -> Holder | None:
    with suppress(ValueError, UnicodeDecodeError):
        process, host = os.pread(descriptor, _MOST_BYTES, 0).decode().split()
        return Holder(int(process), host)
    return None
