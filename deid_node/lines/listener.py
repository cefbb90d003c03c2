"""Takes the calls of nodes: a thread for each connection, and no more than so many at once."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Final

from deid_node.lines.channel import HANDSHAKE_SECONDS, Channel
from deid_node.lines.messages import LineLost

_MOST_CONNECTIONS: Final = 1024


class Listener:
    """Listens on `host`; `serve` is called in a thread of its own for each connection.

    Who shows no certificate of the context's authorities is not heard. `serve` may raise
    `LineLost`; the connection is closed after it.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        serve: Callable[[Channel], None],
        *,
        host: str,
        port: int = 0,
        at_most: int = _MOST_CONNECTIONS,
    ) -> None:
        self._context = context
        self._serve = serve
        self._room = threading.BoundedSemaphore(at_most)
        self._socket = socket.create_server((host, port))
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="listener", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        """Take calls from now on."""
        self._thread.start()

    def close(self) -> None:
        """Take no more calls; those that stand go on."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._closed.is_set():
                    return
                continue
            if not self._room.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(
                target=self._heard, args=(connection,), name="line", daemon=True
            ).start()

    def _heard(self, plain: socket.socket) -> None:
        try:
            # The handshake here, not where calls are taken: a slow caller holds up nobody.
            plain.settimeout(HANDSHAKE_SECONDS)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A caller whose machine is gone says nothing any more, not even that.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            with (
                contextlib.suppress(OSError, LineLost),
                Channel(self._context.wrap_socket(plain, server_side=True)) as channel,
            ):
                self._serve(channel)
        finally:
            plain.close()
            self._room.release()
