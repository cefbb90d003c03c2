"""Whose place it is: of one SOP Instance UID, as sent or as it leaves, one instance counts.

A row that is discarded, or superseded because a person said so, has given its place
free: what comes under its UID is neither a repeat of it nor in conflict with it. The
indexes hold that for both UIDs, whatever the code above them does.
"""

from typing import Final

OPEN: Final = "state != 'discarded' AND superseded = 0"
"""Rows that have a place. The indexes are found by these very words: use them as they are."""

_COLUMNS = """id, state, changed_at, attempts, code, reason, rule, sop_class_uid,
    sop_instance_uid, blob_sha256, blob_size_bytes, blob_kept, transfer_syntax, peer, calling_ae,
    called_ae, address, association, received_at, clean_sha256, clean_size_bytes,
    clean_sop_instance_uid, clean_series_instance_uid, clean_study_instance_uid,
    clean_transfer_syntax, report, in_hand, cut_short, companion, doubts"""

FORGET_SEAL: Final = """clean_sha256 = NULL, clean_size_bytes = NULL,
    clean_sop_instance_uid = NULL, clean_series_instance_uid = NULL,
    clean_study_instance_uid = NULL, clean_transfer_syntax = NULL, report = NULL,
    companion = NULL"""
"""What an instance loses that walks the corridor anew, beside its deliveries."""

_DELIVERED_LATER: Final = """state = 'delivered' AND EXISTS (SELECT 1 FROM instances other
    WHERE other.clean_sop_instance_uid = instances.clean_sop_instance_uid
    AND other.state = 'delivered' AND other.sequence < instances.sequence)"""
_SEALED_BESIDE: Final = """state IN ('clean', 'withheld') AND EXISTS (SELECT 1 FROM instances other
    WHERE other.clean_sop_instance_uid = instances.clean_sop_instance_uid
    AND other.state != 'discarded' AND other.sequence != instances.sequence
    AND (other.state = 'delivered' OR other.sequence < instances.sequence))"""

PLACES: Final = f"""
CREATE TABLE renewed (
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
    in_hand INTEGER NOT NULL DEFAULT 0,
    cut_short INTEGER NOT NULL DEFAULT 0,
    companion TEXT,
    doubts TEXT,
    superseded INTEGER NOT NULL DEFAULT 0,
    content_sha256 TEXT
);
INSERT INTO renewed (sequence, {_COLUMNS}) SELECT sequence, {_COLUMNS} FROM instances;
DROP TABLE instances;
ALTER TABLE renewed RENAME TO instances;
CREATE INDEX instances_by_state ON instances (state, changed_at);
CREATE INDEX instances_by_clean_uid ON instances (clean_sop_instance_uid);
DELETE FROM deliveries WHERE instance_sequence IN (
    SELECT sequence FROM instances WHERE state = 'received' OR ({_SEALED_BESIDE}));
UPDATE instances SET {FORGET_SEAL} WHERE state = 'received';
UPDATE instances SET superseded = 1 WHERE {_DELIVERED_LATER};
UPDATE instances SET state = 'withheld', code = 'uid_conflict',
    reason = 'another instance has its new SOP Instance UID', {FORGET_SEAL}
    WHERE {_SEALED_BESIDE};
DROP INDEX instances_by_clean_uid;
CREATE UNIQUE INDEX instances_by_uid ON instances (sop_instance_uid, blob_sha256) WHERE {OPEN};
CREATE UNIQUE INDEX instances_by_clean_uid ON instances (clean_sop_instance_uid)
    WHERE clean_sop_instance_uid IS NOT NULL AND {OPEN};
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""  # noqa: S608
"""Makes the journal of version 9. Where one of before has given a new UID out twice, the later
one is withheld, or superseded where it was delivered already."""
