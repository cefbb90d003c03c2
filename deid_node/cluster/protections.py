"""What a Ray cluster must be protected by before a node works with it.

Ray lets whoever reaches its ports run any program, and by default encrypts nothing, asks for no
token, serves a dashboard and reports its use to its makers. Each protection is looked for
where it shows: in what the cluster does, and in the environment of each machine.

Sources: Ray 2.60, ``ray/_common/tls_utils.py`` (RAY_USE_TLS and its files),
``ray/_private/authentication`` (RAY_AUTH_MODE, the token's file), ``ray/_private/services.py``
(``webui:url`` is empty where no dashboard is included), ``ray/_common/usage/usage_lib.py``
(the head notes the start of its session only where it reports its use).
"""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from deid_node.errors import ConfigurationError
from deid_node.lines.options import LineTlsOptions

_TLS_FILES: Final = ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT")
_PROBE_SECONDS: Final = 10.0
_TOKEN_PROBE_SECONDS: Final = 60.0
# What a client of HTTP/2 says first (RFC 9113 section 3.4), and an empty frame of settings.
_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
_USAGE_MARK: Final = "session_start_timestamp_ms"


class HeadUnreachable(Exception):
    """Nobody listens where the head of the cluster should."""


class HeadDenies(Exception):
    """The head answers nobody who shows what this machine has: another token, or authority."""


def tls_files(environment: Mapping[str, str]) -> LineTlsOptions:
    """Return Ray's own certificate, key and authority: lines of the node use the same.

    Raises `ConfigurationError` where they are not named.
    """
    missing = [name for name in _TLS_FILES if not environment.get(name)]
    if missing:
        raise ConfigurationError("", f"the cluster has no certificates: {missing[0]} is not set")
    certificate, key, authorities = (Path(environment[name]) for name in _TLS_FILES)
    return LineTlsOptions(certificate_file=certificate, key_file=key, ca_file=authorities)


def unprotected(environment: Mapping[str, str]) -> str | None:
    """Return what the environment of one machine of the cluster lacks; None: nothing."""
    if environment.get("RAY_USE_TLS", "0").lower() not in {"1", "true"}:
        return "the cluster does not encrypt: RAY_USE_TLS is not 1"
    missing = [name for name in _TLS_FILES if not environment.get(name)]
    if missing:
        return f"the cluster has no certificates: {missing[0]} is not set"
    if environment.get("RAY_AUTH_MODE", "").lower() != "token":
        return "the cluster asks for no token: RAY_AUTH_MODE is not token"
    if environment.get("RAY_USAGE_STATS_ENABLED") != "0":
        return "the cluster may report its use to others: RAY_USAGE_STATS_ENABLED is not 0"
    return None


def open_head(address: str, files: LineTlsOptions) -> str | None:
    """Return what the head at `address` lets pass that it should not; None: nothing.

    Asked from outside, before Ray is started here: a driver that is denied ends its process.
    Raises `HeadUnreachable`, and `HeadDenies`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(files.ca_file)
    context.set_alpn_protocols(["h2"])
    # No certificate of ours is shown: a head that speaks on all the same is open to anybody.
    match _spoken_to(address, context):
        case "stranger":
            return "the head shows a certificate of another authority, or for another name"
        case "nothing":
            return "the cluster does not encrypt: its head speaks no TLS"
        case "anybody":
            return "the cluster lets anybody in: its head asks for no certificate"
    # That it denies who has no token says something only where it answers who has one.
    if not _lets_in(address, token=True):
        raise HeadDenies
    if _lets_in(address, token=False):
        return "the cluster lets anybody in: its head asks for no token"
    return None


def open_cluster(dashboard: str, metadata: Mapping[str, Any]) -> str | None:
    """Return what the running cluster does that it should not; None: nothing.

    `dashboard` is the address that Ray tells of, `metadata` what the head noted of itself.
    """
    if dashboard:
        return "the cluster serves a dashboard: start its head with --include-dashboard=false"
    if _USAGE_MARK in metadata:
        return "the cluster may report its use to others: RAY_USAGE_STATS_ENABLED is not 0"
    return None


def _spoken_to(address: str, context: ssl.SSLContext) -> str:
    host, _, port = address.rpartition(":")
    try:
        plain = socket.create_connection((host, int(port)), timeout=_PROBE_SECONDS)
    except OSError:
        raise HeadUnreachable from None
    with plain:
        try:
            secured = context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError:
            return "stranger"
        except ssl.SSLError as error:
            # TLS 1.2 asks for the certificate within the handshake.
            return "members" if "ALERT" in (error.reason or "") else "nothing"
        except OSError:
            return "nothing"
        with secured:
            try:
                secured.sendall(_HTTP2_PREFACE)
                return "anybody" if secured.recv(1) else "members"
            except OSError:
                return "members"


def _lets_in(address: str, *, token: bool) -> bool:
    """Return whether Ray's own client gets an answer, with our token or without any."""
    environment = dict(os.environ)
    if not token:
        for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
            environment.pop(name, None)
        environment["RAY_AUTH_MODE"] = "disabled"
    try:
        asked = subprocess.run(  # noqa: S603 - our own interpreter, and an address of the operator
            [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TOKEN_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0
