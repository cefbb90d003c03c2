"""One connection with an archive of the web, kept open from one request to the next.

The library of HTTP makes it; here every wait has an end, nothing is followed, decoded or
taken from the environment, and another thread can break it off. Whether an archive had
a request before its connection broke is not known: the same bytes go again.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from deid_node import __version__
from deid_node.dicom.tls import fault_of
from deid_node.errors import ConfigurationError, DestinationUnavailable

_LONGEST_ANSWER_BYTES: Final = 16 << 20
_CONNECT_SECONDS: Final = 10.0
USER_AGENT: Final = f"deid_node/{__version__}"


@dataclass(frozen=True, slots=True)
class Site:
    """Where an archive is, and how long it may be silent.

    `timeout_seconds` holds for a connection and for each step forward while something is
    sent, `answer_seconds` for all of the answer.
    """

    url: str
    timeout_seconds: float
    answer_seconds: float
    tls: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `body` makes what is sent, anew each time."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Callable[[], Iterator[bytes]] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class LinkLost(Exception):
    """No whole answer came; whether the request arrived is not known.

    `in_time` is False where it was waited for until its time was over.
    """

    def __init__(self, text: str, *, in_time: bool = True) -> None:
        super().__init__(text)
        self.in_time = in_time


def require_library(path: str) -> None:
    """Raise `ConfigurationError` where the library of HTTP is not installed."""
    try:
        import httpx2  # noqa: F401
    except ImportError:
        raise ConfigurationError(path, "needs the extra dicomweb: deid-node[dicomweb]") from None


class WebLink:
    """A connection that is made when it is first needed; used by one thread at a time."""

    def __init__(self, site: Site) -> None:
        import httpx2

        self._site = site
        connect_seconds = min(_CONNECT_SECONDS, site.timeout_seconds)
        self._client = httpx2.Client(
            # Where none is given it is never used, and would trust nobody.
            verify=site.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(
                site.answer_seconds, connect=connect_seconds, write=site.timeout_seconds
            ),
            limits=httpx2.Limits(max_connections=1),
            # No proxy, no password and no authorities but those of the configuration. What
            # is redirected would carry the authorization with it.
            trust_env=False,
            follow_redirects=False,
        )
        self._socket: socket.socket | None = None
        self._shut = self._too_late = False
        self._clock: threading.Timer | None = None
        self.is_rested = False
        """Whether something was answered on it: it may have died since, unnoticed."""
        self.last_used = monotonic()

    def ask(self, request: Request) -> WebAnswer:
        """Send `request` and return the whole answer.

        Raises
        ------
        DestinationUnavailable
            There was no connection: nothing was sent.
        LinkLost
            It broke, or no whole answer came in time.
        BlobDamaged
            What is to be sent cannot be read; the connection is gone.
        """
        import httpx2

        try:
            answer = self._answer(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise DestinationUnavailable(_trouble(error)) from None
        except (httpx2.TransportError, httpx2.StreamError) as error:
            if (alert := _alert(error)) is not None:
                raise DestinationUnavailable(alert) from None
            waited = self._too_late or isinstance(error, httpx2.TimeoutException)
            raise LinkLost(type(error).__name__, in_time=not waited) from None
        except OSError:
            # Of a socket that another thread has shut.
            raise LinkLost("shut", in_time=not self._too_late) from None
        finally:
            self._stop_clock()
        self.is_rested = True
        self.last_used = monotonic()
        return answer

    def close(self) -> None:
        """Close it; nobody may be using it."""
        self._client.close()

    def shut(self) -> None:
        """Break it off: a thread that waits on it wakes up and fails."""
        self._shut = True
        self._break()

    def _answer(self, request: Request) -> WebAnswer:
        with self._client.stream(
            request.method,
            self._site.url + request.path,
            headers=dict(request.headers),
            content=None if request.body is None else request.body(),
            extensions={"trace": self._trace},
        ) as response:
            content = bytearray()
            for piece in response.iter_raw():
                content += piece
                if len(content) > _LONGEST_ANSWER_BYTES:
                    raise LinkLost("the answer does not end", in_time=False)
            headers = {key.lower(): value for key, value in response.headers.items()}
            return WebAnswer(response.status_code, headers, bytes(content))

    def _trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Keep hold of the socket: closing the client would not wake who waits on it."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = details["return_value"].get_extra_info("socket")
            if self._shut:
                self._break()
        elif event == "http11.send_request_body.complete":
            # The library's limit is for each byte; this one is for the answer.
            self._clock = threading.Timer(self._site.answer_seconds, self._run_out)
            self._clock.daemon = True
            self._clock.start()

    def _run_out(self) -> None:
        self._too_late = True
        self._break()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _break(self) -> None:
        connection = self._socket
        if connection is not None:
            with suppress(OSError):
                # Not the method of TLS: it forgets its keys first, and what another thread
                # sends in this moment would go out in the clear.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _trouble(error: Exception) -> str:
    """Return why there is no connection; the text of the library is not told."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {fault_of(cause).meaning}"
        if isinstance(cause, TimeoutError):
            return "the destination did not answer in time"
        if isinstance(cause, OSError):
            return f"the connection failed ({type(cause).__name__})"
    return f"the connection failed ({type(error).__name__})"


def _alert(error: Exception) -> str | None:
    """Return what TLS says that the archive does not want us, if it says so.

    In TLS 1.3 it does so after our side has taken the handshake for done.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            return f"TLS: {fault_of(cause).meaning}"
    return None
