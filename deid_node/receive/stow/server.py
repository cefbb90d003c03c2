"""The door of STOW-RS: opens its port, gives each caller a thread, closes in order."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import Final

from deid_node.audit.records import DoorRecord
from deid_node.dicom.tls import fault_of, server_tls
from deid_node.machine import listening_on
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.intake import Intake
from deid_node.receive.peers import names_in
from deid_node.receive.stow.gatekeeper import Gatekeeper, StowTerms
from deid_node.receive.stow.link import Link
from deid_node.receive.stow.service import Caller, Service, new_label
from deid_node.receive.stow_options import STOW_NAME, STOW_PART, STOW_TLS_PATH, StowOptions

_BACKLOG: Final = 128
_HANDSHAKE_SECONDS: Final = 10.0
_CLOSING_SECONDS: Final = 2.0
_BREATH_SECONDS: Final = 0.1


class StowServer:
    """The port that STOW-RS is spoken at; a `Door`.

    `require_room` raises `CustodyError` while the spool can take nothing; `record` is for
    the audit trail, None keeps none.
    """

    name: Final = STOW_PART

    def __init__(
        self,
        options: StowOptions,
        intake: Intake,
        *,
        require_room: Callable[[], None],
        metrics: Metrics,
        log: EventLog,
        record: DoorRecord | None = None,
    ) -> None:
        self._options = options
        self._log = log = log.with_fields(listener=STOW_NAME)
        self._keeper = Gatekeeper(
            StowTerms(options), require_room=require_room, metrics=metrics, log=log, record=record
        )
        self._service = Service(
            options, intake, self._keeper, metrics=metrics, log=log, record=record
        )
        metrics.watch_listener(STOW_NAME, self._keeper.count)
        self._tls: ssl.SSLContext | None = None
        self._listening: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._port = options.port
        self._standing: dict[threading.Thread, tuple[Link, str]] = {}
        self._counting = threading.Lock()

    @property
    def port(self) -> int:
        """The port that listens; the configured one before the start."""
        return self._port

    def start(self) -> None:
        """Listen; raise `ConfigurationError` where the address cannot be had."""
        options = self._options
        self._tls = None if options.tls is None else server_tls(options.tls, STOW_TLS_PATH)
        self._listening = listening_on(
            options.host, options.port, backlog=_BACKLOG, setting="receive.stow"
        )
        self._port = self._listening.getsockname()[1]
        self._accepting = threading.Thread(
            target=self._accept, args=(self._listening,), name="stow-door", daemon=True
        )
        self._accepting.start()
        self._log.info(Event.LISTENER_READY, port=self._port)

    def adopt(self, terms: StowTerms) -> None:
        """Keep to `terms` from now on, made for the same port; whoever is served goes on."""
        self._keeper.adopt(terms)

    def trouble(self) -> str | None:
        """Return a code while new requests are refused, else None."""
        refusal = self._keeper.refusal()
        return refusal.code if refusal else None

    def stop_accepting(self) -> None:
        """Listen no more; requests that are served go on. May be called again."""
        self._keeper.close()
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(OSError):
                # Wakes the thread that waits there.
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        if self._accepting is not None:
            self._accepting.join()

    def stop(self, *, finish_seconds: float) -> None:
        """Accept no more, let those who are served finish, then break off what still stands."""
        self.stop_accepting()
        self._keeper.wait_until_empty(finish_seconds)
        until = monotonic() + _CLOSING_SECONDS
        with self._counting:
            standing = dict(self._standing)
        for link, _ in standing.values():
            link.break_off()
        for thread in standing:
            thread.join(max(0.0, until - monotonic()))

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, (address, *_) = listening.accept()
            except OSError:
                if self._listening is None:
                    return
                # No descriptor to be had, or the caller is gone already.
                sleep(_BREATH_SECONDS)
                continue
            try:
                self._receive(connection, address)
            except OSError:
                connection.close()

    def _receive(self, connection: socket.socket, address: str) -> None:
        """Give a caller a thread, or close at once."""
        with self._counting:
            own = sum(one == address for _, one in self._standing.values())
            standing = len(self._standing)
        if not self._keeper.admits(address, standing, own):
            connection.close()
            return
        link = Link(connection, silence_seconds=self._options.silence_seconds)
        thread = threading.Thread(
            target=self._attend, args=(link, address), name="stow-request", daemon=True
        )
        with self._counting:
            self._standing[thread] = link, address
        try:
            thread.start()
        except RuntimeError:
            # No thread to be had.
            self._over(thread, link)

    def _attend(self, link: Link, address: str) -> None:
        try:
            caller = self._greeted(link, address)
            if caller is not None:
                self._service.serve(link, caller)
        except OSError:
            # The caller is gone.
            pass
        # The boundary to the wire: the text of a foreign error may quote values.
        except Exception as error:  # noqa: BLE001
            self._log.error(Event.REQUEST_FAILED, error=type(error).__name__)
        finally:
            self._over(threading.current_thread(), link)

    def _greeted(self, link: Link, address: str) -> Caller | None:
        """Shake hands where TLS is spoken; None where that failed."""
        if self._tls is None:
            return Caller(address)
        limit_seconds = min(_HANDSHAKE_SECONDS, self._options.silence_seconds)
        try:
            link.secure(self._tls, limit_seconds=limit_seconds)
        except (OSError, ValueError) as error:
            self._keeper.unsecured(new_label(), address, fault_of(error))
            return None
        return Caller(address, names_in(link.certificate()))

    def _over(self, thread: threading.Thread, link: Link) -> None:
        link.close()
        with self._counting:
            self._standing.pop(thread, None)
