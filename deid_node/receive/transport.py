"""The socket below an association, read in large pieces and within bounds.

The library reads 4 KiB at a time and believes any length that a PDU claims. A
CT slice would take 128 calls, and six bytes from a stranger could ask for 4 GB.
"""

import select
import socket
from time import sleep
from typing import Final

from pynetdicom.transport import AssociationSocket

from deid_node.receive.acceptor import Acceptor
from deid_node.receive.turns import LONGEST_WAIT_SECONDS

_LARGEST_ASSOCIATE_BYTES: Final = 1 << 20
_LARGEST_UNLIMITED_BYTES: Final = 1 << 28


class DoorSocket(AssociationSocket):
    """An accepted connection.

    `max_pdu_bytes` is what the peer was told (PS3.8 D.1; 0 = unlimited, bounded
    here by 256 MiB). A-ASSOCIATE PDUs may reach 1 MiB whatever the peer was told.
    `silence_seconds` bounds the wait for the rest of a PDU.
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
        self._spoilt = False
        self._limit_bytes = (
            max(max_pdu_bytes, _LARGEST_ASSOCIATE_BYTES)
            if max_pdu_bytes
            else _LARGEST_UNLIMITED_BYTES
        )
        connection.settimeout(silence_seconds)
        # An answer of a hundred bytes must not wait for the peer's delayed acknowledgement.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def ready(self) -> bool:
        """Return whether bytes wait to be read, after waiting a moment for them or our answer."""
        if self.socket is None or not self._is_connected or self._spoilt:
            sleep(LONGEST_WAIT_SECONDS)
            return False
        if self._turns.ours and self._turns.wait_for_answer():
            return False
        wait_seconds = 0.0 if self._turns.ours else LONGEST_WAIT_SECONDS
        try:
            if getattr(self.socket, "pending", int)():
                return True
            # poll, not select: select cannot watch descriptors above 1023.
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            return bool(poll.poll(wait_seconds * 1000))
        except (OSError, ValueError):
            self.event_queue.put("Evt17")
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """Return `nr_bytes` bytes, fewer where the peer closed the connection.

        Raises `OSError` where the connection fails, falls silent, or claims more
        than it may send.
        """
        # Until all of it is there: what follows half a PDU is noise and must not be read as one.
        self._spoilt = True
        if nr_bytes > self._limit_bytes:
            raise ConnectionAbortedError("a PDU claims to be longer than allowed")
        if self.socket is None:
            raise ConnectionAbortedError("the connection is closed")
        buffer = bytearray(nr_bytes)
        read = 0
        with memoryview(buffer) as view:
            while read < nr_bytes:
                count = self.socket.recv_into(view[read:])
                if not count:
                    break
                read += count
        del buffer[read:]
        self._spoilt = read < nr_bytes
        return buffer
