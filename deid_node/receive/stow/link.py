"""The socket below the requests of a caller, read within bounds of time.

A caller may be slow, but not without end: beside the silence between two pieces, all the
time that is spent waiting for it has a limit that grows with what has come. The time
that custody takes is not the caller's.
"""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final

_PIECE_BYTES: Final = 1 << 18
_LEAST_BYTES_PER_SECOND: Final = 1000
_LINGER_SECONDS: Final = 5.0


class Link:
    """An accepted connection; its own thread uses it, any may `break_off`."""

    def __init__(self, connection: socket.socket, *, silence_seconds: float) -> None:
        self._socket = connection
        self._silence_seconds = silence_seconds
        self._allowed_seconds = silence_seconds
        self._waited_seconds = 0.0
        self._received_bytes = 0
        self.is_over = False
        """Whether the caller has sent all that it will send."""
        connection.settimeout(silence_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def secure(self, context: ssl.SSLContext, *, limit_seconds: float) -> None:
        """Shake hands; raises `OSError` or `ValueError` where that fails or takes longer."""
        # Where the peer has gone already, to wrap would fail and leave the socket open.
        self._socket.getpeername()
        self._socket.settimeout(limit_seconds)
        secured = context.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False)
        self._socket = secured
        secured.do_handshake()

    def certificate(self) -> Mapping[str, Any]:
        """Return the caller's verified certificate; empty where it has shown none."""
        secured = self._socket
        shown = secured.getpeercert() if isinstance(secured, ssl.SSLSocket) else None
        return shown or {}

    def allow(self, seconds: float) -> None:
        """Let the caller take so long for what comes next, and a second for each 1000 bytes."""
        self._allowed_seconds = seconds
        self._waited_seconds = 0.0
        self._received_bytes = 0

    @property
    def is_amid(self) -> bool:
        """Whether anything has come since `allow`."""
        return self._received_bytes > 0

    def receive(self) -> bytes:
        """Return the next bytes, none where the caller has ended; raises `OSError`.

        `TimeoutError` where it is silent, or dawdles.
        """
        credit = self._received_bytes / _LEAST_BYTES_PER_SECOND
        left = self._allowed_seconds + credit - self._waited_seconds
        if left <= 0:
            raise TimeoutError("the caller dawdles")
        self._socket.settimeout(min(left, self._silence_seconds))
        started = monotonic()
        piece = self._socket.recv(_PIECE_BYTES)
        self._waited_seconds += monotonic() - started
        self._received_bytes += len(piece)
        self.is_over = not piece
        return piece

    def send(self, content: bytes) -> None:
        """Send all of it; raises `OSError`, also where the caller does not take it in time."""
        self._socket.settimeout(self._silence_seconds)
        self._socket.sendall(content)

    def linger(self) -> None:
        """Let the caller hear the answer: what it still sends is taken for a while, and let go.

        Where it is closed with bytes unread, the caller's side may throw the answer away.
        """
        until = monotonic() + _LINGER_SECONDS
        with suppress(OSError, ValueError):
            self._say_goodbye()
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            while (left := until - monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv(_PIECE_BYTES):
                    break

    def break_off(self) -> None:
        """End the connection, so that the thread that uses it comes to its end."""
        with suppress(OSError):
            # Of the plain socket: that of TLS would let go of its keys first.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; may be called again."""
        with suppress(OSError, ValueError):
            self._say_goodbye()
        self.break_off()
        self._socket.close()

    def _say_goodbye(self) -> None:
        """Tell that nothing follows, where TLS is spoken; does not wait for the other side."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(0)
            with suppress(ssl.SSLError):
                self._socket.unwrap()
