"""One association with an archive, spoken over a blocking socket.

A C-STORE user asks and waits, in turns, so it needs no event loop and no
threads of its own; every wait has an end. An association that broke in any way
is never used again.
"""

import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase
from time import monotonic
from typing import NoReturn

from deid_node.errors import BlobDamaged, DestinationUnavailable
from deid_node.forward.dimse import pdus
from deid_node.forward.dimse.commands import (
    echo_request,
    parse_echo_response,
    parse_store_response,
    store_request,
)
from deid_node.forward.dimse.link import Link, open_link, unavailable
from deid_node.forward.dimse.payload import read_some
from deid_node.forward.dimse.pdus import PduType, ProtocolError

# Nothing that an archive tells a C-STORE user is longer; we announce no less than it may use.
_LONGEST_PDU_READ_BYTES = 1 << 20
_ANNOUNCED_PDU_BYTES = 16_384
# A piece that is sent at once: large enough for few system calls, small enough for memory.
_PIECE_BYTES = 1 << 18
_RELEASE_SECONDS = 5.0
_ABORT = pdus.pdu(PduType.ABORT, b"\0\0\0\0")


@dataclass(frozen=True, slots=True)
class Archive:
    """Whom to call, as whom, in TLS or not, and how long it may be silent."""

    host: str
    port: int
    called: str
    calling: str
    timeout_seconds: float
    implementation: tuple[str, str]
    tls: ssl.SSLContext | None = field(default=None, repr=False)


class AssociationLost(Exception):
    """An association broke under an instance; the text names no value."""


