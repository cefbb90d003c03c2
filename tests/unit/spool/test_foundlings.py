"""Files that no row names, as when an older journal was put back, are never removed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deid_node.dicom.part10 import spool_header
from deid_node.errors import CustodyError, JournalMissing
from deid_node.spool.arrivals import Acceptance
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.foundlings import Found, Foundlings
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import WorkList
from deid_node.values.delivery import DeliveryResult, Receipt
from tests.builders.custody import Spool, sealed
from tests.builders.values import CT_IMAGE_STORAGE, EXPLICIT, an_arrival
from tests.unit.spool.test_spool import cleaned, files


def opened(options: SpoolOptions, *, new_journal: bool = False) -> Custody:
    custody = Custody(options, exclusive=True, new_journal=new_journal)
    custody.open()
    return custody


def started(options: SpoolOptions, *, new_journal: bool = False) -> Custody:
    """Open it as a node does."""
    custody = opened(options, new_journal=new_journal)
    Foundlings(custody).take_in()
    Retention(custody).reconcile()
    return custody


def send(custody: Custody, uid: str) -> Acceptance:
    header = spool_header(
        sop_class_uid=CT_IMAGE_STORAGE, sop_instance_uid=uid, transfer_syntax=EXPLICIT
    )
    return Spool(custody).accept(an_arrival(uid), [header, b"what was sent as " + uid.encode()])


def contents(options: SpoolOptions) -> set[bytes]:
    return {path.read_bytes() for path in options.dir.rglob("*.dcm")}


def put_back(copy: Path, options: SpoolOptions) -> None:
    for path in options.dir.glob("journal.sqlite*"):
        path.unlink()
    for path in copy.iterdir():
        shutil.copy(path, options.dir / path.name)


def test_an_older_journal_costs_no_instance(options: SpoolOptions, tmp_path: Path) -> None:
    custody = opened(options)
    old = [send(custody, f"1.2.{number}").instance.id for number in range(3)]
    custody.close()
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in options.dir.glob("journal.sqlite*"):
        shutil.copy(path, copy)
    custody = opened(options)
    new = [send(custody, f"1.2.{number}").instance.id for number in range(3, 5)]
    custody.close()
    before = contents(options)
    put_back(copy, options)

    custody = started(options)

    assert contents(options) == before
    assert len(before) == 5
    assert Spool(custody).received() == {"SCANNER": old}
    assert {(one.id, one.code) for one in WorkList(custody).entries()} == {
        (instance, "origin_unknown") for instance in new
    }
    custody.close()


def test_without_a_journal_the_start_is_refused_and_nothing_is_touched(
    options: SpoolOptions,
) -> None:
    custody = opened(options)
    for number in range(3):
        send(custody, f"1.2.{number}")
    custody.close()
    for path in options.dir.glob("journal.sqlite*"):
        path.unlink()
    before = contents(options)

    for exclusive in (True, False):
        with pytest.raises(JournalMissing) as raised:
            Custody(options, exclusive=exclusive).open()
        assert "3 files" in str(raised.value)

    assert len(contents(options)) == 3
    assert contents(options) == before
    assert not (options.dir / "journal.sqlite").exists()


def test_an_empty_journal_is_none(options: SpoolOptions) -> None:
    custody = opened(options)
    send(custody, "1.2.3")
    custody.close()
    for path in options.dir.glob("journal.sqlite*"):
        path.unlink()
    (options.dir / "journal.sqlite").touch()

    with pytest.raises(CustodyError):
        opened(options)


def test_a_new_journal_holds_all_of_them_for_a_person(options: SpoolOptions) -> None:
    custody = opened(options)
    ids = {send(custody, f"1.2.{number}").instance.id for number in range(3)}
    custody.close()
    for path in options.dir.glob("journal.sqlite*"):
        path.unlink()

    custody = started(options, new_journal=True)

    assert {(one.id, one.code) for one in WorkList(custody).entries()} == {
        (instance, "origin_unknown") for instance in ids
    }
    assert len(contents(options)) == 3
    custody.close()


def test_a_spool_that_never_held_anything_needs_no_flag(options: SpoolOptions) -> None:
    custody = opened(options)

    assert Foundlings(custody).take_in() == Found()
    custody.close()


def test_what_was_adopted_can_be_released_and_walks_with_the_bytes_it_has(
    options: SpoolOptions,
) -> None:
    custody = _with_one_adopted(options)
    (entry,) = WorkList(custody).entries()

    WorkList(custody).release(entry.id, person="anna")

    assert Spool(custody).received() == {"UNKNOWN": [entry.id]}
    custody.close()


def test_its_sender_who_sends_it_again_makes_it_walk_in_its_name(options: SpoolOptions) -> None:
    custody = _with_one_adopted(options)
    (entry,) = WorkList(custody).entries()

    again = send(custody, "1.2.3")

    assert again.instance.id == entry.id
    assert Spool(custody).received() == {"SCANNER": [entry.id]}
    assert len(files(custody.blobs.received)) == 1
    custody.close()


def test_what_a_power_cut_left_of_it_does_not_stand_in_its_way(options: SpoolOptions) -> None:
    """Its file had its name before its bytes were on disk; no row names it."""
    custody = opened(options)
    half = custody.blobs.received / send(custody, "1.2.3").instance.blob.name
    whole = half.read_bytes()
    half.write_bytes(whole[:-10])
    custody.write(lambda transaction: transaction.connection.execute("DELETE FROM instances"))
    Foundlings(custody).take_in()
    (entry,) = WorkList(custody).entries()

    again = send(custody, "1.2.3")

    assert not again.conflict
    assert Spool(custody).received() == {"SCANNER": [again.instance.id]}
    assert (custody.blobs.received / again.instance.blob.name).read_bytes() == whole
    assert {one.id for one in WorkList(custody).entries()} == {entry.id}
    custody.close()


def test_another_content_is_in_conflict_with_what_was_adopted(options: SpoolOptions) -> None:
    custody = _with_one_adopted(options)
    header = spool_header(
        sop_class_uid=CT_IMAGE_STORAGE, sop_instance_uid="1.2.3", transfer_syntax=EXPLICIT
    )

    other = Spool(custody).accept(an_arrival("1.2.3"), [header, b"something else" * 9])

    assert other.conflict
    custody.close()


def _with_one_adopted(options: SpoolOptions) -> Custody:
    custody = opened(options)
    send(custody, "1.2.3")
    custody.write(lambda transaction: transaction.connection.execute("DELETE FROM instances"))
    Foundlings(custody).take_in()
    return custody


def _rename(path: Path) -> None:
    path.rename(path.with_name("no-id-of-ours.dcm"))


def _spoil(path: Path) -> None:
    path.write_bytes(b"no header of ours")


def _double(path: Path) -> None:
    shutil.copy(path, path.with_name("00000000000000aa.dcm"))


@pytest.mark.parametrize("harm", [_rename, _spoil, _double])
def test_what_cannot_be_adopted_is_set_aside(
    options: SpoolOptions, harm: Callable[[Path], None]
) -> None:
    custody = opened(options)
    kept = send(custody, "1.2.3").instance
    if harm is not _double:
        custody.write(lambda transaction: transaction.connection.execute("DELETE FROM instances"))
    harm(custody.blobs.received / kept.blob.name)
    before = contents(options)

    found = Foundlings(custody).take_in()

    assert (found.adopted, found.set_aside) == ((), 1)
    assert Foundlings(custody).count_aside() == 1
    assert contents(options) == before
    assert custody.blobs.aside.stat().st_mode & 0o077 == 0
    custody.close()


def test_clean_bytes_without_a_row_are_set_aside_unless_their_instance_is_there(
    options: SpoolOptions, tmp_path: Path
) -> None:
    custody = opened(options)
    adopted = send(custody, "1.2.3").instance.id
    (custody.blobs.clean / f"{adopted}.dcm").write_bytes(b"will be sealed again")
    (custody.blobs.clean / "00000000000000aa.dcm").write_bytes(b"nobody's")
    waiting = sealed(custody, tmp_path, number=9).instance.id
    custody.write(
        lambda transaction: transaction.connection.execute(
            "DELETE FROM instances WHERE id = ?", (adopted,)
        )
    )

    found = Foundlings(custody).take_in()

    assert (found.adopted, found.set_aside) == ((adopted,), 1)
    assert files(custody.blobs.clean) == sorted([f"{adopted}.dcm", f"{waiting}.dcm"])
    custody.close()


def test_a_removal_that_was_cut_short_is_finished_and_is_no_foundling(
    options: SpoolOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    custody = opened(options)
    order = cleaned(custody)
    Deliveries(custody).settle(Receipt(order.id, "archive", DeliveryResult.DELIVERED, 0))
    with monkeypatch.context() as dying:
        dying.setattr(Path, "unlink", lambda *_arguments, **_named: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Retention(custody).remove_expired()
    custody.close()
    assert len(contents(options)) == 2

    custody = started(options)

    assert contents(options) == set()
    assert Foundlings(custody).count_aside() == 0
    custody.close()
