"""DICOM TLS by BCP 195, as PS3.15 B.12 profiles it; the same for both doors.

TLS 1.2 with four suites, TLS 1.3 beside it, nothing older. Sessions are not
resumed: associations are few and long, and without tickets there is no key whose
loss would open old recordings. Nobody is ever asked for a passphrase: a node
starts without a person. Renewed files count from the next connection on.
"""

import ssl
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deid_node.dicom.certificates import earliest_expiry
from deid_node.dicom.renewal import renewing
from deid_node.dicom.tls_options import ServerTlsOptions, WebTlsOptions
from deid_node.errors import ConfigurationError
from deid_node.values.certificate import Certificate
from deid_node.values.refusal import TlsFault

_SUITES: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
"""The suites of TLS 1.2. Source: RFC 9325 section 4.2."""

# Keys of 112 bits of strength at least: RSA of 2048 bits; no signature with SHA-1.
_STRENGTH: Final = "@SECLEVEL=2"


def server_tls(
    options: ServerTlsOptions, path: str, *, least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
) -> ssl.SSLContext:
    """Return the context of a door that peers knock at; `least` is the oldest TLS it speaks.

    A client certificate that is shown is always verified where `ca_file` is given,
    also where none is required.

    Raises
    ------
    ConfigurationError
        A file cannot be used; `path` is the YAML path of the section.
    """
    ca_file = options.ca_file

    def build(kind: type[ssl.SSLContext]) -> ssl.SSLContext:
        context = _profiled(kind, ssl.PROTOCOL_TLS_SERVER, least)
        _show(context, options.certificate_file, options.key_file, path=path)
        if ca_file is not None:
            _trust(context, ca_file, path=path)
            context.verify_mode = ssl.CERT_OPTIONAL
        if options.require_client_certificate:
            if ca_file is None:
                raise ConfigurationError(
                    f"{path}.ca_file", "must be given where a client certificate is required"
                )
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    return renewing(build, (options.certificate_file, options.key_file, ca_file))


def client_tls(
    options: WebTlsOptions, path: str, *, least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
) -> ssl.SSLContext:
    """Return the context for calling a peer, whose certificate is always verified.

    `least` is the oldest TLS that is spoken. Without a `ca_file` the system's authorities are
    trusted.

    Raises
    ------
    ConfigurationError
        A file cannot be used; `path` is the YAML path of the section.
    """
    certificate_file, key_file = options.certificate_file, options.key_file

    def build(kind: type[ssl.SSLContext]) -> ssl.SSLContext:
        context = _profiled(kind, ssl.PROTOCOL_TLS_CLIENT, least)
        context.check_hostname = options.check_host_name
        if options.ca_file is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            _trust(context, options.ca_file, path=path)
        match certificate_file, key_file:
            case None, None:
                pass
            case None, _:
                raise ConfigurationError(f"{path}.certificate_file", "must be given with a key")
            case _, None:
                raise ConfigurationError(f"{path}.key_file", "must be given with a certificate")
            case Path() as certificate, Path() as key:
                _show(context, certificate, key, path=path)
        return context

    return renewing(build, (certificate_file, key_file, options.ca_file))


def expiries(
    options: WebTlsOptions | ServerTlsOptions | None, part: str
) -> tuple[Certificate, ...]:
    """Return when the certificates that `options` name expire; `part` is whose they are.

    To be called once a context could be made of them: raises `OSError` or `ValueError` for
    a file that cannot be read.
    """
    if options is None:
        return ()
    files = {"certificate_file": options.certificate_file, "ca_file": options.ca_file}
    return tuple(
        Certificate(part, setting, earliest_expiry(file))
        for setting, file in files.items()
        if file is not None
    )


