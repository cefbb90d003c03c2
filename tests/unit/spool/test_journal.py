"""Journals of every older version are carried over; nothing in them is lost."""

import sqlite3
from pathlib import Path

import pytest

from deid_node.errors import JournalNewer
from deid_node.spool import journal

_OLD = (
    "INSERT INTO instances (id, state, changed_at, sop_class_uid, sop_instance_uid,"
    " blob_sha256, blob_size_bytes, transfer_syntax, peer, calling_ae, called_ae, address,"
    " association, received_at) VALUES (?, ?, 5, '1.2', ?, ?, 1, '1.2', 'any', 'CT', 'NODE',"
    " '127.0.0.1', 'a', 7)"
)
_SEAL = (
    "UPDATE instances SET rule = 'all', clean_sha256 = 'cc', clean_size_bytes = 3,"
    " clean_sop_instance_uid = ?, clean_study_instance_uid = '2.25.1' WHERE id = ?"
)
_DUE = (
    "INSERT INTO deliveries (instance_sequence, destination, state, next_at)"
    " SELECT sequence, 'archive', ?, 9 FROM instances WHERE id = ?"
)


def older(path: Path, version: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    for step in journal._STEPS[:version]:
        connection.executescript(step)
    connection.execute(f"PRAGMA user_version={version}")
    return connection


def close(connection: sqlite3.Connection) -> None:
    connection.commit()
    connection.close()


@pytest.mark.parametrize("version", range(1, journal.SCHEMA_VERSION))
def test_a_journal_of_before_keeps_its_instances_and_deliveries(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "journal.sqlite"
    before = older(path, version)
    for number, state in enumerate(("received", "clean", "delivered", "withheld", "discarded")):
        before.execute(_OLD, (f"i{number}", state, f"1.2.{number}", "00"))
    for number, state in ((1, "due"), (2, "delivered")):
        before.execute(_SEAL, (f"2.25.{number}", f"i{number}"))
        before.execute(_DUE, (state, f"i{number}"))
    close(before)

    now = journal.connect(path)

    rows = now.execute("SELECT * FROM instances ORDER BY sequence").fetchall()
    assert [(row["id"], row["state"], row["sop_instance_uid"]) for row in rows] == [
        ("i0", "received", "1.2.0"),
        ("i1", "clean", "1.2.1"),
        ("i2", "delivered", "1.2.2"),
        ("i3", "withheld", "1.2.3"),
        ("i4", "discarded", "1.2.4"),
    ]
    assert [row["clean_sop_instance_uid"] for row in rows] == [
        None, "2.25.1", "2.25.2", None, None,
    ]  # fmt: skip
    deliveries = now.execute("SELECT instance_sequence, state FROM deliveries")
    assert {tuple(row) for row in deliveries} == {(2, "due"), (3, "delivered")}
    assert now.execute("PRAGMA foreign_key_check").fetchall() == []
    assert now.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert now.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert now.execute("PRAGMA user_version").fetchone()[0] == journal.SCHEMA_VERSION
    now.close()


@pytest.mark.parametrize(
    ("states", "after"),
    [
        (("delivered", "delivered"), [("delivered", 0), ("delivered", 1)]),
        (("delivered", "clean"), [("delivered", 0), ("withheld", 0)]),
        (("clean", "delivered"), [("withheld", 0), ("delivered", 0)]),
        (("clean", "clean"), [("clean", 0), ("withheld", 0)]),
        (("clean", "withheld"), [("clean", 0), ("withheld", 0)]),
        (("discarded", "clean"), [("discarded", 0), ("clean", 0)]),
    ],
)
def test_a_new_uid_that_was_given_out_twice_is_given_out_once(
    tmp_path: Path, states: tuple[str, str], after: list[tuple[str, int]]
) -> None:
    path = tmp_path / "journal.sqlite"
    before = older(path, 7)
    for number, state in enumerate(states):
        before.execute(_OLD, (f"i{number}", state, f"1.2.{number}", "00"))
        before.execute(_SEAL, ("2.25.7", f"i{number}"))
        before.execute(_DUE, ("due" if state != "delivered" else state, f"i{number}"))
    close(before)

    now = journal.connect(path)

    rows = now.execute("SELECT * FROM instances ORDER BY sequence").fetchall()
    assert [(row["state"], row["superseded"]) for row in rows] == after
    withheld = [row for row in rows if row["code"] == "uid_conflict"]
    assert all(row["clean_sha256"] is None for row in withheld)
    assert (
        now.execute(
            "SELECT COUNT(*) FROM deliveries WHERE instance_sequence IN"
            " (SELECT sequence FROM instances WHERE code = 'uid_conflict')"
        ).fetchone()[0]
        == 0
    )
    now.close()


def test_the_journal_gives_a_new_uid_to_one_instance_only(tmp_path: Path) -> None:
    connection = journal.connect(tmp_path / "journal.sqlite")
    for number in range(2):
        connection.execute(_OLD, (f"i{number}", "clean", f"1.2.{number}", "00"))
    connection.execute(_SEAL, ("2.25.7", "i0"))

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(_SEAL, ("2.25.7", "i1"))

    connection.execute("UPDATE instances SET superseded = 1 WHERE id = 'i0'")
    connection.execute(_SEAL, ("2.25.7", "i1"))
    connection.close()


def test_a_journal_of_the_future_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={journal.SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(JournalNewer) as refused:
        journal.connect(path)

    assert str(refused.value) == (
        f"the journal is of version {journal.SCHEMA_VERSION + 1} and this deid-node knows"
        f" {journal.SCHEMA_VERSION}: start the newer deid-node again, or put back the copy that it"
        f" kept (journal-v{journal.SCHEMA_VERSION}.sqlite)"
    )
    assert [one.name for one in tmp_path.iterdir()] == ["journal.sqlite"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", [1, 7, journal.SCHEMA_VERSION - 1])
def test_a_copy_is_kept_of_a_journal_that_is_carried_over(tmp_path: Path, version: int) -> None:
    path = tmp_path / "journal.sqlite"
    before = older(path, version)
    # What the log holds and the file does not yet has to be in the copy, too.
    before.execute("PRAGMA journal_mode=WAL")
    before.execute(_OLD, ("i0", "received", "1.2.0", "00"))
    before.commit()

    journal.connect(path).close()
    journal.connect(path).close()

    before.close()
    copy = tmp_path / f"journal-v{version}.sqlite"
    assert {one.name for one in tmp_path.iterdir() if not one.name.startswith("journal.")} == {
        copy.name
    }
    assert copy.stat().st_mode & 0o777 == 0o600
    kept = sqlite3.connect(copy)
    assert kept.execute("PRAGMA user_version").fetchone()[0] == version
    assert kept.execute("SELECT id, sop_instance_uid FROM instances").fetchall() == [
        ("i0", "1.2.0")
    ]
    kept.close()


def test_no_copy_is_kept_of_a_journal_that_was_not_there(tmp_path: Path) -> None:
    journal.connect(tmp_path / "journal.sqlite").close()

    assert [one.name for one in tmp_path.iterdir()] == ["journal.sqlite"]


def test_the_sender_of_an_older_journal_is_its_calling_ae_title(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    before = older(path, 9)
    before.execute(_OLD, ("i0", "received", "1.2.0", "00"))
    close(before)

    now = journal.connect(path)

    row = now.execute("SELECT * FROM instances").fetchone()
    assert (row["sender"], row["study_instance_uid"], row["series_instance_uid"]) == ("CT", "", "")
    now.close()
