"""Who may send: AE title, address and certificate of a caller, looked up among the peers.

A calling AE title proves nothing by itself: any program can claim one. A peer
list therefore names addresses too wherever a site can, and the names that a peer's
certificate bears where it speaks TLS.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from deid_node.receive.options import PeerOptions

ANY_PEER = "any"

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Peer:
    """A sender; `network` is None where any address will do, `certificate` where any or none."""

    name: str
    ae_title: str
    network: Network | None
    certificate: str | None = None

    def shows(self, names: Collection[str]) -> bool:
        """Return whether a certificate of these names is the one of this peer."""
        return self.certificate is None or self.certificate in names

    def is_caller(self, ae_title: str, address: str) -> bool:
        """Return whether a caller with this AE title and address is this peer."""
        if ae_title.strip() != self.ae_title:
            return False
        return self.network is None or contains(self.network, address)


class Peers:
    """The senders that may store here."""

    def __init__(self, options: Literal["any"] | tuple[PeerOptions, ...]) -> None:
        self._peers = (
            None
            if options == "any"
            else tuple(
                Peer(
                    peer.name,
                    peer.ae_title,
                    ipaddress.ip_network(peer.address, strict=False) if peer.address else None,
                    peer.certificate_name and peer.certificate_name.lower(),
                )
                for peer in options
            )
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names that logs and metrics may see."""
        return (ANY_PEER,) if self._peers is None else tuple(peer.name for peer in self._peers)

    def name_of(
        self, ae_title: str, address: str, certificate_names: Collection[str] = ()
    ) -> str | None:
        """Return the configured name of a caller; None when it may not store here.

        `certificate_names` are those of its verified certificate, in lower case.
        """
        if self._peers is None:
            return ANY_PEER
        for peer in self._callers(ae_title, address):
            if peer.shows(certificate_names):
                return peer.name
        return None

    def lacks_certificate(self, ae_title: str, address: str) -> bool:
        """Return whether a caller that has no name would have one with another certificate."""
        return any(self._callers(ae_title, address))

    def _callers(self, ae_title: str, address: str) -> Iterator[Peer]:
        return (peer for peer in self._peers or () if peer.is_caller(ae_title, address))


def contains(network: Network, address: str) -> bool:
    """Return whether a caller with this address is in `network`; IPv4 in IPv6 counts as IPv4."""
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(caller, ipaddress.IPv6Address) and caller.ipv4_mapped is not None:
        caller = caller.ipv4_mapped
    return caller in network


def names_in(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return what a verified certificate names, in lower case.

    The DNS names and addresses of the subject's alternative names; the common name where
    it has none of them. `certificate` is as `ssl.SSLSocket.getpeercert` gives it, empty
    where none was shown. Source: RFC 6125 section 6.4.4.
    """
    alternatives = frozenset(
        value.lower()
        for kind, value in certificate.get("subjectAltName", ())
        if kind in {"DNS", "IP Address"}
    )
    return alternatives or frozenset(name.lower() for name in _subject_names(certificate))


def _subject_names(certificate: Mapping[str, Any]) -> Iterator[str]:
    for part in certificate.get("subject", ()):
        for kind, value in part:
            if kind == "commonName":
                yield value
