"""As whom we come to an archive of the web, and that nobody is told the secret."""

import base64
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deid_node.errors import ConfigurationError, DestinationUnavailable
from deid_node.forward.build import build_destination, check_destination
from deid_node.values.delivery import DeliveryResult, Receipt
from tests.fakes.peer_parcels import a_parcel
from tests.fakes.stow_sending import stow, stowing_to
from tests.fakes.token_server import TokenServer
from tests.fakes.waiting import free_port
from tests.fakes.web_archive import Asked, Manner, Reply, WebArchive, plain

WORD = "s3cret/+="


def secret_file(folder: Path, text: str = WORD, *, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.touch(mode=0o600)
    file.write_text(f"{text}\n")
    file.chmod(mode)
    return file


def shown(archive: WebArchive) -> list[str | None]:
    return [one.headers.get("authorization") for one in archive.asked]


def results(receipts: Sequence[Receipt]) -> list[DeliveryResult]:
    return [one.result for one in receipts]


def refusing(value: str) -> Manner:
    """Return the manner of an archive that does not let in who shows `value`."""

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        return Reply(401) if asked.headers.get("authorization") == value else plain(asked, archive)

    return manner


def oauth2(tokens: TokenServer, file: Path, **more: Any) -> dict[str, Any]:
    return {
        "kind": "oauth2",
        "token_url": tokens.url,
        "client_id": tokens.client_id,
        "client_secret_file": file,
        **more,
    }


def test_nothing_is_shown_where_nothing_is_asked_for(tmp_path: Path) -> None:
    with WebArchive() as archive, stowing_to(archive.url) as destination:
        list(destination.deliver([a_parcel(tmp_path)]))

    assert shown(archive) == [None]


def test_a_user_and_a_password_are_shown(tmp_path: Path) -> None:
    auth = {"kind": "basic", "user": "node", "password_file": secret_file(tmp_path)}

    with WebArchive() as archive, stowing_to(archive.url, auth=auth) as destination:
        list(destination.deliver([a_parcel(tmp_path)]))

    (value,) = shown(archive)
    assert value is not None
    assert base64.b64decode(value.removeprefix("Basic ")).decode() == f"node:{WORD}"


def test_a_token_is_read_again_each_time(tmp_path: Path) -> None:
    file = secret_file(tmp_path, "one")

    with (
        WebArchive() as archive,
        stowing_to(archive.url, auth={"kind": "bearer", "token_file": file}) as destination,
    ):
        list(destination.deliver([a_parcel(tmp_path)]))
        file.write_text("two")
        list(destination.deliver([a_parcel(tmp_path)]))

    assert shown(archive) == ["Bearer one", "Bearer two"]


def test_a_token_that_was_renewed_meanwhile_is_shown_instead(tmp_path: Path) -> None:
    file = secret_file(tmp_path, "old")

    def renewing(asked: Asked, archive: WebArchive) -> Reply:
        file.write_text("new")
        return refusing("Bearer old")(asked, archive)

    with (
        WebArchive(renewing) as archive,
        stowing_to(archive.url, auth={"kind": "bearer", "token_file": file}) as destination,
    ):
        receipts = list(destination.deliver([a_parcel(tmp_path)]))

    assert results(receipts) == [DeliveryResult.DELIVERED]
    assert shown(archive) == ["Bearer old", "Bearer new"]


def test_a_token_that_is_refused_and_not_renewed_is_shown_once(tmp_path: Path) -> None:
    auth = {"kind": "bearer", "token_file": secret_file(tmp_path, "old")}

    with (
        WebArchive(refusing("Bearer old")) as archive,
        stowing_to(archive.url, auth=auth) as destination,
    ):
        receipts = list(destination.deliver([a_parcel(tmp_path)]))

    assert [(one.result, one.status) for one in receipts] == [(DeliveryResult.RETRY, 401)]
    assert shown(archive) == ["Bearer old"]


@pytest.mark.parametrize("place", ["header", "body"])
def test_a_token_is_fetched_once_and_used_until_it_expires(place: str, tmp_path: Path) -> None:
    with (
        TokenServer("node", WORD) as tokens,
        WebArchive(tokens.admitting()) as archive,
        stowing_to(
            archive.url,
            auth=oauth2(
                tokens,
                secret_file(tmp_path),
                scope="dicom.write",
                audience="archive",
                credentials_in=place,
            ),
        ) as destination,
    ):
        for _ in range(3):
            receipts = list(destination.deliver([a_parcel(tmp_path)]))
            assert results(receipts) == [DeliveryResult.DELIVERED]

    (form,) = tokens.asked
    assert form["grant_type"] == ["client_credentials"]
    assert (form["scope"], form["audience"]) == (["dicom.write"], ["archive"])
    assert ("client_secret" in form) is (place == "body")
    assert shown(archive) == ["Bearer token-1"] * 3


@pytest.mark.parametrize("expires_in", [0, "0", -5])
def test_a_token_that_has_expired_is_not_shown_again(expires_in: object, tmp_path: Path) -> None:
    with (
        TokenServer("node", WORD, expires_in=expires_in) as tokens,
        WebArchive(tokens.admitting()) as archive,
        stowing_to(archive.url, auth=oauth2(tokens, secret_file(tmp_path))) as destination,
    ):
        for _ in range(2):
            list(destination.deliver([a_parcel(tmp_path)]))

    assert shown(archive) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("expires_in", [3600, None, "3600", "later"])
def test_401_fetches_one_new_token(expires_in: object, tmp_path: Path) -> None:
    with TokenServer("node", WORD, expires_in=expires_in) as tokens:
        refused = refusing("Bearer token-1")
        with (
            WebArchive(refused) as archive,
            stowing_to(archive.url, auth=oauth2(tokens, secret_file(tmp_path))) as destination,
        ):
            receipts = list(destination.deliver([a_parcel(tmp_path)]))

    assert results(receipts) == [DeliveryResult.DELIVERED]
    assert shown(archive) == ["Bearer token-1", "Bearer token-2"]


def test_an_archive_that_refuses_every_token_gets_two_of_them(tmp_path: Path) -> None:
    with (
        TokenServer("node", WORD) as tokens,
        WebArchive(lambda _asked, _archive: Reply(401)) as archive,
        stowing_to(archive.url, auth=oauth2(tokens, secret_file(tmp_path))) as destination,
    ):
        receipts = list(destination.deliver([a_parcel(tmp_path)]))

    assert [(one.result, one.status) for one in receipts] == [(DeliveryResult.RETRY, 401)]
    assert shown(archive) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"access_token": 7}',
        b'{"access_token": "a b"}',
        b'{"access_token": "a\\r\\nHost: b"}',
        b'{"access_token": "abc", "token_type": "mac"}',
        b"x" * (2 << 20),
    ],
    ids=["empty", "list", "no token", "number", "space", "line", "another kind", "endless"],
)
def test_an_odd_answer_of_the_token_server_sends_nothing(answer: bytes, tmp_path: Path) -> None:
    with TokenServer("node", WORD) as tokens, WebArchive() as archive:
        tokens.reply = lambda _token: answer
        auth = oauth2(tokens, secret_file(tmp_path))
        with (
            stowing_to(archive.url, auth=auth) as destination,
            pytest.raises(DestinationUnavailable, match="token server"),
        ):
            list(destination.deliver([a_parcel(tmp_path)]))

    assert archive.asked == []


