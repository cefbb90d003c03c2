"""What arrives, while it arrives: a file that is written piece by piece.

Nobody has promised anything while bytes come: what lies in ``partial`` counts for nothing
until `Arrivals.accept` has put it on disk for good and the journal names it. Only the
beginning is kept in memory, so that an instance may be larger than that.
"""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from deid_node.dicom.new_file import NewFile
from deid_node.dicom.spooled import lineage_in
from deid_node.dicom.study import Lineage, lineage_of
from deid_node.errors import DeidNodeError
from deid_node.spool.blobs import blob_name
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.spool.trouble import custody_error
from deid_node.values.identity import InstanceId, new_instance_id
from deid_node.values.instance import BlobRef

_HEAD_BYTES: Final = 1 << 18
_LOOK_EACH_BYTES: Final = 1 << 24


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

    def reference(self) -> BlobRef:
        """Return the reference of what came; the system has it, the disk may not yet.

        Raises the fault that was kept, `SpoolFull` or `SpoolUnavailable`; then the file is gone.
        """
        # Also of no bytes at all there is a file.
        self._put(b"")
        with self._lock:
            if self._file is not None:
                try:
                    # A full disk shows here, before anything names the instance.
                    self._file.end()
                except OSError as error:
                    self.fail(custody_error(error))
        if self._fault is not None:
            raise self._fault
        return BlobRef(self.path.name, self._size, self._digest.hexdigest())

    def finish(self) -> None:
        """Put the file on disk, under whichever name it has by then; its folder is not fsynced.

        Raises the fault that was kept, `SpoolFull` or `SpoolUnavailable`; who gave the file
        another name removes it then.
        """
        self.reference()
        file = self._file
        if file is None:
            return
        try:
            file.finish()
        except OSError as error:
            raise custody_error(error) from None

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
