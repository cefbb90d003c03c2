"""The journal: what is in custody, in which state, and who has confirmed it.

Original UIDs stand here and nowhere else outside the blobs. The tables are
written through one connection (`committer`) of the node; the command line may write
a person's decision beside it, which is why every change checks the state it
starts from.
"""

import sqlite3
from pathlib import Path

from deid_node.errors import JournalNewer
from deid_node.spool.blobs import sync_file, sync_folder
from deid_node.spool.committer import Transaction
from deid_node.spool.places import PLACES

SCHEMA_VERSION = 13

_SCHEMA = """
CREATE TABLE instances (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    changed_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    code TEXT,
    reason TEXT,
    rule TEXT,
    sop_class_uid TEXT NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    blob_sha256 TEXT NOT NULL,
    blob_size_bytes INTEGER NOT NULL,
    blob_kept INTEGER NOT NULL DEFAULT 1,
    transfer_syntax TEXT NOT NULL,
    peer TEXT NOT NULL,
    calling_ae TEXT NOT NULL,
    called_ae TEXT NOT NULL,
    address TEXT NOT NULL,
    association TEXT NOT NULL,
    received_at REAL NOT NULL,
    clean_sha256 TEXT,
    clean_size_bytes INTEGER,
    clean_sop_instance_uid TEXT,
    clean_series_instance_uid TEXT,
    clean_study_instance_uid TEXT,
    clean_transfer_syntax TEXT,
    report TEXT,
    UNIQUE (sop_instance_uid, blob_sha256)
);
CREATE INDEX instances_by_state ON instances (state, changed_at);
CREATE TABLE deliveries (
    instance_sequence INTEGER NOT NULL REFERENCES instances (sequence),
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    status INTEGER,
    settled_at REAL,
    PRIMARY KEY (instance_sequence, destination)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (destination, state, next_at);
"""
_COMMITMENTS = """
CREATE TABLE commitments (
    sequence INTEGER PRIMARY KEY,
    transaction_uid TEXT NOT NULL,
    peer TEXT NOT NULL,
    calling_ae TEXT NOT NULL,
    association TEXT NOT NULL,
    requested TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    received_at REAL NOT NULL,
    told_at REAL,
    UNIQUE (calling_ae, transaction_uid)
);
CREATE INDEX commitments_due ON commitments (state, next_at);
"""
_DECISIONS = """
ALTER TABLE instances ADD COLUMN in_hand INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN cut_short INTEGER NOT NULL DEFAULT 0;
CREATE TABLE decisions (
    sequence INTEGER PRIMARY KEY,
    instance_id TEXT NOT NULL,
    verb TEXT NOT NULL,
    code TEXT NOT NULL,
    decided_at REAL NOT NULL,
    told INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX decisions_untold ON decisions (told, sequence);
"""
_PERSONS = """
ALTER TABLE decisions ADD COLUMN person TEXT NOT NULL DEFAULT 'unknown';
"""
_INQUIRIES = """
CREATE TABLE inquiries (
    sequence INTEGER PRIMARY KEY,
    transaction_uid TEXT NOT NULL UNIQUE,
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    asked_at REAL,
    answered_at REAL
);
CREATE INDEX inquiries_open ON inquiries (destination, state, next_at);
ALTER TABLE deliveries ADD COLUMN inquiry INTEGER;
ALTER TABLE deliveries ADD COLUMN sendings INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_inquired ON deliveries (inquiry) WHERE inquiry IS NOT NULL;
"""
_TURNS = """
ALTER TABLE deliveries ADD COLUMN sender TEXT NOT NULL DEFAULT '';
UPDATE deliveries SET sender =
    (SELECT calling_ae FROM instances WHERE sequence = deliveries.instance_sequence);
CREATE INDEX deliveries_in_turn ON deliveries (destination, state, sender, instance_sequence);
"""
_COMPANIONS = """
ALTER TABLE instances ADD COLUMN companion TEXT;
"""
_DOUBTS = """
ALTER TABLE instances ADD COLUMN doubts TEXT;
"""
_REVIEW = """
ALTER TABLE instances ADD COLUMN markings TEXT;
ALTER TABLE instances ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decisions ADD COLUMN detail TEXT;
CREATE TABLE staged (
    instance_id TEXT PRIMARY KEY,
    verb TEXT NOT NULL,
    person TEXT NOT NULL,
    reason TEXT,
    markings TEXT,
    staged_at REAL NOT NULL,
    due_at REAL NOT NULL
) WITHOUT ROWID;
"""
_STUDIES = """
ALTER TABLE instances ADD COLUMN study_instance_uid TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN series_instance_uid TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN sender TEXT NOT NULL DEFAULT '';
UPDATE instances SET sender = calling_ae;
CREATE INDEX instances_by_study ON instances (study_instance_uid);
CREATE INDEX instances_by_clean_study ON instances (clean_study_instance_uid);
"""
"""Of what is there already nobody knows the study as sent, without reading its bytes."""
_LISTENERS = """
ALTER TABLE instances ADD COLUMN listener TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN accession_mark TEXT NOT NULL DEFAULT '';
CREATE INDEX instances_by_accession ON instances (accession_mark) WHERE accession_mark != '';
"""
_DESK = """
ALTER TABLE staged ADD COLUMN sample TEXT;
ALTER TABLE staged ADD COLUMN needs_second INTEGER NOT NULL DEFAULT 0;
ALTER TABLE staged ADD COLUMN agreed_by TEXT;
ALTER TABLE staged ADD COLUMN agreed_at REAL;
CREATE TABLE proposals (
    sequence INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    draft TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    person TEXT NOT NULL,
    proposed_at REAL NOT NULL,
    state TEXT NOT NULL,
    decided_by TEXT,
    decided_at REAL
);
CREATE TABLE looks (
    instance_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    keep_seconds REAL NOT NULL
) WITHOUT ROWID;
"""
_SERIES = """
CREATE TABLE series (
    sequence INTEGER PRIMARY KEY,
    study_instance_uid TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    treatment TEXT NOT NULL,
    quiet_seconds REAL NOT NULL,
    most_seconds REAL NOT NULL,
    most_instances INTEGER NOT NULL,
    most_bytes INTEGER NOT NULL,
    expected INTEGER,
    instances INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    late INTEGER NOT NULL DEFAULT 0,
    opened_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    closed_at REAL,
    closed_by TEXT,
    UNIQUE (series_instance_uid, study_instance_uid, treatment)
);
CREATE INDEX series_open ON series (changed_at) WHERE closed_at IS NULL;
ALTER TABLE instances ADD COLUMN series INTEGER;
ALTER TABLE instances ADD COLUMN stack TEXT;
ALTER TABLE instances ADD COLUMN along REAL;
ALTER TABLE instances ADD COLUMN late INTEGER;
CREATE INDEX instances_by_series ON instances (series, state) WHERE series IS NOT NULL;
CREATE INDEX instances_by_stack ON instances (series, stack, along, sop_instance_uid, late)
    WHERE series IS NOT NULL;
"""

