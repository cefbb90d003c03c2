"""The listening socket, and one `Acceptor` for each connection to it."""

import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.transport import AssociationServer, RequestHandler

from deid_node.dicom.tls import fault_of
from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.dimse.messages import Store
from deid_node.receive.dimse.transport import DoorSocket
from deid_node.values.refusal import TlsFault

_POLL_SECONDS: Final = 0.1
_HANDSHAKE_SECONDS: Final = 10.0
_CLOSING_SECONDS: Final = 2.0


class _Connection(RequestHandler):
    """Starts the association of one connection."""

    server: "Listener"

    def handle(self) -> None:
        """Start it on a thread of its own; whatever takes time is done there."""
        association = self._create_association()
        self.server.arrived(association)
        try:
            association.start()
        except RuntimeError:
            # No thread to be had.
            self.server.over(association)
            raise

    def _create_association(self) -> Acceptor:
        ae = self.server.ae
        association = Acceptor(
            ae, self.server.over, begin=self.server.begin, store=self.server.store
        )
        # The library closes the socket through it.
        association._server = self.server  # noqa: SLF001
        # The library counts its acceptors by this word in the thread's name.
        association.name = f"AcceptorThread-{association.label}"
        link = DoorSocket(
            association,
            self.request,
            max_pdu_bytes=ae.maximum_pdu_size,
            silence_seconds=self.server.silence_seconds,
        )
        association.set_socket(link)
        association.link = link
        acceptor, requestor = association.acceptor, association.requestor
        acceptor.maximum_length = ae.maximum_pdu_size
        acceptor.ae_title = self.server.ae_title
        acceptor.address_info = self.local
        acceptor.implementation_class_uid = ae.implementation_class_uid
        acceptor.implementation_version_name = ae.implementation_version_name
        requestor.address_info = self.remote
        for event, handler in self.server.handlers:
            association.bind(event, handler)
        return association


class Listener(AssociationServer):
    """Accepts connections on a thread of its own.

    Only our handlers are bound: the library's own would log every PDU. With `tls`,
    hands are shaken on the connection's own thread, so that nobody waits for
    another; `unsecured` hears why that failed. `admits` is asked first, with the
    caller's address, how many connections stand, and how many of them are its own.
    `store` takes instances.
    """

    request_queue_size = 128

    def __init__(
        self,
        ae: ApplicationEntity,
        address: tuple[str, int],
        handlers: tuple[tuple[evt.EventType, Any], ...],
        *,
        ended: Callable[[Acceptor], None],
        silence_seconds: float,
        tls: ssl.SSLContext | None = None,
        unsecured: Callable[[Acceptor, TlsFault], None] = lambda _acceptor, _fault: None,
        admits: Callable[[str, int, int], bool] = lambda _address, _standing, _own: True,
        store: Store | None = None,
    ) -> None:
        self.store = store
        self.handlers = handlers
        self.silence_seconds = silence_seconds
        self._ended, self._unsecured, self._admits = ended, unsecured, admits
        self._tls = tls
        self._standing: set[Acceptor] = set()
        self._counting = threading.Lock()
        super().__init__(ae, address, ae.ae_title, [], request_handler=_Connection)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), name="door", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that listens."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begin to accept."""
        # `shutdown` removes the server from this list.
        self.ae._servers.append(self)  # type: ignore[arg-type]  # noqa: SLF001
        self._thread.start()

    def stop(self) -> None:
        """Accept no more; associations that are open go on."""
        self.shutdown()
        self._thread.join()

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Return whether to hear a caller at all; called by the library before anything else."""
        address = str(client_address[0])
        with self._counting:
            own = sum(one.requestor.address == address for one in self._standing)
            standing = len(self._standing)
        return self._admits(address, standing, own)

    def arrived(self, association: Acceptor) -> None:
        """Note a new connection."""
        with self._counting:
            self._standing.add(association)

    def begin(self, association: Acceptor) -> bool:
        """Shake hands where TLS is spoken; return whether an association may follow."""
        if self._tls is None:
            return True
        door = door_of(association)
        try:
            door.secure(self._tls, limit_seconds=min(_HANDSHAKE_SECONDS, self.silence_seconds))
        except (OSError, ValueError) as error:
            door.close()
            self._unsecured(association, fault_of(error))
            return False
        return True

    def over(self, association: Acceptor) -> None:
        """Note that a connection has ended."""
        with self._counting:
            self._standing.discard(association)
        self._ended(association)

    def shut_all(self) -> None:
        """Close the connections that are left: silent ones, and those that only shake hands."""
        with self._counting:
            standing = list(self._standing)
        for association in standing:
            door_of(association).break_off()
        for association in standing:
            with suppress(RuntimeError):
                # Not started yet, where it arrived in this very moment.
                association.join(_CLOSING_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection's trouble from being printed with its address."""

    def _bind_defaults(self) -> None:
        """Leave out the handlers that log."""


def door_of(association: Acceptor) -> DoorSocket:
    """Return the socket below an association of the door."""
    door = association.dul.socket
    if not isinstance(door, DoorSocket):
        raise TypeError("an association without our socket")
    return door
