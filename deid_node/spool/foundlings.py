"""Files of instances that no row of the journal names, as after an older journal was put back.

Each of them may be an instance that was acknowledged, so none is removed. A received one is
taken into the journal again, withheld: who sent it stood in the row that is gone, and rules
may ask for that. Whatever else is found is set aside, and said.
"""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deid_node.dicom.spooled import HEAD_BYTES, identity_in, lineage_in
from deid_node.errors import NotDicom, OriginUnknown
from deid_node.spool import rows, transitions
from deid_node.spool.blobs import blob_name, companion_name, reference
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.trouble import custody_error
from deid_node.values.identity import InstanceId
from deid_node.values.instance import ReceivedInstance
from deid_node.values.origin import Dimse, Origin

UNKNOWN: Final = "unknown"
"""Peer, titles and address of who sent what was found."""

_NAME: Final = re.compile(r"([0-9a-f]{16})(?:\.companion)?\.dcm")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: withheld under their ids, and how many files were set aside."""

    adopted: tuple[InstanceId, ...] = ()
    set_aside: int = 0


class Foundlings:
    """Looks at the start, before anything else touches a file of the spool."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def take_in(self) -> Found:
        """Adopt or set aside what no row names; on disk when it returns.

        Files of rows that have let go of them are left to `Retention.reconcile`. Raises
        `CustodyError`.
        """
        blobs = self._custody.blobs
        known = {row["id"]: row for row in self._custody.read("SELECT * FROM instances")}
        adopted: list[InstanceId] = []
        set_aside = 0
        try:
            for path in sorted(blobs.received.iterdir()):
                match = _NAME.fullmatch(path.name)
                if match is not None and path.name == blob_name(InstanceId(match[1])):
                    if match[1] in known:
                        continue
                    if self._adopt(path, InstanceId(match[1])):
                        adopted.append(InstanceId(match[1]))
                        continue
                blobs.set_aside(path)
                set_aside += 1
            for path in sorted(blobs.clean.iterdir()):
                if not _is_spoken_for(path, known, adopted):
                    blobs.set_aside(path)
                    set_aside += 1
        except OSError as error:
            raise custody_error(error) from None
        return Found(tuple(adopted), set_aside)

    def count_aside(self) -> int:
        """Return how many files lie aside and wait for a person; raises `OSError`."""
        aside = self._custody.blobs.aside
        return sum(1 for _ in aside.iterdir()) if aside.is_dir() else 0

    def _adopt(self, path: Path, instance: InstanceId) -> bool:
        """Write a row for the file; False where it is none of ours, or is held under another id."""
        files = self._custody.blobs.files
        try:
            head = bytes(files.open(path)[:HEAD_BYTES])
            identity, lineage = identity_in(head), lineage_in(head)
        except NotDicom:
            return False
        received = ReceivedInstance(
            instance,
            Origin(
                peer=UNKNOWN,
                via=Dimse(calling_ae=UNKNOWN.upper(), called_ae=UNKNOWN.upper(), address=UNKNOWN),
                association=UNKNOWN,
                received_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
                transfer_syntax=identity.transfer_syntax,
            ),
            reference(path, files),
            identity.sop_class_uid,
            identity.sop_instance_uid,
            lineage.study_instance_uid,
            lineage.series_instance_uid,
            self._custody.mark(lineage.accession_number),
        )

        def write(transaction: Transaction) -> bool:
            others = rows.others_of(transaction.connection, identity.sop_instance_uid)
            if any(row["blob_sha256"] == received.blob.sha256 for row in others):
                return False
            transitions.enter(transaction.connection, received, withheld=OriginUnknown())
            return True

        return self._custody.write(write)


def _is_spoken_for(path: Path, known: Mapping[str, sqlite3.Row], adopted: list[InstanceId]) -> bool:
    """Return whether a file of ``clean`` has a row, or will be written again under its name."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return False
    row = known.get(match[1])
    if row is None:
        return match[1] in adopted
    if path.name == companion_name(InstanceId(match[1])) and row["clean_sha256"] is not None:
        return row["companion"] is not None or not row["blob_kept"]
    return True
