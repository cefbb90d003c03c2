"""A connection to an archive, plain or in TLS; every wait on it has an end.

One thread at a time speaks on it. `shut` alone may come from another: it wakes
the one that waits.
"""

import socket
import ssl
from contextlib import suppress
from time import monotonic

from deid_node.dicom.tls import fault_of
from deid_node.errors import DestinationUnavailable
from deid_node.forward.dimse.pdus import PDU_HEADER_BYTES, ProtocolError


class Link:
    """An open connection; made by `open_link`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._ahead = b""

    def send(self, content: bytes, *, timeout_seconds: float) -> None:
        """Send all of `content`; raises `OSError`.

        The time limit holds for each step forward, not for the whole: a slow line
        is no silence.
        """
        view = memoryview(content)
        self._connection.settimeout(timeout_seconds)
        while view:
            view = view[self._connection.send(view) :]

    def read(self, size_bytes: int, *, deadline: float) -> bytes:
        """Return `size_bytes` bytes; raises `OSError`, or `ProtocolError` where there are fewer."""
        content = bytearray(self._ahead[:size_bytes])
        self._ahead = self._ahead[size_bytes:]
        while len(content) < size_bytes:
            left_seconds = deadline - monotonic()
            if left_seconds <= 0:
                raise TimeoutError
            self._connection.settimeout(left_seconds)
            try:
                piece = self._connection.recv(size_bytes - len(content))
            except ValueError:
                # What TLS says when another thread has shut the connection.
                piece = b""
            if not piece:
                raise ProtocolError("the connection was closed")
            content += piece
        return bytes(content)

    def has_spoken(self) -> bool:
        """Return whether the archive has said something, good-bye included; waits for nothing.

        What TLS says for its own sake does not count. Raises `OSError`.
        """
        self._connection.settimeout(0)
        try:
            self._ahead += self._connection.recv(PDU_HEADER_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        return True

    def say(self, last_word: bytes) -> None:
        """Send `last_word` if that is possible at once."""
        with suppress(OSError):
            self._connection.settimeout(0)
            self._connection.send(last_word)

    def close(self) -> None:
        """Close in order: TLS says so too, that nobody may have cut off the end."""
        if isinstance(self._connection, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self._connection.settimeout(0)
                self._connection.unwrap()
        self.shut()

    def shut(self) -> None:
        """Close at once; another thread that waits on it wakes up and fails."""
        with suppress(OSError):
            # Closing alone would not wake a thread that is inside recv or send. The method of
            # the plain socket: that of TLS forgets its keys first, and what another thread
            # sends in this moment would go out in the clear.
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)
        self._connection.close()


def open_link(host: str, port: int, *, timeout_seconds: float, tls: ssl.SSLContext | None) -> Link:
    """Return a new connection, hands shaken where `tls` is given.

    Raises `DestinationUnavailable`. `timeout_seconds` holds for the connection
    and for the handshake.
    """
    try:
        connection = socket.create_connection((host, port), timeout_seconds)
    except OSError as error:
        raise unavailable(error) from None
    # A request and its answer are short: waiting to fill a packet would cost 40 ms each.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if tls is None:
        return Link(connection)
    try:
        return Link(tls.wrap_socket(connection, server_hostname=host))
    except (OSError, ValueError) as error:
        connection.close()
        raise DestinationUnavailable(f"TLS: {fault_of(error).meaning}") from None


def unavailable(error: OSError | ProtocolError) -> DestinationUnavailable:
    """Return the error of the house for one of the connection or of what was said on it."""
    if isinstance(error, ssl.SSLError):
        return DestinationUnavailable(f"TLS: {fault_of(error).meaning}")
    if isinstance(error, TimeoutError):
        return DestinationUnavailable("the destination did not answer in time")
    if isinstance(error, ProtocolError):
        return DestinationUnavailable(str(error))
    return DestinationUnavailable(f"the connection failed ({type(error).__name__})")