_STEPS = (
    *(_SCHEMA, _COMMITMENTS, _DECISIONS, _PERSONS, _INQUIRIES, _TURNS, _COMPANIONS),
    *(_DOUBTS, PLACES, _REVIEW, _STUDIES, _LISTENERS + _DESK, _SERIES),
)
"""What makes a journal of version n out of one of version n - 1; version 0 is an empty file."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the journal at `path`, creating it where it is missing.

    Autocommit; WAL; ``synchronous=FULL``: a commit is on disk when it returns.
    One of an older version is carried over, and a copy of it kept (`copy_name`). Raises
    `sqlite3.Error`, and `JournalNewer` for one of a newer version, which is not touched.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        _require_known(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        # A step may make a table anew that others refer to: they are kept until it is there.
        connection.execute("PRAGMA foreign_keys=OFF")
        _require_schema(connection, path)
        connection.execute("PRAGMA foreign_keys=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def copy_name(version: int) -> str:
    """Return the name of the copy that is kept when a journal of `version` is carried over."""
    return f"journal-v{version}.sqlite"


def _require_known(connection: sqlite3.Connection) -> None:
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise JournalNewer(
            f"the journal is of version {version} and this deid-node knows {SCHEMA_VERSION}:"
            " start the newer deid-node again, or put back the copy that it kept"
            f" ({copy_name(SCHEMA_VERSION)})"
        )


def _require_schema(connection: sqlite3.Connection, path: Path) -> None:
    if 0 < _version(connection) < SCHEMA_VERSION:
        _keep_copy(connection, path)
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)
    for step in _STEPS[version:]:
        for statement in step.strip().rstrip(";").split(";"):
            connection.execute(statement)
    if version < SCHEMA_VERSION:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _keep_copy(connection: sqlite3.Connection, path: Path) -> None:
    """Put a whole copy of the journal as it is on disk, beside it."""
    target = path.with_name(copy_name(_version(connection)))
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    # It names original UIDs, as the journal does.
    partial.touch(mode=0o600)
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    sync_file(partial)
    partial.rename(target)
    sync_folder(target.parent)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def touch(transaction: Transaction) -> None:
    """Write the version once more: a commit that reaches the disk and changes nothing."""
    transaction.connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
