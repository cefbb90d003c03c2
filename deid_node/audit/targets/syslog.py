"""The site's audit record repository as target: RFC 5424 syslog that carries XML.

What is sent by TCP or TLS counts as delivered when the connection still stands
after the batch. That is as far as syslog lets a sender see; a repository that dies
with messages in its buffers loses them.
"""

import select
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC
from typing import Final

from deid_node.audit.message import AuditMessage, Result, Source
from deid_node.audit.xml import xml_of
from deid_node.dicom.tls import fault_of
from deid_node.errors import AuditUnavailable

_AUTHPRIV: Final = 10
_NOTICE: Final = 5
_WARNING: Final = 4
_MESSAGE_ID: Final = "DICOM+RFC3881"
_APPLICATION: Final = "deid_node"
_LONGEST_HOST: Final = 255
_VERDICT_SECONDS: Final = 0.2
_BOM: Final = b"\xef\xbb\xbf"


def syslog_line(message: AuditMessage, source: Source, *, host: str, process_id: int) -> bytes:
    """Return `message` as one syslog message without its framing.

    Source
    ------
    RFC 5424 section 6; PS3.15 A.6 (facility 10, the message id, the BOM).
    """
    severity = _NOTICE if message.result is Result.SUCCESS else _WARNING
    at = message.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    machine = "".join(c for c in host if "!" <= c <= "~")[:_LONGEST_HOST] or "-"
    head = f"<{_AUTHPRIV * 8 + severity}>1 {at} {machine} {_APPLICATION} {process_id} {_MESSAGE_ID}"
    return f"{head} - ".encode("ascii") + _BOM + xml_of(message, source)


class UdpTarget:
    """A datagram a message (RFC 5426); a `Target` that hears nothing back.

    Every message fits into a datagram: it tells of one study on one association, which
    has at most 128 presentation contexts and so no more SOP classes.
    """

    def __init__(
        self, address: tuple[str, int], source: Source, *, host: str, process_id: int
    ) -> None:
        self._address = address
        self._source = source
        self._host = host
        self._process_id = process_id

    def deliver(self, batch: Sequence[AuditMessage]) -> None:
        """Send `batch`; only what the own machine notices is an error."""
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                *self._address, type=socket.SOCK_DGRAM
            )[0]
            with socket.socket(family, kind, protocol) as connection:
                connection.connect(address)
                for message in batch:
                    connection.send(
                        syslog_line(
                            message, self._source, host=self._host, process_id=self._process_id
                        )
                    )
        except OSError as error:
            raise AuditUnavailable(f"no datagram can be sent ({type(error).__name__})") from None

    def close(self) -> None:
        """Nothing is kept open."""


class StreamTarget:
    """A connection that is kept open, each message behind its length; a `Target`.

    Plain it is RFC 6587 with octet counting, with `tls` it is RFC 5425.
    """

    def __init__(
        self,
        address: tuple[str, int],
        source: Source,
        *,
        host: str,
        process_id: int,
        timeout_seconds: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._address = address
        self._source = source
        self._host = host
        self._process_id = process_id
        self._timeout_seconds = timeout_seconds
        self._tls = tls
        self._connection: socket.socket | None = None

    def deliver(self, batch: Sequence[AuditMessage]) -> None:
        """Send `batch`, on a new connection where the old one has ended."""
        frames = b"".join(self._frame(message) for message in batch)
        try:
            if self._connection is not None and _has_ended(self._connection):
                self.close()
            if self._connection is None:
                self._connection = self._opened()
            self._connection.sendall(frames)
            if _has_ended(self._connection):
                raise ConnectionAbortedError
        except (OSError, ValueError) as error:
            self.close()
            secured = isinstance(error, ssl.SSLError)
            what = f"TLS: {fault_of(error).meaning}" if secured else type(error).__name__
            raise AuditUnavailable(f"the repository does not answer ({what})") from None

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, ValueError):
                if isinstance(connection, ssl.SSLSocket):
                    connection.unwrap()
            connection.close()

    def _opened(self) -> socket.socket:
        connection = socket.create_connection(self._address, self._timeout_seconds)
        if self._tls is None:
            return connection
        try:
            secured = self._tls.wrap_socket(connection, server_hostname=self._address[0])
            # With TLS 1.3 a client is told only afterwards that its certificate will not do.
            if _has_ended(secured, wait_seconds=_VERDICT_SECONDS):
                raise ConnectionAbortedError
            return secured
        except (OSError, ValueError):
            connection.close()
            raise

    def _frame(self, message: AuditMessage) -> bytes:
        line = syslog_line(message, self._source, host=self._host, process_id=self._process_id)
        return b"%d " % len(line) + line


def _has_ended(connection: socket.socket, *, wait_seconds: float = 0) -> bool:
    """Return whether the other side has hung up; it has nothing else to say."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    if not poll.poll(wait_seconds * 1000):
        return False
    timeout_seconds = connection.gettimeout()
    connection.settimeout(0)
    try:
        return not connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        # Messages of TLS itself: a session ticket, say.
        return False
    finally:
        connection.settimeout(timeout_seconds)
