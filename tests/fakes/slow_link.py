"""A link between a node and an archive that lets only so many bytes a second through."""

import socket
from contextlib import suppress
from time import sleep

from tests.fakes.link import Link, close

_STEP_SECONDS = 0.05


class SlowLink(Link):
    """Listens on a port of the loopback and passes all on to another, both ways, slowly."""

    def __init__(self, target_port: int, *, bytes_per_second: int) -> None:
        super().__init__(target_port)
        self._step_bytes = max(1, int(bytes_per_second * _STEP_SECONDS))
        # Small buffers: what lies in them has not crossed the link.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.passed_bytes = 0

    def _pass(self, source: socket.socket, sink: socket.socket, *, goes_there: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(self._step_bytes):
                sleep(_STEP_SECONDS)
                sink.sendall(piece)
                self.passed_bytes += len(piece)
        close(source)
        close(sink)
