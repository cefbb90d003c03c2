"""A link between a node and an archive that is cut after so many bytes, either way."""

import socket
import threading
from contextlib import suppress
from enum import StrEnum
from typing import Self


class Way(StrEnum):
    """Which bytes are counted."""

    UP = "up"
    DOWN = "down"


class CuttingLink:
    """Passes all on, until `after_bytes` of `way` have crossed: then the connection is broken.

    Only the first connection is cut, by a reset; those after it pass. None cuts nothing
    and counts what crosses.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.crossed = {Way.UP: 0, Way.DOWN: 0}
        self._cut: tuple[Way, int] | None = None
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept)]
        self._ends: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._ends):
            _reset(end)
        for thread in self._threads:
            thread.join()

    def cut(self, way: Way, after_bytes: int) -> None:
        """Cut the next connection there, counted from its beginning."""
        with self._lock:
            self._cut = (way, after_bytes)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target_port))
            with self._lock:
                cut, self._cut = self._cut, None
                self._ends |= {near, far}
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._cross, args=(near, far, cut))
            self._threads.append(thread)
            thread.start()

    def _cross(self, near: socket.socket, far: socket.socket, cut: tuple[Way, int] | None) -> None:
        passing = [
            threading.Thread(
                target=self._pass,
                args=(way, *ends, cut[1] if cut is not None and cut[0] is way else None),
            )
            for way, ends in ((Way.UP, (near, far)), (Way.DOWN, (far, near)))
        ]
        for thread in passing:
            thread.start()
        for thread in passing:
            thread.join()
        with self._lock:
            self._ends -= {near, far}
        near.close()
        far.close()

    def _pass(
        self, way: Way, source: socket.socket, target: socket.socket, left: int | None
    ) -> None:
        with suppress(OSError):
            while left != 0 and (
                piece := source.recv(1 << 16 if left is None else min(left, 1 << 16))
            ):
                # Counted first: who gets the last byte may ask at once.
                self.crossed[way] += len(piece)
                target.sendall(piece)
                left = None if left is None else left - len(piece)
        if left == 0:
            _reset(source)
            _reset(target)
        else:
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                source.shutdown(socket.SHUT_RD)


def _reset(end: socket.socket) -> None:
    """End a connection in the middle, and wake whoever waits on it."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
