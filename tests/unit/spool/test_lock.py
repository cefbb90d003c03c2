"""One node at a time: who holds the spool is told, and a dead one is in nobody's way."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deid_node.errors import SpoolInUse, SpoolUnavailable
from deid_node.spool.custody import LOCK_NAME, Custody
from deid_node.spool.lock import Holder, SpoolLock, holder_of
from deid_node.spool.options import SpoolOptions

_HOLD = """
import sys, time
from pathlib import Path
from deid_node.spool.lock import SpoolLock
SpoolLock(Path(sys.argv[1])).take()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / LOCK_NAME


def test_a_second_node_is_told_which_process_has_the_spool(tmp_path: Path) -> None:
    options = SpoolOptions(dir=tmp_path, reserve_bytes=0)
    first, second = (Custody(options, exclusive=True) for _ in range(2))
    first.open()

    with pytest.raises(SpoolInUse, match=rf"\(process {os.getpid()} on \S+\)") as refused:
        second.open()

    assert refused.value.code == "spool_in_use"
    first.close()
    second.open()
    second.close()


def test_a_process_that_was_killed_holds_nothing(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        holder = holder_of(path)
        assert holder is not None
        assert holder.process == other.pid
        assert holder.is_here
        other.kill()

    assert holder_of(path) is None
    lock = SpoolLock(path)
    lock.take()
    assert holder_of(path) == Holder(os.getpid(), holder.host)
    lock.let_go()


def test_a_look_does_not_keep_a_node_from_starting(path: Path) -> None:
    path.touch()
    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        lock = SpoolLock(path)
        lock_taken = False
        # The look ends while the node waits.
        original = fcntl.flock

        def flock(descriptor: int, kind: int) -> None:
            nonlocal lock_taken
            try:
                original(descriptor, kind)
                lock_taken = True
            except BlockingIOError:
                original(looking, fcntl.LOCK_UN)
                raise

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fcntl, "flock", flock)
            lock.take()

    assert lock_taken
    lock.let_go()


def test_a_holder_that_does_not_say_who_it_is_is_one_all_the_same(path: Path) -> None:
    path.touch()
    with path.open() as older:
        fcntl.flock(older, fcntl.LOCK_EX)

        with pytest.raises(SpoolInUse, match="does not say which"):
            holder_of(path)
        with pytest.raises(SpoolInUse, match=r"another node uses this spool: "):
            SpoolLock(path).take()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused_by_what_it_lacks(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def flock(_descriptor: int, _kind: int) -> None:
        raise OSError(code, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)

    with pytest.raises(SpoolUnavailable, match="local disk"):
        SpoolLock(path).take()


def test_nobody_holds_a_spool_that_is_not_there(path: Path) -> None:
    assert holder_of(path) is None
