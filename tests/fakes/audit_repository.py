"""An audit record repository on loopback that keeps what it hears, by UDP, TCP or TLS."""

import socket
import ssl
import threading
from contextlib import suppress
from typing import Any

from tests.fakes.waiting import eventually


class Repository:
    """Listens from the start until `close`; `heard` holds messages without their framing."""

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[bytes] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", port))
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """The port that listens."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Hang up on everybody and listen no more."""
        # Wakes the thread that accepts; closing alone would not.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def wait_for(self, count: int) -> list[bytes]:
        """Return what was heard, once it is `count` messages."""
        eventually(lambda: len(self.heard) >= count, what="audit messages", patience_seconds=60)
        return list(self.heard)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection.makefile("rb") as stream:
            while length := _number(stream):
                self.heard.append(stream.read(length))


class DatagramRepository:
    """The same by UDP."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(10)

    @property
    def port(self) -> int:
        """The port that listens."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()

    def wait_for(self, count: int) -> list[bytes]:
        """Return what was heard, once it is `count` messages."""
        while len(self.heard) < count:
            self.heard.append(self._socket.recv(1 << 16))
        return list(self.heard)


def _number(stream: Any) -> int:
    digits = b""
    while (digit := stream.read(1)) and digit != b" ":
        digits += digit
    return int(digits or b"0")
