"""The listener of the desk: HTTP/1.1 on a port of its own, in a thread of its own.

It is started by the node like every door, and only where the configuration asks for it.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from deid_node.machine import listening_on
from deid_node.observe.logs import EventLog
from deid_node.review.guard import Guard
from deid_node.review.looker import Looker
from deid_node.review.pages import Pages
from deid_node.review.service import Service
from deid_node.review.sessions import Sessions

_STOP_SECONDS: Final = 5
_START_SECONDS: Final = 30.0
_MOST_CONNECTIONS: Final = 64
_BACKLOG: Final = 64


class ReviewServer:
    """Serves the pages of the desk."""

    def __init__(
        self,
        host: str,
        port: int,
        pages: Pages,
        service: Service,
        sessions: Sessions,
        *,
        tls: ssl.SSLContext | None,
        log: EventLog,
    ) -> None:
        self._host = host
        self._wanted_port = port
        self._service = service
        self._tls = tls
        self._pages = pages
        application = Starlette(
            routes=pages.routes(),
            exception_handlers={
                HTTPStatus.NOT_FOUND: self._not_found,
                HTTPStatus.METHOD_NOT_ALLOWED: self._not_found,
            },
        )
        self._guarded = Guard(application, sessions, is_secure=tls is not None, log=log)
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that listens; the configured one before the start."""
        if self._socket is None:
            return self._wanted_port
        port: int = self._socket.getsockname()[1]
        return port

    def adopt(self, looker: Callable[[], Looker]) -> None:
        """Show from now on what `looker` would make of an instance."""
        self._service.adopt(looker)

    def start(self) -> None:
        """Listen; raise `ConfigurationError` where the address cannot be had."""
        self._socket = listening_on(
            self._host, self._wanted_port, backlog=_BACKLOG, setting="review"
        )
        config = uvicorn.Config(
            self._guarded,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        config.load()
        config.ssl = self._tls
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="desk-http", daemon=True
        )
        self._service.start()
        self._thread.start()

    def stop(self) -> None:
        """Close the port; a second call does nothing."""
        server, thread, listening = self._server, self._thread, self._socket
        self._server = self._thread = self._socket = None
        if server is not None and thread is not None:
            server.should_exit = True
            self._service.stop()
            thread.join(2 * _STOP_SECONDS)
        if listening is not None:
            listening.close()

    async def _not_found(self, _: Request, __: Exception) -> Response:
        return self._pages.failed(HTTPStatus.NOT_FOUND, "There is no such page.")
