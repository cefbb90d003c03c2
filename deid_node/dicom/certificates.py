"""How long the certificates in a PEM file are valid.

Only the dates are read here, for metrics and health. Whether a certificate is
to be trusted is decided by OpenSSL, never by this module.
"""

import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_PEM: Final = re.compile(
    "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+?-----END CERTIFICATE-----", re.ASCII
)
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
# Of a TBSCertificate, before the validity: serial number, signature algorithm, issuer.
_BEFORE_VALIDITY: Final = 3
_LAST_YEAR_OF_TWO_DIGITS: Final = 50


def earliest_expiry(path: Path) -> datetime:
    """Return when the first of the certificates in the PEM file at `path` expires.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It holds no certificate, or one whose dates cannot be read.
    """
    text = path.read_text(encoding="ascii", errors="replace")
    moments = [_expiry(ssl.PEM_cert_to_DER_cert(found)) for found in _PEM.findall(text)]
    if not moments:
        raise ValueError("no certificate in PEM form")
    return min(moments)


def _expiry(der: bytes) -> datetime:
    """Return the ``notAfter`` of a certificate. Source: RFC 5280 section 4.1."""
    parts = _parts(_parts(_parts(der)[0][1])[0][1])
    if parts[0][0] == _VERSION:
        parts = parts[1:]
    if len(parts) <= _BEFORE_VALIDITY or parts[_BEFORE_VALIDITY][0] != _SEQUENCE:
        raise ValueError("a certificate without its dates")
    kind, text = _parts(parts[_BEFORE_VALIDITY][1])[-1]
    return _moment(kind, text.decode("ascii"))


def _moment(kind: int, text: str) -> datetime:
    """Return a time as RFC 5280 section 4.1.2.5 writes it: to the second, in UTC."""
    if kind == _UTC_TIME:
        century = "20" if int(text[:2]) < _LAST_YEAR_OF_TWO_DIGITS else "19"
        text = century + text
    elif kind != _GENERALIZED_TIME:
        raise ValueError("a certificate whose dates are of another type")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _parts(content: bytes) -> Sequence[tuple[int, bytes]]:
    """Return tag and content of each element of a DER encoding, at least one."""
    parts: list[tuple[int, bytes]] = []
    at = 0
    while at < len(content):
        if len(content) - at < 2:
            raise ValueError("a certificate is cut off")
        tag, length = content[at], content[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(content[at : at + size], "big")
            at += size
        if length > len(content) - at:
            raise ValueError("a certificate is cut off")
        parts.append((tag, content[at : at + length]))
        at += length
    if not parts:
        raise ValueError("a certificate is cut off")
    return parts
