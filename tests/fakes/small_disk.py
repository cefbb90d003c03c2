"""A small disk of a test's own, in memory; mounting it needs the right to."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_BALLAST = "ballast"


@dataclass(frozen=True)
class SmallDisk:
    """A mounted tmpfs."""

    root: Path

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Leave so much room, to a page."""
        free = os.statvfs(self.root)
        size = max(0, free.f_bavail * free.f_bsize - leave_bytes)
        with (self.root / _BALLAST).open("wb") as ballast:
            ballast.write(bytes(size))

    def make_room(self) -> None:
        """Take away what `fill` has put there."""
        (self.root / _BALLAST).unlink()

    def remount(self, mode: str) -> None:
        """Make it read-only (``ro``) or writable again (``rw``)."""
        _run("mount", "-o", f"remount,{mode}", str(self.root))


@contextmanager
def small_disk(folder: Path, *, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount a disk at `folder` for the length of a ``with`` block; skips where it may not be."""
    folder.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small disk needs root")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a test that failed may have left a file open.
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
