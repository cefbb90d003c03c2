"""From options to the door of STOW-RS; its libraries are imported where one is configured."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from deid_node.audit.records import DoorRecord
from deid_node.dicom.tls import expiries, server_tls
from deid_node.errors import ConfigurationError
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.intake import Intake
from deid_node.receive.stow_options import STOW_PART, STOW_TLS_PATH, StowOptions
from deid_node.values.certificate import Certificate

if TYPE_CHECKING:
    from deid_node.receive.stow.server import StowServer

_LIBRARIES: Final = ("h11", "python_multipart")


def build_stow(
    options: StowOptions,
    intake: Intake,
    *,
    require_room: Callable[[], None],
    metrics: Metrics,
    log: EventLog,
    record: DoorRecord | None,
) -> "StowServer":
    """Return the door, which does not listen yet; raise `ConfigurationError`."""
    check_stow(options)
    from deid_node.receive.stow.server import StowServer

    return StowServer(
        options, intake, require_room=require_room, metrics=metrics, log=log, record=record
    )


def check_stow(options: StowOptions) -> None:
    """Check libraries, tokens and certificates; raise `ConfigurationError`."""
    if any(find_spec(name) is None for name in _LIBRARIES):
        raise ConfigurationError(
            "receive.stow", "this door needs deid-node[dicomweb] to be installed"
        )
    from deid_node.receive.stow.callers import Callers

    if options.tls is not None:
        server_tls(options.tls, STOW_TLS_PATH)
    Callers(options.peers)


def certificates_of(options: StowOptions | None) -> Sequence[Certificate]:
    """Return when the certificates of the door expire; call it after `check_stow`."""
    return expiries(None if options is None else options.tls, STOW_PART)


def peer_names(options: StowOptions | None) -> Sequence[str]:
    """Return the names of all who may send by STOW-RS."""
    if options is None or options.peers == "any":
        return ()
    return tuple(peer.name for peer in options.peers)
