"""A fuse: ends a process by SIGKILL when it passes a named point for the n-th time.

It blows once, whatever number of processes pass the point: the first to do so
leaves a file behind. Where it lies in a file, another may be put there while the
processes run. A process that is killed cannot tidy up; nothing of the package
knows of this.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
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

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the fuse that lies in a file."""
        return cls.from_arguments(json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Put the fuse into a file, at once for all who read it."""
        written = path.with_suffix(".new")
        written.write_text(json.dumps(self.arguments))
        written.replace(path)

    @property
    def arguments(self) -> tuple[str, str, str, str]:
        return self.point, str(self.passes), self.victim.value, str(self.mark)

    @property
    def has_blown(self) -> bool:
        return self.mark.exists()


class Burner:
    """Counts the passes of one process since the fuse was put there."""

    def __init__(self, fuse: Callable[[], Fuse]) -> None:
        self._fuse = fuse
        self._counted: Fuse | None = None
        self._passed = 0
        self._lock = threading.Lock()

    def pass_by(self, point: str) -> None:
        """Say that `point` is being passed; does not return when the fuse blows."""
        fuse = self._fuse()
        if point != fuse.point:
            return
        with self._lock:
            if fuse != self._counted:
                self._counted, self._passed = fuse, 0
            self._passed += 1
            if self._passed < fuse.passes or not _is_first(fuse.mark):
                return
            if fuse.victim is Victim.PARENT:
                os.kill(os.getppid(), signal.SIGKILL)
                # The death of the parent is ours, too; nothing more may happen here until then.
                time.sleep(60)
            os.kill(os.getpid(), signal.SIGKILL)


def _is_first(mark: Path) -> bool:
    try:
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
