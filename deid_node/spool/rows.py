"""Rows of the journal as values, and what is looked up in them inside a transaction.

A row changes its state in `transitions` alone.
"""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from pydantic import TypeAdapter

from deid_node.errors import UidConflict
from deid_node.spool.blobs import blob_name
from deid_node.spool.places import OPEN
from deid_node.values.geometry import DoubtedRegion
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef, CleanInstance, Companion, ReceivedInstance
from deid_node.values.markings import Markings
from deid_node.values.origin import Dimse, Http, Origin, Via
from deid_node.values.outcome import Cleaned
from deid_node.values.report import CleaningReport
from deid_node.values.state import InstanceState

_REPORT = TypeAdapter(CleaningReport)
_COMPANION = TypeAdapter(Companion)
_DOUBTED = TypeAdapter(tuple[DoubtedRegion, ...])
_MARKINGS = TypeAdapter(Markings)


def received_from(row: sqlite3.Row) -> ReceivedInstance:
    """Return the received instance that `row` of ``instances`` tells of."""
    return ReceivedInstance(
        id=InstanceId(row["id"]),
        origin=Origin(
            peer=row["peer"],
            via=_via_from(row),
            association=row["association"],
            received_at=datetime.fromtimestamp(row["received_at"], UTC),
            transfer_syntax=row["transfer_syntax"],
            listener=row["listener"],
        ),
        blob=BlobRef(blob_name(InstanceId(row["id"])), row["blob_size_bytes"], row["blob_sha256"]),
        sop_class_uid=row["sop_class_uid"],
        sop_instance_uid=row["sop_instance_uid"],
        study_instance_uid=row["study_instance_uid"],
        series_instance_uid=row["series_instance_uid"],
        accession_mark=row["accession_mark"],
    )


def _via_from(row: sqlite3.Row) -> Via:
    """Return the way on which the instance of `row` came: an association calls an AE title."""
    if row["called_ae"]:
        return Dimse(row["calling_ae"], row["called_ae"], row["address"])
    return Http(row["sender"], row["address"])


def origin_columns(origin: Origin) -> dict[str, str | float]:
    """Return what the journal keeps of an origin, but for the transfer syntax.

    AE titles are empty where an instance did not come by an association.
    """
    match origin.via:
        case Dimse(calling_ae=calling_ae, called_ae=called_ae):
            pass
        case Http():
            calling_ae = called_ae = ""
        case _:
            assert_never(origin.via)
    return {
        "peer": origin.peer,
        "listener": origin.listener,
        "sender": origin.sender,
        "calling_ae": calling_ae,
        "called_ae": called_ae,
        "address": origin.address,
        "association": origin.association,
        "received_at": origin.received_at.timestamp(),
    }


def received_columns(received: ReceivedInstance) -> dict[str, str | int | float]:
    """Return what the journal keeps of an instance that has just come."""
    return {
        "id": received.id,
        "sop_class_uid": received.sop_class_uid,
        "sop_instance_uid": received.sop_instance_uid,
        "study_instance_uid": received.study_instance_uid,
        "series_instance_uid": received.series_instance_uid,
        "accession_mark": received.accession_mark,
        "blob_sha256": received.blob.sha256,
        "blob_size_bytes": received.blob.size_bytes,
        "transfer_syntax": received.origin.transfer_syntax,
        **origin_columns(received.origin),
    }


def sealed_columns(outcome: Cleaned) -> dict[str, str | int | None]:
    """Return what the journal keeps of an instance that was sealed."""
    clean = outcome.instance
    return {
        "rule": clean.rule,
        "clean_sha256": clean.blob.sha256,
        "clean_size_bytes": clean.blob.size_bytes,
        "clean_sop_instance_uid": clean.sop_instance_uid,
        "clean_series_instance_uid": clean.series_instance_uid,
        "clean_study_instance_uid": clean.study_instance_uid,
        "clean_transfer_syntax": clean.transfer_syntax,
        "report": report_json(clean.report),
        "companion": companion_json(clean.companion),
        "content_sha256": outcome.content_sha256,
    }


