"""Which instances lie beside one that has waited for its series.

A member of a series is told of the same others whenever it is started, in whichever order they
are worked on; one that was late, of the members and of those that were late before it. Hence
their bytes stay until all of the series are worked on.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from deid_node.spool.blobs import blob_name
from deid_node.values.identity import InstanceId
from deid_node.values.series import REACH_INSTANCES, BlobBeside, InSeries

IN_WORK: Final = """instances.series IS NOT NULL AND EXISTS (SELECT 1 FROM instances other
    WHERE other.series = instances.series AND other.state IN ('received', 'held'))"""
"""Rows whose bytes another of their series may still want to look at."""

Ask: TypeAlias = Callable[[str, dict[str, Any]], Sequence[sqlite3.Row]]
"""Runs a query with named parameters."""

_SAME_PLACE_MM: Final = 0.01
_LATE_NUMBERS: Final = 2**22
"""Numbers of slices that came late: apart from those of the members."""


def in_series(ask: Ask, row: sqlite3.Row, received: Path) -> InSeries | None:
    """Return what the instance of `row` is told of its series; None where it never waited.

    `ask` runs a query; `received` is the folder of the bytes, which are held until all of the
    series are worked on.
    """
    if row["series"] is None or row["late"] is None:
        return None
    asked: dict[str, Any] = {
        **{name: row[name] for name in ("series", "stack", "along", "late", "id")},
        "uid": row["sop_instance_uid"],
        "apart": _SAME_PLACE_MM,
        "limit": REACH_INSTANCES,
    }
    (series,) = ask("SELECT treatment FROM series WHERE sequence = :series", asked)
    # By the UID where two lie at one place: in which order they came is a matter of chance.
    query = (
        "SELECT id, blob_sha256 FROM instances WHERE series = :series AND stack = :stack"
        " AND blob_kept = 1 AND id != :id"
        " AND ((late = 0 AND :late >= 0) OR (late > 0 AND late < :late))"
        " AND {side} ORDER BY {order}, sop_instance_uid LIMIT :limit"
    )
    before, after = (
        tuple(
            BlobBeside(received / blob_name(InstanceId(one["id"])), one["blob_sha256"])
            for one in ask(query.format(side=side, order=order), asked)
        )
        for side, order in (
            ("along < :along - :apart", "along DESC"),
            ("along > :along + :apart", "along"),
        )
    )
    if row["late"]:
        return InSeries(series["treatment"], _LATE_NUMBERS + row["late"], before, after)
    (counted,) = ask(
        "SELECT COUNT(*) AS count FROM instances WHERE series = :series AND stack = :stack"
        " AND late = 0 AND (along < :along OR (along = :along AND sop_instance_uid < :uid))",
        asked,
    )
    return InSeries(series["treatment"], counted["count"], before, after)
