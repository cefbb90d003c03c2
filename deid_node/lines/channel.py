"""One secured connection, on which one side speaks at a time.

Never read and written to at once, by two threads: OpenSSL does not bear that. Where one side
must be heard of while the other works there is a second connection, on which it only beats.
"""

import contextlib
import select
import socket
import ssl
from typing import Final, Self

from deid_node.dicom.tls import client_tls, server_tls
from deid_node.lines import messages
from deid_node.lines.messages import LineLost, Message
from deid_node.lines.options import LineTlsOptions

HANDSHAKE_SECONDS: Final = 10.0
BEAT_SECONDS: Final = 1.0
"""How often a side that is only listened to says that it lives."""
BEAT: Final = Message("beat")


class Channel:
    """A connection after its handshake; used by one thread, except for `break_off`."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection

    def send(self, message: Message, *, seconds: float) -> None:
        """Send `message`; raise `LineLost` where nothing of it moves for `seconds`."""
        try:
            self._connection.settimeout(seconds)
            messages.send(self._connection, message)
        except (OSError, ValueError) as error:
            raise LineLost(type(error).__name__) from None

    def receive(self, *, seconds: float) -> Message:
        """Return the next message; raise `LineLost` where nothing comes for `seconds`."""
        try:
            self._connection.settimeout(seconds)
            return messages.receive(self._connection)
        except (OSError, ValueError, MemoryError) as error:
            raise LineLost(type(error).__name__) from None

    def rests(self, seconds: float) -> bool:
        """Return whether nothing comes for `seconds`: False when it speaks, or has gone."""
        try:
            # Not `select`, which bears no more than 1024 open files.
            poll = select.poll()
            poll.register(self._connection, select.POLLIN)
            return not (self._connection.pending() or poll.poll(int(seconds * 1000)))
        except (OSError, ValueError):
            return False

    def break_off(self) -> None:
        """Let nothing pass any more; any thread may call, and who reads wakes up.

        Its number stays taken until `close`: one that was given to another connection in the
        meantime would have who still reads here take that one's bytes.
        """
        with contextlib.suppress(OSError):
            # By the plain socket's call: that of TLS would wait for a word of the other side.
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    def close(self) -> None:
        """End it; for the thread that uses it, or when none does."""
        self.break_off()
        self._connection.close()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def calling_context(options: LineTlsOptions, path: str) -> ssl.SSLContext:
    """Return the context of the side that calls; raise `ConfigurationError` below `path`."""
    return client_tls(options.calling(), path, least=ssl.TLSVersion.TLSv1_3)


def called_context(options: LineTlsOptions, path: str) -> ssl.SSLContext:
    """Return the context of the side that is called; raise `ConfigurationError` below `path`."""
    return server_tls(options.called(), path, least=ssl.TLSVersion.TLSv1_3)


def call(
    host: str, port: int, context: ssl.SSLContext, *, server_name: str | None, seconds: float
) -> Channel:
    """Return a channel to `host`; raise `LineLost` where there is none within `seconds`."""
    try:
        plain = socket.create_connection((host, port), timeout=seconds)
    except OSError as error:
        raise LineLost(type(error).__name__) from None
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Channel(context.wrap_socket(plain, server_hostname=server_name or host))
    except OSError as error:
        plain.close()
        raise LineLost(type(error).__name__) from None
