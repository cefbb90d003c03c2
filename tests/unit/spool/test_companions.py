"""The companion of a clean instance: in custody with it, and removed with it."""

import sqlite3
from pathlib import Path

import pytest

from deid_node.errors import BlobDamaged, SpoolUnavailable
from deid_node.spool import journal
from deid_node.spool.blobs import blob_name, companion_name
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.foundlings import Found, Foundlings
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.rows import companion_from
from deid_node.values.delivery import DeliveryResult, Receipt
from tests.builders.custody import sealed


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_journal_gives_back_what_was_sealed(custody: Custody, tmp_path: Path) -> None:
    parcel = sealed(custody, tmp_path, number=1, with_companion=True)
    deliveries = Deliveries(custody)

    (delivery,) = deliveries.due("archive", limit=5)

    assert delivery.instance == parcel.instance
    path = deliveries.companion_path(delivery.instance)
    assert path is not None
    assert parcel.companion is not None
    assert path.read_bytes() == parcel.companion.read_bytes()


def test_an_instance_without_one_has_no_path_of_one(custody: Custody, tmp_path: Path) -> None:
    parcel = sealed(custody, tmp_path, number=1)

    assert Deliveries(custody).companion_path(parcel.instance) is None


def test_where_the_companion_is_not_there_neither_is_placed(
    custody: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "deid_node.values.order.WorkOrder.companion_output", property(lambda _order: tmp_path / "x")
    )
    original = Path.write_bytes

    def lost(path: Path, content: bytes) -> int:
        return 0 if path == tmp_path / "x" else original(path, content)

    monkeypatch.setattr(Path, "write_bytes", lost)

    with pytest.raises(SpoolUnavailable):
        sealed(custody, tmp_path, number=1, with_companion=True)

    assert files(custody.blobs.clean) == []
    (row,) = custody.read("SELECT state, companion FROM instances")
    assert tuple(row) == ("received", None)


def test_a_start_sets_aside_a_companion_that_its_row_does_not_name(
    options: SpoolOptions, tmp_path: Path
) -> None:
    before = Custody(options, exclusive=True)
    before.open()
    with_one = sealed(before, tmp_path, number=1, with_companion=True).instance.id
    without = sealed(before, tmp_path, number=2).instance.id
    (before.blobs.clean / companion_name(without)).write_bytes(b"left behind")
    before.close()

    after = Custody(options, exclusive=True)
    after.open()
    found = Foundlings(after).take_in()
    Retention(after).reconcile()

    assert found == Found(set_aside=1)
    assert [path.read_bytes() for path in after.blobs.aside.iterdir()] == [b"left behind"]
    assert files(after.blobs.clean) == sorted(
        [
            blob_name(with_one),
            companion_name(with_one),
            blob_name(without),
        ]
    )
    after.close()


def test_its_bytes_go_with_those_of_its_instance(custody: Custody, tmp_path: Path) -> None:
    parcel = sealed(custody, tmp_path, number=1, with_companion=True)
    retention = Retention(custody)

    retention.remove_expired()
    assert len(files(custody.blobs.clean)) == 2

    Deliveries(custody).settle(Receipt(parcel.instance.id, "archive", DeliveryResult.DELIVERED, 0))
    retention.remove_expired()
    assert files(custody.blobs.clean) == files(custody.blobs.received) == []


def test_a_companion_that_is_not_what_was_sealed_is_damage(
    custody: Custody, tmp_path: Path
) -> None:
    instance = sealed(custody, tmp_path, number=1, with_companion=True).instance
    path = custody.blobs.clean / companion_name(instance.id)
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises(BlobDamaged):
        Deliveries(custody).companion_path(instance)


def test_instances_of_an_older_journal_have_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(path)
    for step in journal._STEPS[:6]:
        connection.executescript(step)
    connection.execute(
        "INSERT INTO instances (id, state, changed_at, sop_class_uid, sop_instance_uid,"
        " blob_sha256, blob_size_bytes, transfer_syntax, peer, calling_ae, called_ae, address,"
        " association, received_at) VALUES ('a', 'received', 0, '1.2', '1.2.3', '00', 1, '1.2',"
        " 'any', 'CT', 'NODE', '127.0.0.1', 'a', 0)"
    )
    connection.execute("PRAGMA user_version=6")
    connection.commit()
    connection.close()

    opened = journal.connect(path)

    assert companion_from(opened.execute("SELECT * FROM instances").fetchone()) is None
    opened.close()
