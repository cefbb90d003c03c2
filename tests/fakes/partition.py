"""A network between two machines that can break, or swallow what is sent, for as long as asked."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Partition:
    """Passes bytes both ways to `target_port` and keeps those that go there in `crossed`."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.crossed = bytearray()
        self._swallows = threading.Event()
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def swallow(self) -> None:
        """Let every connection stand, and pass nothing on any more."""
        self._swallows.set()

    def cut(self) -> None:
        """Break every connection that stands."""
        with self._lock:
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._ends.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target_port))
            with self._lock:
                self._ends += [near, far]
            for source, sink, goes_there in ((near, far, True), (far, near, False)):
                thread = threading.Thread(target=self._pass, args=(source, sink, goes_there))
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, sink: socket.socket, goes_there: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                if self._swallows.is_set():
                    continue
                if goes_there:
                    self.crossed += piece
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
