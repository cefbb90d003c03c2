"""The door's side of custody: what has come is taken, or stays its sender's.

Success may be said of what `Arrivals.accept` returns. Bytes, folder and row wait for the
disk side by side (`syncing`): the journal may name an instance a moment before its bytes
are on disk, so whoever meets one that is not settled waits for it.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from deid_node.errors import BlobDamaged, DeidNodeError, OriginUnknown, UidConflict
from deid_node.spool import rows, transitions
from deid_node.spool.blobs import verified
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.incoming import Incoming
from deid_node.spool.places import OPEN
from deid_node.spool.rows import received_from
from deid_node.spool.syncing import Sync
from deid_node.spool.trouble import custody_error
from deid_node.values.identity import InstanceId
from deid_node.values.instance import ReceivedInstance
from deid_node.values.origin import Origin
from deid_node.values.state import InstanceState

__all__ = ["Acceptance", "Arrival", "Arrivals", "Incoming"]

_MENDED: Final = frozenset({BlobDamaged.code, OriginUnknown.code})
"""Withheld for something that the same bytes, sent again, put right."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the door knows of an instance before custody."""

    origin: Origin
    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The instance is in custody.

    `repeated`: the same bytes are in custody, read and found intact, or were delivered;
    nothing new was kept. (Where they had been damaged since, they were kept anew.) What was
    discarded is no repeat: it was kept anew and walks. `conflict`: other bytes of the same
    SOP Instance UID in the same transfer syntax were; it is withheld.
    """

    instance: ReceivedInstance
    repeated: bool
    conflict: bool


class Arrivals:
    """The door's side of custody: every method returns after its change is on disk."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def begin(self) -> Incoming:
        """Return where to write an instance that begins to arrive."""
        blobs = self._custody.blobs
        return Incoming(blobs.partial, self._custody.require_room, blobs.files)

    def accept(self, arrival: Arrival, content: Incoming | Iterable[bytes]) -> Acceptance:
        """Take into custody the Part 10 file that has come, or that is made of chunks.

        Returns after file, folder and journal are on disk. Raises `SpoolFull`
        or `SpoolUnavailable`, or the fault that was kept while it came: then nothing
        was kept and the sender still owns the instance.
        """
        incoming = content if isinstance(content, Incoming) else self._written(content)
        with self._custody.syncing.unsettled(incoming.instance):
            return _Taking(self._custody, arrival, incoming).done()

    def _written(self, chunks: Iterable[bytes]) -> Incoming:
        incoming = self.begin()
        for chunk in chunks:
            incoming.write(chunk)
        return incoming


