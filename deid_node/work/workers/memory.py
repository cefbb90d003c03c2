"""How much memory a worker holds, and how much there is.

What counts is what the kernel cannot take back: the pages that no file stands
behind, and those of them that were swapped out. Address space does not count:
the libraries that run models reserve many times what they use. Nor do pages of
files (a mapped blob, weights): they are dropped when memory is short.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import Final

_STATUS_BYTES: Final = 16_384
_COUNTED: Final = frozenset({"RssAnon", "VmSwap"})
_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
_OWN_GROUPS: Final = Path("/proc/self/cgroup")
# Half of all there is, on the kernel's scale: enough to be chosen before the node is.
_FIRST_TO_BE_KILLED: Final = "500"


class HeldMemory:
    """The kernel's account of one worker; used by one thread.

    It is read through a file that the worker itself has opened: of a process that
    may not be dumped, a system that hides processes shows nothing to any other.
    """

    def __init__(self, line: Connection) -> None:
        """Take the file that the worker `hands_over`; raise `EOFError` when it has died."""
        self._descriptor = recv_handle(line)

    def bytes(self) -> int:
        """Return how much it holds; 0 when it has ended, or where the kernel does not tell."""
        try:
            status = os.pread(self._descriptor, _STATUS_BYTES, 0).decode("ascii", "replace")
        except OSError:
            return 0
        fields = (line.partition(":") for line in status.splitlines())
        return sum(int(value.split()[0]) * 1024 for name, _, value in fields if name in _COUNTED)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def hand_over(line: Connection) -> None:
    """Send the node the file that `HeldMemory` reads; called by the worker, before all else."""
    # Where the kernel keeps no such account, the file is an empty one.
    path = "/proc/self/status" if sys.platform == "linux" else os.devnull
    descriptor = os.open(path, os.O_RDONLY)
    try:
        send_handle(line, descriptor, os.getppid())
    finally:
        os.close(descriptor)


def be_killed_first() -> None:
    """Have the kernel end this worker, and not the node, when memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_BE_KILLED, encoding="ascii")


def machine_bytes() -> int:
    """Return how much memory this machine has, or the container or service that we are in."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _limit_files():
        # "max" where there is no limit; a group that cannot be seen from inside has no file.
        with suppress(OSError, ValueError):
            limits.append(int(file.read_text(encoding="ascii")))
    return min(limits)


def _limit_files() -> Iterator[Path]:
    """Yield where the limits of our control groups stand, those around them too."""
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        # The second version of control groups names no controllers, the first one each.
        if controllers in {"", "memory"}:
            folder = _CONTROL_GROUPS / controllers
            name = "memory.limit_in_bytes" if controllers else "memory.max"
            yield folder / name
            for part in Path(group.strip("/")).parts:
                folder /= part
                yield folder / name
