"""What lies on disk while an instance comes, and what is left when it does not come to its end."""

import errno
import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from deid_node.errors import DatasetUnreadable, SpoolFull, SpoolUnavailable
from deid_node.spool import incoming as module
from deid_node.spool.custody import Custody
from deid_node.spool.incoming import Incoming
from tests.builders.custody import Spool
from tests.builders.values import an_arrival
from tests.fakes.waiting import eventually


@pytest.fixture
def incoming(tmp_path: Path) -> Incoming:
    return Incoming(tmp_path, lambda: None)


def test_the_file_is_what_was_written_and_its_reference_says_so(incoming: Incoming) -> None:
    incoming.begin(b"header")
    for piece in (b"one", memoryview(b"two"), b""):
        incoming.write(piece)

    blob = incoming.reference()
    incoming.finish()

    content = incoming.path.read_bytes()
    assert content == b"headeronetwo"
    assert (blob.name, blob.size_bytes) == (incoming.path.name, len(content))
    assert blob.sha256 == hashlib.sha256(content).hexdigest()
    assert incoming.head == b"onetwo"
    assert incoming.path.stat().st_mode & 0o777 == 0o600


def test_only_the_beginning_is_kept_in_memory(incoming: Incoming) -> None:
    piece = bytes(100_000)

    for _ in range(10):
        incoming.write(piece)

    assert len(incoming.head) == 1 << 18
    assert incoming.reference().size_bytes == 1_000_000
    incoming.finish()


def test_a_reserve_that_is_reached_on_the_way_is_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_EACH_BYTES", 10)
    room = True

    def require_room() -> None:
        if not room:
            raise SpoolFull("the spool's disk is at its reserve")

    incoming = Incoming(tmp_path, require_room)
    incoming.write(b"0123456789")
    room = False
    incoming.write(b"more")
    incoming.write(b"and more")

    with pytest.raises(SpoolFull):
        incoming.finish()
    assert list(tmp_path.iterdir()) == []
    # Who the instance is can still be told.
    assert incoming.head == b"0123456789moreand more"


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, SpoolFull), (errno.EIO, SpoolUnavailable)]
)
@pytest.mark.parametrize("what", ["its bytes", "its folder"])
def test_an_fsync_that_fails_leaves_nothing(
    custody: Custody,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    number: int,
    expected: type[Exception],
) -> None:
    """Also where the journal has named it by then: it is written beside them."""
    spool, real = Spool(custody), os.fsync
    # By the descriptor: the name of a file changes while it is put on disk.
    is_meant = {"its bytes": stat.S_ISREG, "its folder": stat.S_ISDIR}[what]

    def fsync(descriptor: int) -> None:
        if is_meant(os.fstat(descriptor).st_mode):
            raise OSError(number, "no")
        real(descriptor)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fsync)
        for _ in range(2):
            with pytest.raises(expected):
                spool.accept(an_arrival(), [b"bytes"])

    blobs = custody.blobs
    assert list(blobs.partial.iterdir()) == list(blobs.received.iterdir()) == []
    assert custody.read("SELECT * FROM instances") == []
    again = spool.accept(an_arrival(), [b"bytes"])
    assert not again.repeated
    assert not again.conflict


def test_nobody_hears_of_bytes_that_another_has_not_put_on_disk_yet(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same instance comes twice at once: the journal names it, its fsync still waits."""
    spool, real = Spool(custody), os.fsync
    waits, may_end, broken = Event(), Event(), Event()

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_file() and not waits.is_set():
            waits.set()
            may_end.wait()
            broken.set()
            raise OSError(errno.EIO, "no")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with ThreadPoolExecutor(2) as senders:
        first = senders.submit(spool.accept, an_arrival(), [b"bytes"])
        waits.wait()
        eventually(lambda: custody.read("SELECT * FROM instances"), what="the row")
        second = senders.submit(lambda: (spool.accept(an_arrival(), [b"bytes"]), broken.is_set()))
        eventually(lambda: list(custody.blobs.partial.iterdir()), what="the second file")
        assert not second.done()
        may_end.set()
        with pytest.raises(SpoolUnavailable):
            first.result()
        kept, was_broken = second.result()

    assert was_broken
    assert not kept.repeated
    (row,) = custody.read("SELECT * FROM instances")
    assert row["id"] == kept.instance.id
    assert (custody.blobs.received / kept.instance.blob.name).read_bytes() == b"bytes"


def test_a_folder_that_takes_no_file_is_told_at_the_end(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path / "missing", lambda: None)
    incoming.write(b"bytes")

    with pytest.raises(SpoolUnavailable):
        incoming.finish()


def test_the_first_fault_is_the_one_that_is_told(incoming: Incoming) -> None:
    incoming.fail(DatasetUnreadable("first"))
    incoming.fail(SpoolFull("second"))

    with pytest.raises(DatasetUnreadable):
        incoming.finish()


def test_what_is_written_after_it_was_let_go_makes_no_file(incoming: Incoming) -> None:
    """The association has ended, and its other thread has not heard of it."""
    incoming.write(b"bytes")
    incoming.discard()

    incoming.write(b"late")

    assert incoming.is_over
    assert not incoming.path.exists()


def test_an_instance_that_came_bit_by_bit_is_taken_into_custody(custody: Custody) -> None:
    spool = Spool(custody)
    incoming = spool.begin()
    incoming.begin(b"header")
    incoming.write(b"bytes")

    acceptance = spool.accept(an_arrival(), incoming)

    assert acceptance.instance.id == incoming.instance
    blob = custody.blobs.received / acceptance.instance.blob.name
    assert blob.read_bytes() == b"headerbytes"
    assert incoming.is_over
    assert list(custody.blobs.partial.iterdir()) == []
