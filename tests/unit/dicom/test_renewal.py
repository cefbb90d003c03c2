"""Renewed certificates count without a restart, and broken ones harm nobody."""

import shutil
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from deid_node.dicom.tls import client_tls, server_tls
from deid_node.dicom.tls_options import ClientTlsOptions, ServerTlsOptions
from tests.fakes.certificates import Authority, Identity


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def shown(authority: Authority, tmp_path: Path) -> Identity:
    """A certificate at a place where another may take its place."""
    place = Identity(tmp_path / "node.crt", tmp_path / "node.key")
    put(authority.issue("first"), place)
    return place


def put(identity: Identity, place: Identity) -> None:
    shutil.copy(identity.certificate, place.certificate)
    shutil.copy(identity.key, place.key)


def door(shown: Identity, authority: Authority) -> ssl.SSLContext:
    return server_tls(
        ServerTlsOptions(
            certificate_file=shown.certificate,
            key_file=shown.key,
            ca_file=authority.file,
            require_client_certificate=False,
        ),
        "receive.tls",
    )


def caller(ca_file: Path) -> ssl.SSLContext:
    return client_tls(
        ClientTlsOptions(
            certificate_file=None, key_file=None, ca_file=ca_file, check_host_name=True
        ),
        "peer",
    )


def name_shown(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """Return the common name that `server` shows to `client`; raises `ssl.SSLError`."""
    ours, theirs = socket.socketpair()

    def answer() -> None:
        with ours, suppress(OSError):
            server.wrap_socket(ours, server_side=True).close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with theirs, client.wrap_socket(theirs, server_hostname="127.0.0.1") as secured:
            shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
            (name,) = shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            return str(name.value)
    finally:
        thread.join()


@pytest.mark.req("REQ-NW-09")
def test_a_renewed_certificate_is_shown_to_the_next_caller(
    authority: Authority, shown: Identity
) -> None:
    context, client = door(shown, authority), caller(authority.file)
    before = name_shown(context, client)

    put(authority.issue("second"), shown)

    assert (before, name_shown(context, client)) == ("first", "second")


@pytest.mark.req("REQ-NW-09")
def test_while_only_half_is_renewed_the_old_certificate_is_shown(
    authority: Authority, shown: Identity
) -> None:
    context, client = door(shown, authority), caller(authority.file)
    renewed = authority.issue("second")

    shutil.copy(renewed.certificate, shown.certificate)
    halfway = name_shown(context, client)
    shutil.copy(renewed.key, shown.key)

    assert (halfway, name_shown(context, client)) == ("first", "second")


@pytest.mark.parametrize("harm", ["gone", "garbled", "open"])
def test_files_that_cannot_be_used_change_nothing(
    harm: str, authority: Authority, shown: Identity
) -> None:
    context, client = door(shown, authority), caller(authority.file)
    name_shown(context, client)

    match harm:
        case "gone":
            shown.key.unlink()
        case "garbled":
            shown.certificate.write_text("no certificate")
        case "open":
            put(authority.issue("second"), shown)
            shown.key.chmod(0o644)

    assert name_shown(context, client) == "first"


@pytest.mark.req("REQ-NW-09")
def test_an_authority_that_was_taken_out_is_trusted_no_more(
    authority: Authority, shown: Identity, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.crt"
    shutil.copy(authority.file, trusted)
    context, client = door(shown, authority), caller(trusted)
    name_shown(context, client)

    shutil.copy(Authority(tmp_path / "other", "other").file, trusted)

    with pytest.raises(ssl.SSLCertVerificationError):
        name_shown(context, client)
