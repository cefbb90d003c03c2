"""The socket below an association, read in large pieces and within bounds.

The library reads 4 KiB at a time and believes any length that a PDU claims. A
CT slice would take 128 calls, and six bytes from a stranger could ask for 4 GB.
A peer may be slow, but not without end: each PDU has a time within which it
must be whole.
"""

import select
import socket
import ssl
import struct
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic, sleep
from typing import Any, Final

from pynetdicom.transport import AssociationSocket

from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.dimse.turns import LONGEST_WAIT_SECONDS

_LARGEST_ASSOCIATE_BYTES: Final = 1 << 20
_LARGEST_UNLIMITED_BYTES: Final = 1 << 28
_LEAST_BYTES_PER_SECOND: Final = 1000
_MOST_UNANSWERED: Final = 8
_DATA_TRANSFER: Final = 0x04
_HEADER: Final = struct.Struct(">BxL")
# A PDU of the length that is announced by default, and the beginning of the next.
_BUFFER_BYTES: Final = (1 << 17) + (1 << 12)


class DoorSocket(AssociationSocket):
    """An accepted connection.

    `max_pdu_bytes` is what the peer was told (PS3.8 D.1; 0 = unlimited, bounded
    here by 256 MiB). A-ASSOCIATE PDUs may reach 1 MiB whatever the peer was told.
    `silence_seconds` bounds the wait for the next bytes of a PDU; for all of it
    there are so many seconds and one more for each 1000 bytes.
    """

    def __init__(
        self,
        association: Acceptor,
        connection: socket.socket,
        *,
        max_pdu_bytes: int,
        silence_seconds: float,
    ) -> None:
        super().__init__(association, client_socket=connection)
        self._turns = association.turns
        self._unanswered = association.dimse.msg_queue
        self._spoilt = False
        # What was read and not handed out yet lies there from `_begin` to `_end`.
        self._buffer = bytearray()
        self._begin = self._end = 0
        self._silence_seconds = silence_seconds
        self._limit_bytes = (
            max(max_pdu_bytes, _LARGEST_ASSOCIATE_BYTES)
            if max_pdu_bytes
            else _LARGEST_UNLIMITED_BYTES
        )
        connection.settimeout(silence_seconds)
        # An answer of a hundred bytes must not wait for the peer's delayed acknowledgement.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def secure(self, context: ssl.SSLContext, *, limit_seconds: float) -> None:
        """Shake hands; raises `OSError` where that fails or takes longer than `limit_seconds`.

        To be called by the association's own thread: a peer that dawdles holds up
        nobody else.
        """
        if self.socket is None:
            raise ConnectionAbortedError("the connection is closed")
        # Where the peer has gone already, to wrap would fail and leave the socket open.
        self.socket.getpeername()
        self.socket.settimeout(limit_seconds)
        secured = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket = secured
        secured.do_handshake()
        secured.settimeout(self._silence_seconds)

    def certificate(self) -> Mapping[str, Any]:
        """Return the peer's verified certificate; empty where it has shown none."""
        secured = self.socket
        shown = secured.getpeercert() if isinstance(secured, ssl.SSLSocket) else None
        return shown or {}

    def break_off(self) -> None:
        """End the connection, so that the thread that uses it comes to its end; any may call."""
        connection = self.socket
        if connection is not None:
            with suppress(OSError):
                # Of the plain socket: that of TLS would let go of its keys first.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _shutdown_socket(self) -> None:
        """Close the connection, also where the peer was first; the library would leave it open."""
        if self.socket is not None:
            self.break_off()
            self.socket.close()

    @property
    def ready(self) -> bool:
        """Return whether bytes wait to be read, after waiting a moment for them or our answer."""
        if self.socket is None or not self._is_connected or self._spoilt:
            sleep(LONGEST_WAIT_SECONDS)
            return False
        if self._unanswered.qsize() >= _MOST_UNANSWERED:
            # Who does not wait for answers waits for room: it is not all kept in memory.
            sleep(LONGEST_WAIT_SECONDS)
            return False
        if self._turns.ours and self._turns.wait_for_answer():
            return False
        wait_seconds = 0.0 if self._turns.ours else LONGEST_WAIT_SECONDS
        try:
            if self._end > self._begin or (
                isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()
            ):
                return True
            # poll, not select: select cannot watch descriptors above 1023.
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            if not poll.poll(wait_seconds * 1000):
                return False
            return not isinstance(self.socket, ssl.SSLSocket) or self._has_plaintext(self.socket)
        except (OSError, ValueError):
            self.event_queue.put("Evt17")
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """Return `nr_bytes` bytes, fewer where the peer closed the connection.

        Raises `OSError` where the connection fails, falls silent, dawdles, or
        claims more than it may send.
        """
        # Until all of it is there: what follows half a PDU is noise and must not be read as one.
        self._spoilt = True
        if nr_bytes > self._limit_bytes:
            raise ConnectionAbortedError("a PDU claims to be longer than allowed")
        if self.socket is None:
            raise ConnectionAbortedError("the connection is closed")
        deadline = monotonic() + self._silence_seconds + nr_bytes / _LEAST_BYTES_PER_SECOND
        buffer = bytearray(nr_bytes)
        read = min(nr_bytes, self._end - self._begin)
        buffer[:read] = self._buffer[self._begin : self._begin + read]
        self._begin += read
        with memoryview(buffer) as view:
            while read < nr_bytes:
                count = self.socket.recv_into(view[read:])
                if not count:
                    break
                read += count
                if monotonic() > deadline:
                    raise TimeoutError("a PDU takes too long")
        del buffer[read:]
        self._spoilt = read < nr_bytes
        return buffer

    def next_data(self) -> memoryview | None:
        """Return the body of the next PDU where it is data, until the next call; else None.

        None also where the peer has closed, or the PDU is longer than is usual: `recv`
        reads it. Raises `OSError` as `recv` does.
        """
        if not self._gather(_HEADER.size):
            return None
        kind, length = _HEADER.unpack_from(self._buffer, self._begin)
        if kind != _DATA_TRANSFER or length > _BUFFER_BYTES - _HEADER.size:
            return None
        self._spoilt = True
        if length > self._limit_bytes:
            raise ConnectionAbortedError("a PDU claims to be longer than allowed")
        if not self._gather(_HEADER.size + length):
            raise ConnectionAbortedError("the peer closed within a PDU")
        self._spoilt = False
        begin = self._begin + _HEADER.size
        self._begin = begin + length
        return memoryview(self._buffer)[begin : self._begin]

    def _gather(self, wanted_bytes: int) -> bool:
        """Have so many bytes in the buffer; return whether they came before the peer closed."""
        if self._end - self._begin >= wanted_bytes:
            return True
        if self.socket is None:
            raise ConnectionAbortedError("the connection is closed")
        self._make_room(wanted_bytes)
        deadline = monotonic() + self._silence_seconds + wanted_bytes / _LEAST_BYTES_PER_SECOND
        with memoryview(self._buffer) as view:
            while self._end - self._begin < wanted_bytes:
                count = self.socket.recv_into(view[self._end :])
                if not count:
                    return False
                self._end += count
                if monotonic() > deadline:
                    self._spoilt = True
                    raise TimeoutError("a PDU takes too long")
        return True

    def _make_room(self, wanted_bytes: int) -> None:
        if not self._buffer:
            self._buffer = bytearray(_BUFFER_BYTES)
        if self._begin == self._end:
            self._begin = self._end = 0
        elif self._begin + wanted_bytes > len(self._buffer):
            left = self._end - self._begin
            self._buffer[:left] = self._buffer[self._begin : self._end]
            self._begin, self._end = 0, left

    def _has_plaintext(self, secured: ssl.SSLSocket) -> bool:
        """Return whether what arrived is for us, and no message of TLS itself or half a record.

        To read on would then mean to wait, while our own answer cannot be sent.
        """
        self._make_room(1)
        secured.settimeout(0)
        try:
            self._end = secured.recv_into(self._buffer)
        except ssl.SSLWantReadError:
            return False
        finally:
            secured.settimeout(self._silence_seconds)
        # Also with nothing: then the peer has closed, and `recv` says so.
        return True