class Association:
    """An open association; made by `open_association`, used by one thread at a time."""

    def __init__(
        self,
        link: Link,
        archive: Archive,
        contexts: Sequence[pdus.Context],
        *,
        patience_seconds: float,
    ) -> None:
        self._link = link
        self._timeout_seconds = archive.timeout_seconds
        self._message_id = 0
        self.moved_at = monotonic()
        """When a piece was last sent or an answer read."""
        self.offered = frozenset(
            (context.sop_class, context.transfer_syntax) for context in contexts
        )
        try:
            acceptance = self._negotiated(archive, contexts, patience_seconds)
            self._fragment_bytes = pdus.largest_fragment(
                acceptance.max_pdu_bytes, ceiling_bytes=_PIECE_BYTES
            )
        except (OSError, ProtocolError) as error:
            self._lose(error)
        except DestinationUnavailable:
            self.shut()
            raise
        self._accepted = {
            (context.sop_class, context.transfer_syntax): context.id
            for context in contexts
            if context.id in acceptance.context_ids
        }
        self.last_used = monotonic()

    def accepts(self, sop_class: str, transfer_syntax: str) -> bool:
        """Return whether the archive takes this class in this transfer syntax."""
        return (sop_class, transfer_syntax) in self._accepted

    def store(
        self,
        dataset: BufferedIOBase,
        size_bytes: int,
        *,
        sop_class: str,
        sop_instance: str,
        transfer_syntax: str,
    ) -> int:
        """Send `size_bytes` of an encoded dataset and return the status of the answer.

        Raises
        ------
        AssociationLost
            It broke before a status came: what became of the instance is not known.
        BlobDamaged
            The dataset cannot be read to its end; the association was aborted.
        """
        try:
            return self._stored(dataset, size_bytes, sop_class, sop_instance, transfer_syntax)
        except DestinationUnavailable as error:
            raise AssociationLost(str(error)) from None

    def echo(self, sop_class: str, transfer_syntax: str) -> int:
        """Ask whether the archive is there, and return its status.

        Raises `DestinationUnavailable` where no status comes, or the context was not accepted.
        """
        context_id = self._accepted.get((sop_class, transfer_syntax))
        if context_id is None:
            raise DestinationUnavailable("the destination does not offer verification")
        self._message_id = self._message_id % 0xFFFF + 1
        command = echo_request(message_id=self._message_id, sop_class=sop_class)
        pieces = self._pieces(command, context_id, is_command=True, is_last=True)
        self._send(b"".join(pieces))
        try:
            answer = self._command(context_id, monotonic() + self._timeout_seconds)
            return parse_echo_response(answer, message_id=self._message_id)
        except (OSError, ProtocolError) as error:
            self._lose(error)

    def is_alive(self) -> bool:
        """Return whether an idle association is still good: the archive has said nothing since.

        What it may have said in between is a release, an abort or good-bye.
        """
        try:
            if not self._link.has_spoken():
                return True
            kind, _ = self._read_pdu(monotonic() + 1)
            if kind == PduType.RELEASE_RQ:
                self._send(pdus.pdu(PduType.RELEASE_RP, b"\0\0\0\0"))
        except (OSError, ProtocolError, DestinationUnavailable):
            pass
        self.shut()
        return False

    def release(self) -> None:
        """Say good-bye in order; an archive that does not answer is left all the same."""
        try:
            self._send(pdus.pdu(PduType.RELEASE_RQ, b"\0\0\0\0"))
            deadline = monotonic() + min(_RELEASE_SECONDS, self._timeout_seconds)
            while self._read_pdu(deadline)[0] == PduType.DATA_TF:
                pass
        except (OSError, ProtocolError, DestinationUnavailable):
            pass
        self._link.close()

    def abort(self) -> None:
        """Break off; whatever is in hand at the archive is void."""
        self._link.say(_ABORT)
        self.shut()

    def shut(self) -> None:
        """Close the connection; another thread that waits on it wakes up and fails."""
        self._link.shut()

    def _negotiated(
        self, archive: Archive, contexts: Sequence[pdus.Context], patience_seconds: float
    ) -> pdus.Acceptance:
        request = pdus.associate_request(
            called=archive.called,
            calling=archive.calling,
            contexts=contexts,
            max_pdu_bytes=_ANNOUNCED_PDU_BYTES,
            implementation=archive.implementation,
        )
        self._send(request)
        kind, content = self._read_pdu(monotonic() + patience_seconds)
        if kind == PduType.ASSOCIATE_AC:
            return pdus.parse_accept(content)
        if kind == PduType.ASSOCIATE_RJ and len(content) == 4:
            _, result, source, reason = content
            raise DestinationUnavailable(
                f"the association was rejected (result {result}, source {source}, reason {reason})"
            )
        if kind == PduType.ABORT:
            raise DestinationUnavailable("the association was aborted while it was negotiated")
        raise ProtocolError("the answer to the request of an association is something else")

    def _stored(
        self,
        dataset: BufferedIOBase,
        size_bytes: int,
        sop_class: str,
        sop_instance: str,
        transfer_syntax: str,
    ) -> int:
        context_id = self._accepted[sop_class, transfer_syntax]
        self._message_id = self._message_id % 0xFFFF + 1
        command = store_request(
            message_id=self._message_id, sop_class=sop_class, sop_instance=sop_instance
        )
        waiting = self._pieces(command, context_id, is_command=True, is_last=True)
        step = max(1, _PIECE_BYTES // self._fragment_bytes) * self._fragment_bytes
        left = size_bytes
        while left:
            try:
                chunk = read_some(dataset, min(step, left))
            except BlobDamaged:
                self.abort()
                raise
            left -= len(chunk)
            waiting += self._pieces(chunk, context_id, is_command=False, is_last=left == 0)
            self._send(b"".join(waiting))
            waiting = []
        status = self._answer(context_id)
        self.last_used = monotonic()
        return status

    def _pieces(
        self, content: bytes, context_id: int, *, is_command: bool, is_last: bool
    ) -> list[bytes]:
        return pdus.data_pdus(
            content,
            context_id=context_id,
            is_command=is_command,
            is_last=is_last,
            fragment_bytes=self._fragment_bytes,
        )

    def _answer(self, context_id: int) -> int:
        try:
            command = self._command(context_id, monotonic() + self._timeout_seconds)
            return parse_store_response(command, message_id=self._message_id)
        except (OSError, ProtocolError) as error:
            self._lose(error)

    def _command(self, context_id: int, deadline: float) -> bytes:
        content = bytearray()
        while True:
            kind, body = self._read_pdu(deadline)
            if kind == PduType.ABORT:
                raise ProtocolError("the destination aborted the association")
            if kind != PduType.DATA_TF:
                raise ProtocolError("the destination ended the association without an answer")
            for fragment in pdus.parse_fragments(body):
                if fragment.context_id != context_id or not fragment.is_command:
                    raise ProtocolError("the answer is out of order")
                content += fragment.content
                if len(content) > _LONGEST_PDU_READ_BYTES:
                    raise ProtocolError("the answer does not end")
                if fragment.is_last:
                    return bytes(content)

    def _send(self, content: bytes) -> None:
        try:
            self._link.send(content, timeout_seconds=self._timeout_seconds)
        except OSError as error:
            self._lose(error)
        self.moved_at = monotonic()

    def _read_pdu(self, deadline: float) -> tuple[int, bytes]:
        head = self._link.read(pdus.PDU_HEADER_BYTES, deadline=deadline)
        kind, length = struct.unpack(">BxL", head)
        if length > _LONGEST_PDU_READ_BYTES:
            raise ProtocolError("a PDU is longer than any answer")
        content = self._link.read(length, deadline=deadline)
        self.moved_at = monotonic()
        return kind, content

    def _lose(self, error: OSError | ProtocolError) -> NoReturn:
        if isinstance(error, ProtocolError | TimeoutError):
            self.abort()
        self.shut()
        raise unavailable(error) from None


def open_association(
    archive: Archive, contexts: Sequence[pdus.Context], *, patience_seconds: float | None = None
) -> Association:
    """Return a new association that offers `contexts`; raise `DestinationUnavailable`.

    `patience_seconds` is how long its answer may take, where that is less than the archive
    may be silent later.
    """
    if patience_seconds is None:
        patience_seconds = archive.timeout_seconds
    patience_seconds = min(patience_seconds, archive.timeout_seconds)
    link = open_link(archive.host, archive.port, timeout_seconds=patience_seconds, tls=archive.tls)
    return Association(link, archive, contexts, patience_seconds=patience_seconds)
