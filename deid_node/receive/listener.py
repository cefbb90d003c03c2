"""The listening socket, and one `Acceptor` for each connection to it."""

import threading
from collections.abc import Callable
from typing import Any, Final

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.transport import AssociationServer, RequestHandler

from deid_node.receive.acceptor import Acceptor
from deid_node.receive.transport import DoorSocket

_POLL_SECONDS: Final = 0.1


class _Connection(RequestHandler):
    """Starts the association of one connection."""

    server: "Listener"

    def _create_association(self) -> Acceptor:
        ae = self.server.ae
        association = Acceptor(ae, self.server.ended)
        # The library closes the socket through it.
        association._server = self.server  # noqa: SLF001
        # The library counts its acceptors by this word in the thread's name.
        association.name = f"AcceptorThread-{association.label}"
        association.set_socket(
            DoorSocket(
                association,
                self.request,
                max_pdu_bytes=ae.maximum_pdu_size,
                silence_seconds=self.server.silence_seconds,
            )
        )
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

    Only our handlers are bound: the library's own would log every PDU.
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
    ) -> None:
        self.handlers = handlers
        self.ended = ended
        self.silence_seconds = silence_seconds
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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection's trouble from being printed with its address."""

    def _bind_defaults(self) -> None:
        """Leave out the handlers that log."""
