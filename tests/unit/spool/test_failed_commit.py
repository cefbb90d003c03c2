"""What a commit that fails leaves behind, and how a sender's next try mends it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deid_node.errors import BlobDamaged, SpoolUnavailable
from deid_node.spool import journal
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Withheld
from tests.builders.custody import Spool
from tests.builders.values import an_arrival

BYTES = b"\x08\x00the bytes as sent"


class Faults:
    """Statements that fail as long as they stand here."""

    def __init__(self) -> None:
        self.statements: set[str] = set()
        self.after: set[str] = set()


class Connection:
    """A connection to the journal on a disk that fails where it is told to."""

    def __init__(self, real: sqlite3.Connection, faults: Faults) -> None:
        self._real = real
        self._faults = faults

    def execute(self, statement: str, *arguments: Any) -> Any:
        word = statement.split(maxsplit=1)[0]
        if word in self._faults.statements:
            raise sqlite3.OperationalError("disk I/O error")
        result = self._real.execute(statement, *arguments)
        if word in self._faults.after:
            raise sqlite3.OperationalError("disk I/O error")
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def custody(
    options: SpoolOptions, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Custody]:
    connect = journal.connect
    monkeypatch.setattr(journal, "connect", lambda path: Connection(connect(path), faults))
    custody = Custody(options, exclusive=True)
    custody.open()
    yield custody
    custody.close()


@pytest.mark.parametrize("statement", ["COMMIT", "INSERT", "BEGIN"])
def test_a_refused_instance_takes_no_room_on_the_disk(
    custody: Custody, faults: Faults, statement: str
) -> None:
    faults.statements.add(statement)

    for _ in range(3):
        with pytest.raises(SpoolUnavailable):
            Spool(custody).accept(an_arrival(), [BYTES])

    assert _files(custody.blobs.partial) == _files(custody.blobs.received) == []


def test_the_others_of_a_commit_keep_their_bytes_when_one_fails(
    custody: Custody, faults: Faults
) -> None:
    kept = Spool(custody).accept(an_arrival("1.2.1"), [BYTES])
    faults.statements.add("INSERT")
    with pytest.raises(SpoolUnavailable):
        Spool(custody).accept(an_arrival("1.2.2"), [BYTES])
    faults.statements.clear()

    order = Spool(custody).claim(kept.instance.id)

    assert isinstance(order, WorkOrder)
    assert order.blob.read_bytes() == BYTES


def test_an_instance_whose_commit_failed_after_all_was_written_can_be_sent_again(
    custody: Custody, faults: Faults
) -> None:
    """The journal may hold the row although the commit was told to have failed."""
    faults.after.add("COMMIT")
    with pytest.raises(SpoolUnavailable):
        Spool(custody).accept(an_arrival(), [BYTES])
    faults.after.clear()
    Retention(custody).reconcile()

    again = Spool(custody).accept(an_arrival(), [BYTES])

    order = Spool(custody).claim(again.instance.id)
    assert isinstance(order, WorkOrder)
    assert order.blob.read_bytes() == BYTES


def test_the_same_bytes_again_mend_a_damaged_blob(custody: Custody) -> None:
    spool = Spool(custody)
    first = spool.accept(an_arrival(), [BYTES])
    (custody.blobs.received / first.instance.blob.name).write_bytes(b"other bytes")
    damaged = spool.claim(first.instance.id)
    assert isinstance(damaged, WorkOrder)
    spool.record(damaged, Withheld.because(BlobDamaged("not intact")))
    assert spool.received() == {}

    again = spool.accept(an_arrival(), [BYTES])

    assert (again.repeated, again.conflict, again.instance.id) == (
        False,
        False,
        first.instance.id,
    )
    assert spool.received() == {"SCANNER": [first.instance.id]}
    order = spool.claim(first.instance.id)
    assert isinstance(order, WorkOrder)
    assert order.attempt == 1
    assert _files(custody.blobs.partial) == []


def test_a_row_whose_bytes_a_power_cut_took_is_mended_by_its_sender(custody: Custody) -> None:
    """Row, bytes and folder go to the disk side by side, so the row may be there alone."""
    spool = Spool(custody)
    first = spool.accept(an_arrival(), [BYTES])
    blob = custody.blobs.received / first.instance.blob.name
    blob.unlink()
    lost = spool.claim(first.instance.id)
    assert isinstance(lost, WorkOrder)
    spool.record(lost, Withheld.because(BlobDamaged("not intact")))

    again = spool.accept(an_arrival(), [BYTES])

    assert not again.conflict
    assert blob.read_bytes() == BYTES
    assert spool.received() == {"SCANNER": [first.instance.id]}


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())
