"""What arrives: written to disk while it comes, then taken into custody.

Nobody has promised anything while bytes come: what lies in ``partial`` counts for nothing
until `Arrivals.accept` has put it on disk for good and the journal names it. Only the
beginning is kept in memory, so that an instance may be larger than that.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deid_node.dicom.new_file import NewFile
from deid_node.dicom.spooled import lineage_in
from deid_node.dicom.study import Lineage, lineage_of
from deid_node.errors import BlobDamaged, DeidNodeError, OriginUnknown, UidConflict
from deid_node.spool import rows, transitions
from deid_node.spool.blobs import blob_name, verified
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.spool.places import OPEN
from deid_node.spool.rows import received_from
from deid_node.spool.trouble import custody_error
from deid_node.values.identity import InstanceId, new_instance_id
from deid_node.values.instance import BlobRef, ReceivedInstance
from deid_node.values.origin import Origin
from deid_node.values.state import InstanceState

_HEAD_BYTES: Final = 1 << 18
_LOOK_EACH_BYTES: Final = 1 << 24
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


class Incoming:
    """One file in ``partial``. The thread that writes may not know yet that another discards.

    A fault does not stop the sender in the middle of its message: it is kept, the
    bytes that follow are let go, and `finish` raises it, so that the sender hears a
    status. `require_room` raises `SpoolFull` at the reserve and is asked now and then.
    `files` makes the file; checksum and size are those of the bytes that came.
    """

    def __init__(
        self, folder: Path, require_room: Callable[[], None], files: BlobFiles = PLAIN
    ) -> None:
        self.instance: InstanceId = new_instance_id()
        self.path = folder / blob_name(self.instance)
        self.head = bytearray()
        """The first bytes of the dataset: 256 KiB, or all where it is shorter."""
        self.is_over = False
        """Whether nothing of it is held any more: it was taken into custody, or let go."""
        self._lock = threading.RLock()
        self._require_room = require_room
        self._fault: DeidNodeError | None = None
        self._files = files
        self._file: NewFile | None = None
        self._digest = hashlib.sha256()
        self._size = self._next_look = 0

    def begin(self, header: bytes) -> None:
        """Write what stands before the dataset: the preamble and the File Meta Information."""
        self._put(header)

    def write(self, piece: bytes | memoryview) -> None:
        """Write the next bytes of the dataset; does not raise."""
        room = _HEAD_BYTES - len(self.head)
        if room > 0:
            self.head += piece[:room]
        self._put(piece)

    def fail(self, fault: DeidNodeError) -> None:
        """Let go of the bytes; `finish` will raise `fault`, or the one before it."""
        self._fault = self._fault or fault
        self.discard()

    def finish(self) -> BlobRef:
        """Put the file on disk and return its reference.

        Its folder is not fsynced: the rename into custody follows. Raises the fault
        that was kept, `SpoolFull` or `SpoolUnavailable`; then the file is gone.
        """
        # Also of no bytes at all there is a file.
        self._put(b"")
        file = self._file
        if file is not None:
            try:
                file.finish()
            except OSError as error:
                self.fail(custody_error(error))
        if self._fault is not None:
            raise self._fault
        return BlobRef(self.path.name, self._size, self._digest.hexdigest())

    def lineage(self, transfer_syntax: str) -> Lineage:
        """Return the study and series that its first bytes name."""
        head = bytes(self.head)
        # What did not come through the door came with its header.
        known = lineage_in(head)
        return known if known.study_instance_uid else lineage_of(head, transfer_syntax)

    def discard(self) -> None:
        """Remove the file where it still lies in ``partial``; may be called again."""
        with self._lock:
            self.is_over = True
            file, self._file = self._file, None
            if file is None:
                return
            with suppress(OSError):
                # It writes what it holds back first, and the disk may be full.
                file.close()
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _put(self, piece: bytes | memoryview) -> None:
        with self._lock:
            if self.is_over:
                return
            try:
                self._append(piece)
            except OSError as error:
                self.fail(custody_error(error))
            except DeidNodeError as error:
                self.fail(error)

    def _append(self, piece: bytes | memoryview) -> None:
        if self._size >= self._next_look:
            self._require_room()
            self._next_look += _LOOK_EACH_BYTES
        if self._file is None:
            self._file = self._files.create(self.path)
        self._file.write(piece)
        self._digest.update(piece)
        self._size += len(piece)


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
        blobs = self._custody.blobs
        instance, name = incoming.instance, incoming.path.name
        with self._custody.watched():
            blob = incoming.finish()
        lineage = incoming.lineage(arrival.origin.transfer_syntax)
        received = ReceivedInstance(
            instance,
            arrival.origin,
            blob,
            arrival.sop_class_uid,
            arrival.sop_instance_uid,
            lineage.study_instance_uid,
            lineage.series_instance_uid,
        )

        def enter(transaction: Transaction) -> tuple[Acceptance, bool]:
            connection = transaction.connection
            others = rows.others_of(connection, arrival.sop_instance_uid)
            for row in others:
                if row["blob_sha256"] == blob.sha256:
                    known = Acceptance(received_from(row), repeated=True, conflict=False)
                    return known, row["state"] != InstanceState.DELIVERED
            # In another transfer syntax it may be the same content: a worker looks.
            conflict = bool(others) and all(
                row["transfer_syntax"] == arrival.origin.transfer_syntax for row in others
            )
            transaction.place(blobs.partial / name, blobs.received / name)
            transitions.enter(connection, received, withheld=UidConflict() if conflict else None)
            return Acceptance(received, repeated=False, conflict=conflict), False

        def mend(transaction: Transaction, known: InstanceId, is_held: bool) -> Acceptance:
            connection = transaction.connection
            row = connection.execute(
                f"SELECT * FROM instances WHERE id = ? AND {OPEN}",  # noqa: S608
                (known,),
            ).fetchone()
            if row is None:
                # A person has discarded it in this moment.
                return enter(transaction)[0]
            original = received_from(row)
            if row["state"] == InstanceState.DELIVERED:
                return Acceptance(original, repeated=True, conflict=False)
            if not is_held:
                transaction.place(blobs.partial / name, blobs.received / original.blob.name)
            walks = row["state"] == InstanceState.WITHHELD and row["code"] in _MENDED
            if walks:
                rows.set_origin(connection, known, arrival.origin)
                transitions.walk_again(connection, known)
            return Acceptance(original, repeated=is_held and not walks, conflict=False)

        try:
            acceptance, is_in_doubt = self._custody.write(enter, name="accept")
            if is_in_doubt:
                # Success says that its bytes are held: they are read before it is said.
                known, is_held = acceptance.instance.id, self._is_held(acceptance.instance)
                acceptance = self._custody.write(
                    lambda one: mend(one, known, is_held), name="accept"
                )
            return acceptance
        finally:
            # Gone already when it was placed; a repeated one, or one whose commit
            # failed before the rename, must not stay behind.
            incoming.discard()

    def _is_held(self, received: ReceivedInstance) -> bool:
        try:
            verified(self._custody.blobs.received, received.blob, self._custody.blobs.files)
        except BlobDamaged:
            return False
        return True

    def _written(self, chunks: Iterable[bytes]) -> Incoming:
        incoming = self.begin()
        for chunk in chunks:
            incoming.write(chunk)
        return incoming
