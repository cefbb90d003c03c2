"""The door of STOW-RS behind TLS: who shows which certificate, and who a token."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deid_node.dicom.tls import client_tls
from deid_node.dicom.tls_options import ClientTlsOptions
from deid_node.errors import ConfigurationError
from deid_node.observe.events import Event
from tests.builders.stow import body, part_ten, request
from tests.fakes.certificates import Authority, Identity
from tests.fakes.stow_house import Answer, StowHouse, answer_on
from tests.fakes.waiting import eventually

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - of a test


class SecuredHouse(StowHouse):
    """A door with a certificate, and an authority that issues those of peers."""

    def __init__(self, folder: Path, **options: object) -> None:
        folder.mkdir()
        self.authority = Authority(folder / "authority")
        self.own = self.authority.issue("node")
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        tls = {
            **self.own.files,
            "ca_file": str(self.authority.file),
            "require_client_certificate": False,
        }
        peers = [
            {"name": "ct", "certificate_name": "ct.example.org"},
            {"name": "cloud", "token_file": str(token)},
        ]
        super().__init__(folder / "spool", **{"tls": tls, "peers": peers, **options})

    def secured(self, identity: Identity | None) -> ssl.SSLSocket:
        """Return a connection that shows the certificate of `identity`."""
        context = client_tls(
            ClientTlsOptions(
                ca_file=self.authority.file,
                certificate_file=identity and identity.certificate,
                key_file=identity and identity.key,
            ),
            "test",
        )
        return context.wrap_socket(self.call(), server_hostname="127.0.0.1")

    def ask_as(self, identity: Identity | None, content: bytes) -> Answer:
        """Return the answer to `content`, asked with a certificate or without one."""
        with self.secured(identity) as connection:
            connection.sendall(content)
            return answer_on(connection)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SecuredHouse]:
    built = SecuredHouse(tmp_path / "house")
    yield built
    built.close()


def bearing(token: str) -> bytes:
    return request(body([part_ten()]), headers=[("Authorization", f"Bearer {token}")])


@pytest.mark.req("REQ-NW-02")
def test_a_peer_is_known_by_its_certificate(house: SecuredHouse) -> None:
    scanner = house.authority.issue("scanner", host="ct.example.org")

    answer = house.ask_as(scanner, request(body([part_ten()])))

    assert (answer.status, answer.stored) == (200, ["1.2.3.4"])
    assert house.count("instances_received", peer="other") == 1
    assert list(house.offered.values()) == ["ct"]
    rows = house.custody.read("SELECT peer, address, called_ae, listener FROM instances")
    assert [tuple(row) for row in rows] == [("ct", "127.0.0.1", "", "stow")]


def test_a_peer_is_known_by_its_token(house: SecuredHouse) -> None:
    answer = house.ask_as(None, bearing(TOKEN))

    assert answer.status == 200
    assert list(house.offered.values()) == ["cloud"]


def test_who_shows_neither_is_asked_for_a_token(house: SecuredHouse) -> None:
    answer = house.ask_as(None, bearing("a-token-that-somebody-guessed"))

    assert (answer.status, answer.content) == (401, b"A bearer token of a peer is expected.\n")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert house.kept() == []
    (line,) = house.log.lines_of(Event.REQUEST_REFUSED)
    assert (line["code"], line["http_status"], line["caller"]) == (
        "not_identified", 401, "127.0.0.1",
    )  # fmt: skip
    assert [one.description for one in house.told] == ["not_identified"]
    assert "guess" not in house.log.text


def test_where_only_certificates_count_a_wrong_one_is_forbidden(tmp_path: Path) -> None:
    peers = [{"name": "ct", "certificate_name": "ct.example.org"}]
    house = SecuredHouse(tmp_path / "house", peers=peers)
    try:
        other = house.authority.issue("other", host="mr.example.org")

        assert house.ask_as(other, bearing(TOKEN)).status == 403
        assert house.count("refusals", code="wrong_certificate") == 1
    finally:
        house.close()


@pytest.mark.parametrize(
    ("said", "code"),
    [(request(body([part_ten()])), "tls_not_spoken"), (b"", "tls_failed")],
    ids=["plain", "nothing"],
)
def test_who_does_not_speak_tls_is_turned_away(said: bytes, code: str, house: SecuredHouse) -> None:
    with house.call() as connection:
        connection.sendall(said)
        # It may have been turned away by now.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            connection.recv(100)

    assert eventually(lambda: house.count("refusals", code=code) == 1, what="it is counted")
    assert house.ask_as(None, bearing(TOKEN)).status == 200


def test_one_of_another_authority_is_turned_away(house: SecuredHouse, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "strangers", "strangers").issue("ct", host="ct.example.org")

    with suppress(OSError):
        house.ask_as(stranger, request(body([part_ten()])))

    assert eventually(lambda: house.count("refusals", code="tls_untrusted") == 1, what="counted")
    assert house.kept() == []


def test_a_request_larger_than_a_record_comes_whole(house: SecuredHouse) -> None:
    parts = [part_ten(f"1.2.3.{number}", filling=300_000) for number in range(3)]

    answer = house.ask_as(
        None, request(body(parts), headers=[("Authorization", f"Bearer {TOKEN}")])
    )

    assert len(answer.stored) == 3


def test_files_that_are_of_no_use_stop_the_start(tmp_path: Path) -> None:
    tls = {"certificate_file": str(tmp_path / "no"), "key_file": str(tmp_path / "no")}

    with pytest.raises(ConfigurationError) as refused:
        StowHouse(tmp_path / "spool", tls=tls)

    assert refused.value.path == "receive.stow.tls.certificate_file"


@pytest.mark.parametrize(
    ("options", "path"),
    [({"host": "no.such.host.invalid"}, "host"), ({"host": "192.0.2.1"}, "port")],
)
def test_an_address_that_cannot_be_had_stops_the_start(
    options: dict[str, object], path: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        StowHouse(tmp_path / "spool", **options)

    assert refused.value.path == f"receive.stow.{path}"