@pytest.mark.parametrize("trouble", ["down", "500", "wrong secret", "secret gone"])
def test_without_a_token_nothing_is_sent_and_nobody_is_told_the_secret(
    trouble: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = secret_file(tmp_path)
    with TokenServer("node", WORD) as tokens, WebArchive() as archive:
        auth = oauth2(tokens, file)
        if trouble == "down":
            auth["token_url"] = f"http://127.0.0.1:{free_port()}/token"
        tokens.status = 500 if trouble == "500" else 200
        if trouble == "wrong secret":
            file.write_text("another")
        with stowing_to(archive.url, auth=auth) as destination:
            if trouble == "secret gone":
                file.unlink()
            with pytest.raises(DestinationUnavailable) as raised:
                list(destination.deliver([a_parcel(tmp_path)]))

    assert archive.asked == []
    for secret in (WORD, base64.b64encode(WORD.encode()).decode()):
        assert secret not in str(raised.value) + caplog.text


def test_a_secret_is_part_of_no_log_and_of_no_representation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        TokenServer("node", WORD) as tokens,
        WebArchive(tokens.admitting()) as archive,
        stowing_to(archive.url, auth=oauth2(tokens, secret_file(tmp_path))) as destination,
    ):
        list(destination.deliver([a_parcel(tmp_path)]))
        told = f"{vars(destination)} {destination!r} {caplog.text}"

    assert WORD not in told
    assert "token-1" not in told


# The configuration.


@pytest.mark.parametrize("kind", ["basic", "bearer", "oauth2"])
@pytest.mark.parametrize("trouble", ["missing", "open", "empty", "binary"])
def test_a_secret_that_cannot_be_used_is_named_by_its_setting(
    kind: str, trouble: str, tmp_path: Path
) -> None:
    file = secret_file(tmp_path, "" if trouble == "empty" else WORD)
    if trouble == "missing":
        file.unlink()
    elif trouble == "open":
        file.chmod(0o644)
    elif trouble == "binary":
        file.write_bytes(b"\xff\xfe")
    auth = {
        "basic": {"kind": "basic", "user": "node", "password_file": file},
        "bearer": {"kind": "bearer", "token_file": file},
        "oauth2": {
            "kind": "oauth2",
            "token_url": "https://127.0.0.1/token",
            "client_id": "node",
            "client_secret_file": file,
        },
    }[kind]
    setting = {"basic": "password_file", "bearer": "token_file", "oauth2": "client_secret_file"}
    options = stow("https://127.0.0.1/dicom-web", auth=auth)

    for act in (
        lambda: check_destination("cloud", options, ae_titles={"DEIDNODE"}),
        lambda: build_destination("cloud", options),
    ):
        with pytest.raises(ConfigurationError) as raised:
            act()

        assert raised.value.path == f"forward.destinations.cloud.auth.{setting[kind]}"
        assert WORD not in str(raised.value)
