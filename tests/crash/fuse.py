"""A fuse: ends a process by SIGKILL when it passes a named point for the n-th time.

It blows once in a run, whatever number of processes pass the point: the first
to do so leaves a file behind. A process that is killed cannot tidy up; nothing
of the package knows of this.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self


class Victim(StrEnum):
    """Who dies."""

    SELF = "self"
    """The process that passes the point."""
    PARENT = "parent"
    """The process that started it: the node, where a worker passes the point."""


@dataclass(frozen=True)
class Fuse:
    """What blows, when, and where it leaves its mark."""

    point: str
    passes: int
    victim: Victim
    mark: Path

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Self:
        point, passes, victim, mark = arguments
        return cls(point, int(passes), Victim(victim), Path(mark))

    @property
    def arguments(self) -> tuple[str, str, str, str]:
        return self.point, str(self.passes), self.victim.value, str(self.mark)

    @property
    def has_blown(self) -> bool:
        return self.mark.exists()


class Burner:
    """Counts the passes of one process."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self._passed = 0
        self._lock = threading.Lock()

    def pass_by(self, point: str) -> None:
        """Say that `point` is being passed; does not return when the fuse blows."""
        if point != self._fuse.point:
            return
        with self._lock:
            self._passed += 1
            if self._passed < self._fuse.passes or not self._is_first():
                return
            if self._fuse.victim is Victim.PARENT:
                os.kill(os.getppid(), signal.SIGKILL)
                # The death of the parent is ours, too; nothing more may happen here until then.
                time.sleep(60)
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_first(self) -> bool:
        try:
            os.close(os.open(self._fuse.mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True