def fault_of(error: Exception) -> TlsFault:
    """Return what an error of a handshake says; the error's own text is not told."""
    if isinstance(error, TimeoutError):
        return TlsFault.TOO_SLOW
    if isinstance(error, ssl.SSLCertVerificationError):
        return _FAULT_OF_VERIFICATION.get(error.verify_code, TlsFault.UNTRUSTED)
    reason = getattr(error, "reason", None)
    if not isinstance(reason, str):
        return TlsFault.FAILED
    if "ALERT" in reason:
        return TlsFault.REJECTED
    return _FAULT_OF_REASON.get(reason, TlsFault.FAILED)


# Numbers of X509_V_ERR in OpenSSL's x509_vfy.h.
_FAULT_OF_VERIFICATION: Final = MappingProxyType(
    {
        9: TlsFault.EXPIRED,  # not yet valid
        10: TlsFault.EXPIRED,
        62: TlsFault.WRONG_NAME,
        64: TlsFault.WRONG_NAME,  # of an IP address
    }
)
_FAULT_OF_REASON: Final = MappingProxyType(
    {
        "WRONG_VERSION_NUMBER": TlsFault.NOT_SPOKEN,
        "HTTP_REQUEST": TlsFault.NOT_SPOKEN,
        "HTTPS_PROXY_REQUEST": TlsFault.NOT_SPOKEN,
        "RECORD_LAYER_FAILURE": TlsFault.NOT_SPOKEN,
        "PEER_DID_NOT_RETURN_A_CERTIFICATE": TlsFault.NO_CERTIFICATE,
        "NO_SHARED_CIPHER": TlsFault.NOTHING_IN_COMMON,
        "NO_SUITABLE_SIGNATURE_ALGORITHM": TlsFault.NOTHING_IN_COMMON,
        "UNSUPPORTED_PROTOCOL": TlsFault.NOTHING_IN_COMMON,
        "WRONG_SSL_VERSION": TlsFault.NOTHING_IN_COMMON,
        "VERSION_TOO_LOW": TlsFault.NOTHING_IN_COMMON,
    }
)


def _profiled(kind: type[ssl.SSLContext], protocol: int, least: ssl.TLSVersion) -> ssl.SSLContext:
    # Not `create_default_context`: it trusts the system's authorities and obeys SSLKEYLOGFILE.
    context = kind(protocol)
    context.minimum_version = least
    context.set_ciphers(":".join((*_SUITES, _STRENGTH)))
    context.options |= (
        ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        | ssl.OP_CIPHER_SERVER_PREFERENCE
    )  # fmt: skip
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0
    # A device's own certificate may stand in the file of authorities: it is then trusted alone.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _show(context: ssl.SSLContext, certificate_file: Path, key_file: Path, *, path: str) -> None:
    _require_certificates(certificate_file, path=f"{path}.certificate_file")
    _require_private(key_file, path=f"{path}.key_file")
    try:
        # Without the empty passphrase OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate_file, key_file, password="")
    except ssl.SSLError as error:
        if error.reason in {"EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "CA_KEY_TOO_SMALL"}:
            raise ConfigurationError(
                f"{path}.certificate_file", "its key or signature is too weak"
            ) from None
        raise ConfigurationError(
            f"{path}.key_file",
            "is no key in PEM form, has a passphrase, or is not that of the certificate",
        ) from None


def _trust(context: ssl.SSLContext, ca_file: Path, *, path: str) -> None:
    _require_certificates(ca_file, path=f"{path}.ca_file")
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise ConfigurationError(f"{path}.ca_file", "holds a broken certificate") from None


def _require_certificates(file: Path, *, path: str) -> None:
    try:
        earliest_expiry(file)
    except OSError:
        raise ConfigurationError(path, "cannot be read") from None
    except ValueError:
        raise ConfigurationError(path, "holds no certificate in PEM form") from None


def _require_private(file: Path, *, path: str) -> None:
    """Raise `ConfigurationError` where the key can be read by others, or by nobody."""
    try:
        mode = file.stat().st_mode
        file.read_bytes()
    except OSError:
        raise ConfigurationError(path, "cannot be read") from None
    if mode & 0o077:
        raise ConfigurationError(path, "is open to others; use chmod 600")
