"""One part of a request: a Part 10 file that goes into custody while it comes.

Its File Meta Information says what it is, as the command does for C-STORE; it is kept in
memory, and the dataset behind it goes to disk. The spool writes a header of its own, so
that the same instance gives the same file on whichever way it came.
"""

from collections.abc import Callable
from typing import Final

from deid_node.dicom.file_meta import LARGEST_BYTES, FileMeta, file_meta_in
from deid_node.errors import DatasetUnreadable, DeidNodeError, ReceiveError, SyntaxNotTaken
from deid_node.receive.encodings import is_taken
from deid_node.receive.intake import Announced, Intake, Refused
from deid_node.receive.stow.report import SopReference
from deid_node.spool.arrivals import Acceptance, Incoming
from deid_node.values.origin import Origin

_FIRST_LOOK_BYTES: Final = 256
_MOST_HELD_BYTES: Final = 2 * LARGEST_BYTES


class PartTen:
    """A part on its way into custody.

    `study_instance_uid` is the study that the request names, empty for any; `origin_of`
    says where an instance in some transfer syntax came from. With `fault` nothing of the
    part is taken, whatever is in it.
    """

    def __init__(
        self,
        intake: Intake,
        origin_of: Callable[[str], Origin],
        *,
        study_instance_uid: str,
        fault: ReceiveError | None = None,
    ) -> None:
        self._intake = intake
        self._origin_of = origin_of
        self._study_instance_uid = study_instance_uid
        self._fault: DeidNodeError | None = fault
        self._head = bytearray()
        self._next_look = _FIRST_LOOK_BYTES
        self._announced: Announced | None = None
        self._incoming: Incoming | None = None

    @property
    def reference(self) -> SopReference | None:
        """What the part says that it is; None where that could not be read."""
        if self._announced is None:
            return None
        return SopReference(self._announced.sop_class_uid, self._announced.sop_instance_uid)

    def write(self, piece: memoryview) -> None:
        """Take the next bytes of the file; does not raise."""
        if self._incoming is not None:
            self._incoming.write(piece)
        elif self._fault is None:
            self._look(piece)

    def end(self) -> Acceptance | Refused:
        """Return what became of the file, which is whole; does not raise."""
        self._next_look = 0
        self.write(memoryview(b""))
        if self._fault is None and self._announced is None:
            self._fault = DatasetUnreadable("it breaks off before its dataset")
        origin = self._origin_of("" if self._announced is None else self._announced.transfer_syntax)
        if self._fault is None and self._incoming is not None and self._announced is not None:
            return self._intake.take(self._incoming, self._announced, origin)
        fault = self._fault or DatasetUnreadable("it has no dataset")
        return self._intake.refuse(
            self._incoming, fault, association=origin.association, peer=origin.peer
        )

    def discard(self) -> None:
        """Let go of what has come of a file that will not be whole."""
        if self._incoming is not None:
            self._incoming.discard()

    def _look(self, piece: memoryview) -> None:
        """Take bytes of the File Meta Information, and those of the dataset behind it."""
        before = len(self._head)
        self._head += piece[: max(0, _MOST_HELD_BYTES - before)]
        # What comes byte by byte is not read anew with each of them.
        if len(self._head) < self._next_look:
            return
        self._next_look *= 2
        try:
            meta = file_meta_in(self._head)
            if meta is None:
                return
            incoming = self._begin(meta)
        except ReceiveError as fault:
            self._fault = fault
        else:
            incoming.write(bytes(self._head[meta.length_bytes : before]))
            incoming.write(piece[max(0, meta.length_bytes - before) :])
            self._incoming = incoming
        self._head = bytearray()

    def _begin(self, meta: FileMeta) -> Incoming:
        self._announced = Announced(
            meta.sop_class_uid,
            meta.sop_instance_uid,
            meta.transfer_syntax,
            self._study_instance_uid,
        )
        if not is_taken(meta.transfer_syntax):
            raise SyntaxNotTaken("the transfer syntax is none whose dataset can be parsed")
        return self._intake.begin(self._announced)
