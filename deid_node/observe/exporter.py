"""The HTTP port of metrics and health.

It echoes nothing: what a caller writes into a request appears neither in an
answer nor in the log. The handler of the standard library does both unless told
otherwise.
"""

import errno
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from deid_node.errors import ConfigurationError
from deid_node.observe.events import Event
from deid_node.observe.health import Health
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.observe.pages import Page, Pages, plain_page

REQUEST_TIMEOUT_SECONDS: Final = 10.0
"""A caller that sends nothing for so long is cut off and frees its thread."""

_FAULTS_OF_THE_PORT: Final = frozenset({errno.EADDRINUSE, errno.EACCES})


class Exporter:
    """Serves ``/metrics``, ``/health/live`` and ``/health/ready`` from threads of its own."""

    def __init__(
        self, host: str, port: int, metrics: Metrics, health: Health, *, log: EventLog
    ) -> None:
        self._host = host
        self._wanted_port = port
        self._pages = Pages(metrics, health)
        self._log = log
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that listens; the configured one before the start."""
        return self._wanted_port if self._server is None else self._server.server_port

    def start(self) -> None:
        """Listen; raise `ConfigurationError` where the address cannot be had."""
        try:
            server = _Server(self._host, self._wanted_port, self._pages, self._log)
        except socket.gaierror:
            raise ConfigurationError("observe.http.host", "no such address") from None
        except OSError as error:
            key = "port" if error.errno in _FAULTS_OF_THE_PORT else "host"
            raise ConfigurationError(
                f"observe.http.{key}", f"cannot listen there: {error.strerror}"
            ) from None
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="observe-http",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port; a second call does nothing."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    """The listening socket, a thread for each caller; none of them keeps the process alive."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, pages: Pages, log: EventLog) -> None:
        self.pages = pages
        self._log = log
        self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name that may hang where there is no DNS."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "deid-node", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Tell the type of what went wrong; a caller that hung up is no news."""
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            self._log.error(Event.SCRAPE_FAILED, error=type(error).__name__)


class _Handler(BaseHTTPRequestHandler):
    """Answers one caller."""

    server: _Server
    timeout = REQUEST_TIMEOUT_SECONDS
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the page."""
        self._answer(self._page())

    def do_HEAD(self) -> None:
        """Answer with the page's head."""
        self._answer(self._page(), with_body=False)

    def send_error(
        self,
        code: int,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
        explain: str | None = None,  # noqa: ARG002
    ) -> None:
        """Answer what the base class refuses, in our words; it says 501 of an unknown method."""
        self.close_connection = True
        known = HTTPStatus(code)
        if known is HTTPStatus.NOT_IMPLEMENTED:
            known = HTTPStatus.METHOD_NOT_ALLOWED
        self._answer(plain_page(known))

    def version_string(self) -> str:
        """Name the server without the version of Python."""
        return "deid-node"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write nothing: a request line is a stranger's text."""

    def _page(self) -> Page:
        path = self.path.partition("?")[0]
        return self.server.pages.page(path, self.headers.get("Accept", ""))

    def _answer(self, page: Page, *, with_body: bool = True) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.send_header("Cache-Control", "no-store")
        if page.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if with_body:
            self.wfile.write(page.body)
