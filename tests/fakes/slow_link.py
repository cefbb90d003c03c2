"""A link between a node and an archive that lets only so many bytes a second through."""

import socket
import threading
from contextlib import suppress
from time import sleep
from typing import Self

_STEP_SECONDS = 0.05


class SlowLink:
    """Listens on a port of the loopback and passes all on to another, both ways, slowly."""

    def __init__(self, target_port: int, *, bytes_per_second: int) -> None:
        self._target_port = target_port
        self._step_bytes = max(1, int(bytes_per_second * _STEP_SECONDS))
        # Small buffers: what lies in them has not crossed the link.
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port: int = self._listener.getsockname()[1]
        self.passed_bytes = 0
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for end in self._ends:
            _close(end)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target_port))
            self._ends += (near, far)
            for source, target in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass, args=(source, target))
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(self._step_bytes):
                sleep(_STEP_SECONDS)
                target.sendall(piece)
                self.passed_bytes += len(piece)
        _close(source)
        _close(target)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
