"""What stands between two programs and passes bytes on: the part that all such links share."""

import socket
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self


class Link(ABC):
    """Listens on a `port` of the loopback and joins each caller to `target_port`.

    Bytes go each way in a thread of its own (`_pass`), until either end is closed.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()

    def cut(self) -> None:
        """Break every connection that stands."""
        with self._lock:
            for end in self._ends:
                close(end)
            self._ends.clear()

    @abstractmethod
    def _pass(self, source: socket.socket, sink: socket.socket, *, goes_there: bool) -> None:
        """Pass bytes from `source` to `sink`, which is the target's end where it `goes_there`."""

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
                thread = threading.Thread(
                    target=self._pass, args=(source, sink), kwargs={"goes_there": goes_there}
                )
                self._threads.append(thread)
                thread.start()


def close(end: socket.socket) -> None:
    """End a connection, and wake whoever waits on it."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
