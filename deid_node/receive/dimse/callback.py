"""Where peers are called back with the answer to a storage commitment."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deid_node.dicom.tls import client_tls
from deid_node.receive.options import PeerOptions


@dataclass(frozen=True, slots=True)
class Callback:
    """Host and port of a peer's own storage commitment user, in TLS or not."""

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, repr=False)


def build_callbacks(
    peers: Literal["any"] | Sequence[PeerOptions],
) -> Mapping[str, Callback]:
    """Return the callbacks by the peers' names; raise `ConfigurationError`."""
    callbacks: dict[str, Callback] = {}
    for number, peer in enumerate(() if peers == "any" else peers):
        to = peer.report_to
        if to is None:
            continue
        path = f"receive.peers[{number}].report_to.tls"
        tls = None if to.tls is None else client_tls(to.tls, path)
        callbacks[peer.name] = Callback(to.host, to.port, tls)
    return callbacks
