"""A network between two machines that can break, or swallow what is sent, for as long as asked."""

import socket
import threading
from contextlib import suppress

from tests.fakes.link import Link


class Partition(Link):
    """Passes bytes both ways to `target_port` and keeps those that go there in `crossed`."""

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.crossed = bytearray()
        self._swallows = threading.Event()

    def swallow(self) -> None:
        """Let every connection stand, and pass nothing on any more."""
        self._swallows.set()

    def _pass(self, source: socket.socket, sink: socket.socket, *, goes_there: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                if self._swallows.is_set():
                    continue
                if goes_there:
                    self.crossed += piece
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
