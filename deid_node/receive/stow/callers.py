"""Who may send by HTTP: known by a token, by a client certificate, by an address, or by all.

A peer must show everything that its entry names. Tokens are compared by their digests, all
of them each time, so that the time it takes says nothing of how much of one was right.
"""

import hashlib
import hmac
import ipaddress
import re
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from deid_node.errors import ConfigurationError
from deid_node.machine import read_private
from deid_node.receive.peers import ANY_PEER, Network, contains
from deid_node.receive.stow.refusal import (
    NOT_IDENTIFIED,
    PEER_UNKNOWN,
    WRONG_CERTIFICATE,
    Refusal,
)
from deid_node.receive.stow_options import StowPeerOptions

PEERS_PATH: Final = "receive.stow.peers"
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]{20,}=*")
_BEARER: Final = "bearer"


class Tokens:
    """The tokens in a file, one a line; read anew when the file has changed.

    Several may stand there while one takes the place of another. Where the new file is of
    no use, the tokens that were known stay. Any thread may call.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changing = threading.Lock()
        self._stamp = self._stamped()
        self._digests = self._read()

    def digests(self) -> Sequence[bytes]:
        """Return the SHA-256 of each token that counts now."""
        with self._changing:
            stamp = self._stamped()
            if stamp != self._stamp:
                # Also where it is of no use: the next change asks again.
                self._stamp = stamp
                with suppress(ConfigurationError):
                    self._digests = self._read()
            return self._digests

    def _read(self) -> Sequence[bytes]:
        content = read_private(self._path, setting=f"{PEERS_PATH}.token_file")
        tokens = [line.strip() for line in content.splitlines() if line.strip()]
        if not tokens or not all(_TOKEN.fullmatch(one) for one in tokens):
            raise ConfigurationError(
                f"{PEERS_PATH}.token_file",
                f"{self._path} must hold tokens of 20 or more letters, digits and -._~+/, one a"
                " line",
            )
        return [hashlib.sha256(one).digest() for one in tokens]

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


@dataclass(frozen=True, slots=True)
class HttpPeer:
    """A sender; what is None is not asked of it."""

    name: str
    network: Network | None
    certificate: str | None
    tokens: Tokens | None


class Callers:
    """The senders that may store by HTTP; raises `ConfigurationError` for a file of tokens."""

    def __init__(self, options: Literal["any"] | tuple[StowPeerOptions, ...]) -> None:
        self._peers = (
            None
            if options == "any"
            else tuple(
                HttpPeer(
                    one.name,
                    ipaddress.ip_network(one.address, strict=False) if one.address else None,
                    one.certificate_name and one.certificate_name.lower(),
                    Tokens(one.token_file) if one.token_file else None,
                )
                for one in options
            )
        )

    def recognised(
        self, address: str, certificate_names: Collection[str], authorization: str
    ) -> str | Refusal:
        """Return the name of a caller, or why it may not store here.

        `certificate_names` are those of its verified certificate, in lower case;
        `authorization` is the header of that name, empty where there is none.
        """
        if self._peers is None:
            return ANY_PEER
        shown = _token_in(authorization)
        shows = [one.tokens is None or _is_of(shown, one.tokens.digests()) for one in self._peers]
        near = PEER_UNKNOWN
        for peer, shows_token in zip(self._peers, shows, strict=True):
            if peer.network is not None and not contains(peer.network, address):
                continue
            if peer.certificate is not None and peer.certificate not in certificate_names:
                near = near if near is NOT_IDENTIFIED else WRONG_CERTIFICATE
            elif not shows_token:
                near = NOT_IDENTIFIED
            else:
                return peer.name
        return near


def _token_in(authorization: str) -> bytes:
    """Return the digest of the bearer token; of nothing where there is none (RFC 6750 2.1)."""
    scheme, _, token = authorization.strip().partition(" ")
    found = token.strip() if scheme.lower() == _BEARER else ""
    return hashlib.sha256(found.encode("utf-8", "replace")).digest()


def _is_of(shown: bytes, digests: Sequence[bytes]) -> bool:
    # All are compared, whichever is right.
    return sum(hmac.compare_digest(shown, one) for one in digests) > 0
