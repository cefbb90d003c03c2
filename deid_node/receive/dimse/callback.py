"""Where peers are called back with the answer to a storage commitment."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deid_node.dicom.tls import client_context
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
        tls = None
        if to.tls is not None:
            tls = client_context(
                certificate_file=to.tls.certificate_file,
                key_file=to.tls.key_file,
                ca_file=to.tls.ca_file,
                check_host_name=to.tls.check_host_name,
                path=f"receive.peers[{number}].report_to.tls",
            )
        callbacks[peer.name] = Callback(to.host, to.port, tls)
    return callbacks
