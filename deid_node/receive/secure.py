"""From the options of the door to its TLS, and how long that will do."""

import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from deid_node.dicom.certificates import earliest_expiry
from deid_node.dicom.tls import server_context
from deid_node.observe.collectors import Certificate
from deid_node.receive.options import TlsOptions

TLS_PATH = "receive.tls"


def build_tls(options: TlsOptions | None) -> ssl.SSLContext | None:
    """Return the context of the door, None where it is plain; raise `ConfigurationError`."""
    if options is None:
        return None
    return server_context(
        certificate_file=options.certificate_file,
        key_file=options.key_file,
        ca_file=options.ca_file,
        require_client_certificate=options.require_client_certificate,
        path=TLS_PATH,
    )


def certificates_of(options: TlsOptions | None) -> tuple[Certificate, ...]:
    """Return when the certificates of the door expire; call it after `build_tls`."""
    if options is None:
        return ()
    files = {"certificate_file": options.certificate_file, "ca_file": options.ca_file}
    return tuple(
        Certificate("receive", setting, earliest_expiry(file))
        for setting, file in files.items()
        if file is not None
    )


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