class _Taking:
    """One instance on its way into custody."""

    def __init__(self, custody: Custody, arrival: Arrival, incoming: Incoming) -> None:
        self._custody = custody
        self._incoming = incoming
        with custody.watched():
            blob = incoming.reference()
        lineage = incoming.lineage(arrival.origin.transfer_syntax)
        self._received = ReceivedInstance(
            incoming.instance,
            arrival.origin,
            blob,
            arrival.sop_class_uid,
            arrival.sop_instance_uid,
            lineage.study_instance_uid,
            lineage.series_instance_uid,
            self._custody.mark(lineage.accession_number),
        )
        self._bytes = custody.syncing.start(incoming.finish)
        self._folder: Sync | None = None

    def done(self) -> Acceptance:
        try:
            acceptance, is_in_doubt = self._custody.write(self._enter, name="accept")
            if is_in_doubt:
                # Success says that its bytes are held: they are read before it is said.
                known, is_held = acceptance.instance.id, self._is_held(acceptance.instance)
                acceptance = self._custody.write(
                    lambda transaction: self._mend(transaction, known, is_held=is_held),
                    name="accept",
                )
            if self._folder is not None:
                self._wait(self._folder, acceptance.instance)
            return acceptance
        finally:
            self._bytes.fault()
            # Gone already when it was placed; a repeated one, or one whose commit
            # failed before the rename, must not stay behind.
            self._incoming.discard()

    def _enter(self, transaction: Transaction) -> tuple[Acceptance, bool]:
        """Return what becomes of it, and whether that is in doubt: its bytes should be held."""
        received, connection = self._received, transaction.connection
        others = rows.others_of(connection, received.sop_instance_uid)
        for row in others:
            if row["blob_sha256"] == received.blob.sha256:
                known = Acceptance(received_from(row), repeated=True, conflict=False)
                return known, row["state"] != InstanceState.DELIVERED
        # In another transfer syntax it may be the same content: a worker looks.
        rivals = [row for row in others if not self._is_beginning(row)]
        conflict = bool(rivals) and all(
            row["transfer_syntax"] == received.origin.transfer_syntax for row in rivals
        )
        self._place(transaction, received.blob.name)
        transitions.enter(connection, received, withheld=UidConflict() if conflict else None)
        return Acceptance(received, repeated=False, conflict=conflict), False

    def _mend(self, transaction: Transaction, known: InstanceId, *, is_held: bool) -> Acceptance:
        connection = transaction.connection
        row = connection.execute(
            f"SELECT * FROM instances WHERE id = ? AND {OPEN}",  # noqa: S608
            (known,),
        ).fetchone()
        if row is None:
            # A person has discarded it in this moment, or it did not reach the disk.
            return self._enter(transaction)[0]
        original = received_from(row)
        if row["state"] == InstanceState.DELIVERED:
            return Acceptance(original, repeated=True, conflict=False)
        if not is_held:
            self._place(transaction, original.blob.name)
        walks = row["state"] == InstanceState.WITHHELD and row["code"] in _MENDED
        if walks:
            rows.set_origin(connection, known, self._received.origin)
            transitions.walk_again(connection, known)
        return Acceptance(original, repeated=is_held and not walks, conflict=False)

    def _is_beginning(self, row: sqlite3.Row) -> bool:
        """Return whether `row` holds no more than the first bytes of what has come.

        So a power cut leaves an instance of which nobody was told Success: found without a
        row, it was adopted as far as it went.
        """
        size = row["blob_size_bytes"]
        if row["code"] != OriginUnknown.code or size >= self._received.blob.size_bytes:
            return False
        if self._bytes.fault() is not None:
            return False
        content = self._custody.blobs.files.open(self._incoming.path)
        return bool(hashlib.sha256(content[:size]).hexdigest() == row["blob_sha256"])

    def _place(self, transaction: Transaction, name: str) -> None:
        blobs = self._custody.blobs
        transaction.place(self._incoming.path, blobs.received / name, synced=False)
        self._folder = self._custody.syncing.folder(blobs.received)

    def _wait(self, folder: Sync, taken: ReceivedInstance) -> None:
        """Return once bytes and folder are on disk, too; else take the row back.

        A row that was known before stays: what lies under it is read against its checksum
        before anything is done with it.
        """
        try:
            with self._custody.watched():
                _on_disk(self._bytes)
                _on_disk(folder)
        except DeidNodeError:
            if taken.id == self._received.id:
                with suppress(DeidNodeError, OSError):
                    self._custody.write(lambda one: transitions.leave(one.connection, taken.id))
                    (self._custody.blobs.received / taken.blob.name).unlink(missing_ok=True)
            raise

    def _is_held(self, received: ReceivedInstance) -> bool:
        # It may come in this moment, from another: what is in memory only is not held.
        self._custody.syncing.settle(received.id)
        try:
            verified(self._custody.blobs.received, received.blob, self._custody.blobs.files)
        except BlobDamaged:
            return False
        return True


def _on_disk(sync: Sync) -> None:
    fault = sync.fault()
    if isinstance(fault, OSError):
        raise custody_error(fault) from None
    if fault is not None:
        raise fault