def clean_from(row: sqlite3.Row, destinations: tuple[str, ...]) -> CleanInstance:
    """Return the clean instance of a row whose state is CLEAN or later."""
    return CleanInstance(
        id=InstanceId(row["id"]),
        blob=BlobRef(
            blob_name(InstanceId(row["id"])), row["clean_size_bytes"], row["clean_sha256"]
        ),
        sop_class_uid=row["sop_class_uid"],
        sop_instance_uid=row["clean_sop_instance_uid"],
        series_instance_uid=row["clean_series_instance_uid"],
        study_instance_uid=row["clean_study_instance_uid"],
        transfer_syntax=row["clean_transfer_syntax"],
        rule=row["rule"],
        destinations=destinations,
        report=_REPORT.validate_json(row["report"]),
        companion=companion_from(row),
    )


def companion_from(row: sqlite3.Row) -> Companion | None:
    """Return what travels with the clean instance of `row`, if anything does."""
    return None if row["companion"] is None else _COMPANION.validate_json(row["companion"])


def companion_json(companion: Companion | None) -> str | None:
    """Return the companion as it stands in the journal."""
    return None if companion is None else _COMPANION.dump_json(companion).decode()


def doubts_from(row: sqlite3.Row) -> tuple[DoubtedRegion, ...]:
    """Return the boxes for which the instance of `row` was withheld."""
    return () if row["doubts"] is None else _DOUBTED.validate_json(row["doubts"])


def doubts_json(regions: tuple[DoubtedRegion, ...]) -> str | None:
    """Return the boxes as they stand in the journal."""
    return _DOUBTED.dump_json(regions).decode() if regions else None


def markings_from(row: sqlite3.Row) -> Markings | None:
    """Return what a person decided about the pixels of `row`, if anybody did."""
    return None if row["markings"] is None else _MARKINGS.validate_json(row["markings"])


def markings_json(markings: Markings | None) -> str | None:
    """Return the markings as they stand in the journal."""
    return None if markings is None else _MARKINGS.dump_json(markings).decode()


def report_json(report: CleaningReport) -> str:
    """Return the report as it stands in the journal."""
    return _REPORT.dump_json(report).decode()


def others_of(
    connection: sqlite3.Connection, sop_instance_uid: str, *, sequence: int = 0
) -> Sequence[sqlite3.Row]:
    """Return the rows that have a place under that UID as sent, but for number `sequence`."""
    return connection.execute(
        f"SELECT * FROM instances WHERE sop_instance_uid = ? AND {OPEN} AND sequence != ?"  # noqa: S608
        " ORDER BY sequence",
        (sop_instance_uid, sequence),
    ).fetchall()


def set_origin(connection: sqlite3.Connection, instance: InstanceId, origin: Origin) -> None:
    """Write down who sent an instance of which that was not known."""
    columns = origin_columns(origin)
    connection.execute(
        f"UPDATE instances SET {' = ?, '.join(columns)} = ? WHERE id = ?",  # noqa: S608
        (*columns.values(), instance),
    )


def is_received(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """Return whether it waits for the corridor."""
    row = connection.execute("SELECT state FROM instances WHERE id = ?", (instance,)).fetchone()
    return row is not None and row["state"] == InstanceState.RECEIVED


def has_double(connection: sqlite3.Connection, clean: CleanInstance) -> bool:
    """Return whether another instance goes, or went, out under the new UID of `clean`."""
    return (
        connection.execute(
            f"SELECT 1 FROM instances WHERE clean_sop_instance_uid = ? AND {OPEN}"  # noqa: S608
            " AND clean_sop_instance_uid IS NOT NULL AND id != ?",
            (clean.sop_instance_uid, clean.id),
        ).fetchone()
        is not None
    )


def in_conflict() -> UidConflict:
    """Return the error of an instance that is sealed, and whose new UID is taken."""
    return UidConflict("another instance has its new SOP Instance UID")
