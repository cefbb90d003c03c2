"""Contexts and handshakes between two sockets of the loopback."""

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deid_node.dicom.tls import client_tls, fault_of, server_tls
from deid_node.dicom.tls_options import ClientTlsOptions, ServerTlsOptions
from deid_node.errors import ConfigurationError
from deid_node.values.refusal import TlsFault
from tests.fakes.certificates import Authority, Identity

BCP195 = {
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def door(authority: Authority) -> Identity:
    return authority.issue("door")


@pytest.fixture(scope="module")
def peer(authority: Authority) -> Identity:
    return authority.issue("peer", kind="rsa")


def server(identity: Identity, ca: Path | None, *, require: bool = True) -> ssl.SSLContext:
    return server_tls(
        ServerTlsOptions(
            certificate_file=identity.certificate,
            key_file=identity.key,
            ca_file=ca,
            require_client_certificate=require,
        ),
        "receive.tls",
    )


def client(identity: Identity | None, ca: Path, *, check: bool = True) -> ssl.SSLContext:
    return client_tls(
        ClientTlsOptions(
            certificate_file=identity.certificate if identity else None,
            key_file=identity.key if identity else None,
            ca_file=ca,
            check_host_name=check,
        ),
        "forward.destinations.archive.tls",
    )


def shaken(
    ours: ssl.SSLContext, theirs: ssl.SSLContext | None, host: str = "127.0.0.1"
) -> tuple[TlsFault | str, TlsFault | str]:
    """Return how a handshake ended for server and client: a fault, or the suite."""
    left, right = socket.socketpair()
    ends: dict[str, TlsFault | str] = {}

    def shake(
        name: str, link: socket.socket, wrap: Callable[..., ssl.SSLSocket], **how: Any
    ) -> None:
        link.settimeout(5)
        try:
            with wrap(link, **how) as secured:
                # With TLS 1.3 the client hears only now whether its certificate was taken.
                if name == "server":
                    secured.sendall(b"!")
                elif not secured.recv(1):
                    raise ssl.SSLError(1, "closed")
                suite = secured.cipher()
                assert suite is not None
                ends[name] = f"{secured.version()} {suite[0]}"
        except OSError as error:
            ends[name] = fault_of(error)
            link.close()

    serving = threading.Thread(
        target=shake, args=("server", left, ours.wrap_socket), kwargs={"server_side": True}
    )
    serving.start()
    if theirs is None:
        right.sendall(b"\x01\x00\x00\x00\x00\xcd\x00\x01\x00\x00" + b"DEIDNODE".ljust(200))
        ends["client"] = "plain"
    else:
        shake("client", right, theirs.wrap_socket, server_hostname=host)
    serving.join()
    right.close()
    return ends["server"], ends["client"]


@pytest.mark.req("REQ-NW-01")
def test_two_of_ours_speak_tls_1_3(authority: Authority, door: Identity, peer: Identity) -> None:
    ends = shaken(server(door, authority.file), client(peer, authority.file))

    assert ends[0] == ends[1]
    assert ends[0].startswith("TLSv1.3 TLS_AES_256_GCM")


@pytest.mark.req("REQ-NW-01")
@pytest.mark.parametrize("suite", sorted(BCP195))
def test_each_suite_of_the_profile_is_spoken_in_tls_1_2(authority: Authority, suite: str) -> None:
    identity = authority.issue(f"door-{suite}", kind="rsa" if "RSA" in suite else "ec")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs.load_verify_locations(authority.file)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    theirs.set_ciphers(suite)

    ends = shaken(server(identity, None, require=False), theirs)

    assert ends == (f"TLSv1.2 {suite}",) * 2


@pytest.mark.req("REQ-NW-01")
@pytest.mark.parametrize(
    "suites", ["AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
)
def test_no_other_suite_of_tls_1_2_is_spoken(
    authority: Authority, door: Identity, suites: str
) -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs.load_verify_locations(authority.file)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    theirs.set_ciphers(suites)

    ends = shaken(server(door, None, require=False), theirs)

    assert ends == (TlsFault.NOTHING_IN_COMMON, TlsFault.REJECTED)


def test_no_session_is_written_down_for_who_sets_a_variable(
    authority: Authority, door: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "sessions"))

    context = client_tls(
        ClientTlsOptions(
            certificate_file=door.certificate,
            key_file=door.key,
            ca_file=authority.file,
            check_host_name=True,
        ),
        "peer",
    )

    assert context.keylog_filename is None


def test_no_older_version_is_offered(authority: Authority, door: Identity) -> None:
    for context in (server(door, None, require=False), client(None, authority.file)):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        old = {suite["name"] for suite in context.get_ciphers() if suite["protocol"] != "TLSv1.3"}
        assert old == BCP195


@pytest.mark.req("REQ-NW-02")
def test_a_peer_without_certificate_is_turned_away_where_one_is_required(
    authority: Authority, door: Identity
) -> None:
    ends = shaken(server(door, authority.file), client(None, authority.file))

    assert ends == (TlsFault.NO_CERTIFICATE, TlsFault.REJECTED)


def test_a_peer_without_certificate_is_taken_where_none_is_required(
    authority: Authority, door: Identity
) -> None:
    ends = shaken(server(door, authority.file, require=False), client(None, authority.file))

    assert ends[0].startswith("TLSv1.3")


@pytest.mark.req("REQ-NW-02")
@pytest.mark.parametrize("require", [True, False], ids=["required", "not required"])
@pytest.mark.parametrize(
    ("days", "foreign", "fault"),
    [(90, True, TlsFault.UNTRUSTED), (-1, False, TlsFault.EXPIRED)],
    ids=["of another authority", "expired"],
)
def test_a_bad_certificate_of_a_peer_is_turned_away_whether_one_is_required_or_not(
    authority: Authority,
    door: Identity,
    tmp_path: Path,
    days: int,
    foreign: bool,
    fault: TlsFault,
    require: bool,
) -> None:
    issuer = Authority(tmp_path / "other") if foreign else authority
    bad = issuer.issue(f"bad{days}", days=days)

    ends = shaken(server(door, authority.file, require=require), client(bad, authority.file))

    assert ends == (fault, TlsFault.REJECTED)


@pytest.mark.req("REQ-NW-03")
@pytest.mark.parametrize(
    ("days", "foreign", "host", "fault"),
    [
        (90, True, "127.0.0.1", TlsFault.UNTRUSTED),
        (-1, False, "127.0.0.1", TlsFault.EXPIRED),
        (90, False, "127.0.0.2", TlsFault.WRONG_NAME),
        (90, False, "archive.example.org", TlsFault.WRONG_NAME),
    ],
    ids=["of another authority", "expired", "other address", "other name"],
)
def test_an_archive_that_cannot_prove_itself_is_not_spoken_to(
    authority: Authority, tmp_path: Path, days: int, foreign: bool, host: str, fault: TlsFault
) -> None:
    issuer = Authority(tmp_path / "other") if foreign else authority
    bad = issuer.issue(f"archive{days}", days=days)

    ends = shaken(server(bad, None, require=False), client(None, authority.file), host)

    assert ends == (TlsFault.REJECTED, fault)


def test_the_name_of_an_archive_may_be_left_unchecked(authority: Authority, door: Identity) -> None:
    theirs = client(None, authority.file, check=False)

    ends = shaken(server(door, None, require=False), theirs, "archive.example.org")

    assert ends[0] == ends[1]


def test_a_certificate_without_its_authority_can_be_trusted_alone(
    authority: Authority, door: Identity
) -> None:
    ends = shaken(server(door, None, require=False), client(None, door.certificate))

    assert ends[0] == ends[1]


def test_one_who_does_not_speak_tls_is_told_apart(door: Identity) -> None:
    assert shaken(server(door, None, require=False), None)[0] is TlsFault.NOT_SPOKEN


@pytest.mark.req("REQ-NW-04")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused(authority: Authority, mode: int) -> None:
    identity = authority.issue(f"open{mode:o}")
    identity.key.chmod(mode)

    with pytest.raises(ConfigurationError, match="open to others") as refusal:
        server(identity, authority.file)

    assert refusal.value.path == "receive.tls.key_file"


def test_files_that_cannot_be_used_are_named_by_their_path(
    authority: Authority, door: Identity, peer: Identity, tmp_path: Path
) -> None:
    none, weak = tmp_path / "none.pem", authority.issue("weak", kind="weak")
    locked = authority.issue("locked", passphrase=b"secret")
    faults = [
        (Identity(none, door.key), authority.file, "certificate_file"),
        (Identity(door.key, door.key), authority.file, "certificate_file"),
        (Identity(door.certificate, none), authority.file, "key_file"),
        (Identity(door.certificate, peer.key), authority.file, "key_file"),
        (weak, authority.file, "certificate_file"),
        (locked, authority.file, "key_file"),
        (door, door.key, "ca_file"),
        (door, None, "ca_file"),
    ]

    for identity, ca, key in faults:
        with pytest.raises(ConfigurationError) as refusal:
            server(identity, ca)
        assert refusal.value.path == f"receive.tls.{key}"
        assert str(tmp_path) not in str(refusal.value)


def test_certificate_and_key_come_together(authority: Authority, door: Identity) -> None:
    for certificate, key, missing in (
        (door.certificate, None, "key_file"),
        (None, door.key, "certificate_file"),
    ):
        with pytest.raises(ConfigurationError) as refusal:
            client_tls(
                ClientTlsOptions(
                    certificate_file=certificate,
                    key_file=key,
                    ca_file=authority.file,
                    check_host_name=True,
                ),
                "forward.destinations.archive.tls",
            )
        assert refusal.value.path == f"forward.destinations.archive.tls.{missing}"


def test_a_handshake_that_does_not_end_is_too_slow(door: Identity) -> None:
    left, right = socket.socketpair()
    left.settimeout(0.2)
    with right, pytest.raises(TimeoutError) as late:
        server(door, None, require=False).wrap_socket(left, server_side=True)

    assert fault_of(late.value) is TlsFault.TOO_SLOW
    left.close()
