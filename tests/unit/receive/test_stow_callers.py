"""Who may send by HTTP: by token, by certificate, by address."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.receive.build import certificates_of, check_reception, peer_names
from deid_node.receive.options import ReceiveOptions
from deid_node.receive.stow.callers import Callers
from deid_node.receive.stow.refusal import (
    NOT_IDENTIFIED,
    PEER_UNKNOWN,
    WRONG_CERTIFICATE,
    Refusal,
)
from deid_node.receive.stow_options import StowOptions, StowPeerOptions
from tests.fakes.certificates import Authority

FIRST, SECOND = "first-token-of-a-scanner", "second-token-of-a-scanner"


def token_file(folder: Path, *tokens: str, name: str = "token") -> Path:
    path = folder / name
    path.write_text("\n".join(tokens))
    path.chmod(0o600)
    return path


def callers(*peers: dict[str, object]) -> Callers:
    return Callers(tuple(StowPeerOptions.model_validate(peer) for peer in peers))


def test_where_none_are_listed_all_may_send() -> None:
    assert Callers("any").recognised("10.0.0.1", (), "") == "any"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("10.1.0.5", "ct"),
        ("10.1.0.6", PEER_UNKNOWN),
        ("::ffff:10.1.0.5", "ct"),
        ("10.2.3.4", "site"),
        ("no address", PEER_UNKNOWN),
    ],
)
def test_a_peer_is_known_by_its_address(address: str, found: str | Refusal) -> None:
    known = callers(
        {"name": "ct", "address": "10.1.0.5"}, {"name": "site", "address": "10.2.0.0/16"}
    )

    assert known.recognised(address, (), "") == found


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (f"Bearer {FIRST}", "ct"),
        (f"bearer  {SECOND} ", "ct"),
        (f"Bearer {FIRST[:-1]}", NOT_IDENTIFIED),
        (f"Bearer {FIRST}x", NOT_IDENTIFIED),
        (f"Basic {FIRST}", NOT_IDENTIFIED),
        (FIRST, NOT_IDENTIFIED),
        ("Bearer", NOT_IDENTIFIED),
        ("Bearer é", NOT_IDENTIFIED),
        ("", NOT_IDENTIFIED),
    ],
)
def test_a_peer_is_known_by_any_of_its_tokens(
    shown: str, found: str | Refusal, tmp_path: Path
) -> None:
    known = callers({"name": "ct", "token_file": token_file(tmp_path, FIRST, "", SECOND)})

    assert known.recognised("10.0.0.1", (), shown) == found


def test_each_token_has_a_name(tmp_path: Path) -> None:
    known = callers(
        {"name": "ct", "token_file": token_file(tmp_path, FIRST, name="ct")},
        {"name": "mr", "token_file": token_file(tmp_path, SECOND, name="mr")},
    )

    assert known.recognised("10.0.0.1", (), f"Bearer {SECOND}") == "mr"


def test_a_peer_must_show_all_that_is_named_of_it(tmp_path: Path) -> None:
    known = callers(
        {
            "name": "ct",
            "address": "10.0.0.0/8",
            "certificate_name": "CT.example.org",
            "token_file": token_file(tmp_path, FIRST),
        }
    )
    bearer = f"Bearer {FIRST}"

    assert known.recognised("10.0.0.1", {"ct.example.org"}, bearer) == "ct"
    assert known.recognised("11.0.0.1", {"ct.example.org"}, bearer) is PEER_UNKNOWN
    assert known.recognised("10.0.0.1", {"mr.example.org"}, bearer) is WRONG_CERTIFICATE
    assert known.recognised("10.0.0.1", (), bearer) is WRONG_CERTIFICATE
    assert known.recognised("10.0.0.1", {"ct.example.org"}, "") is NOT_IDENTIFIED


def test_who_says_wrong_what_another_says_right_is_the_other(tmp_path: Path) -> None:
    known = callers(
        {"name": "ct", "token_file": token_file(tmp_path, FIRST)},
        {"name": "anybody-here", "address": "10.0.0.0/8"},
    )

    assert known.recognised("10.0.0.1", (), "Bearer nonsense") == "anybody-here"
    assert known.recognised("11.0.0.1", (), "Bearer nonsense") is NOT_IDENTIFIED


def test_a_new_token_counts_at_once_and_the_old_one_no_more(tmp_path: Path) -> None:
    path = token_file(tmp_path, FIRST)
    known = callers({"name": "ct", "token_file": path})

    replacement = token_file(tmp_path, SECOND, name="new")
    replacement.replace(path)

    assert known.recognised("10.0.0.1", (), f"Bearer {SECOND}") == "ct"
    assert known.recognised("10.0.0.1", (), f"Bearer {FIRST}") is NOT_IDENTIFIED


@pytest.mark.parametrize("spoilt", ["", "short", "öffentlich-öffentlich-öffentlich"])
def test_a_new_file_that_is_of_no_use_changes_nothing(spoilt: str, tmp_path: Path) -> None:
    path = token_file(tmp_path, FIRST)
    known = callers({"name": "ct", "token_file": path})

    path.write_text(spoilt)
    os.utime(path, (1, 1))

    assert known.recognised("10.0.0.1", (), f"Bearer {FIRST}") == "ct"
    path.unlink()
    assert known.recognised("10.0.0.1", (), f"Bearer {FIRST}") == "ct"


@pytest.mark.parametrize(
    ("content", "mode"),
    [("", 0o600), ("short", 0o600), (FIRST, 0o640), ("a token with a blank", 0o600)],
)
def test_a_file_of_no_use_stops_the_start_and_its_content_is_not_told(
    content: str, mode: int, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(mode)

    with pytest.raises(ConfigurationError) as refused:
        callers({"name": "ct", "token_file": path})

    assert refused.value.path == "receive.stow.peers.token_file"
    assert not content or content not in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        {"peers": [{"name": "ct"}]},
        {"peers": [{"name": "ct", "address": "10.0.0.1"}, {"name": "ct", "address": "10.0.0.2"}]},
        {"peers": [{"name": "ct", "address": "nowhere"}]},
        {"peers": [{"name": "CT one", "address": "10.0.0.1"}]},
        {"peers": [{"name": "ct", "certificate_name": "ct.example.org"}]},
        {"peers": [{"name": "ct", "token_file": "token"}]},
        {"path": "dicom-web"},
        {"path": "/dicom-web/"},
        {"path": "/a b"},
        {"unknown": 1},
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StowOptions.model_validate(options)


def test_a_token_goes_over_the_loopback_or_by_tls() -> None:
    peers = [{"name": "ct", "token_file": "token"}]
    tls = {"certificate_file": "a", "key_file": "b"}

    for said in ({"host": "127.0.0.1"}, {"host": "localhost"}, {"tls": tls}):
        assert StowOptions.model_validate({"peers": peers, **said}).peers != "any"


@pytest.mark.parametrize(
    ("most", "of_address", "quota"), [(32, None, 24), (1, None, 1), (8, 20, 8), (8, 2, 2)]
)
def test_nobody_takes_every_place(most: int, of_address: int | None, quota: int) -> None:
    options = StowOptions(max_requests=most, max_requests_per_address=of_address)

    assert options.quota == quota


def test_a_port_of_associations_cannot_have_its_name() -> None:
    listeners = [{"name": "stow", "port": 0}]

    assert ReceiveOptions.model_validate({"listeners": listeners}).listener_names == ("stow",)
    with pytest.raises(ValidationError, match="same name"):
        ReceiveOptions.model_validate({"listeners": listeners, "stow": {}})


def test_without_its_libraries_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deid_node.receive.stow.build.find_spec", lambda _name: None)

    with pytest.raises(ConfigurationError, match=r"deid-node\[dicomweb\]"):
        check_reception(ReceiveOptions.model_validate({"stow": {}}))


def test_its_peers_and_its_certificate_are_known_with_the_others(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("node")
    options = ReceiveOptions.model_validate(
        {"stow": {"tls": own.files | {"require_client_certificate": False},
                  "peers": [{"name": "cloud", "address": "10.0.0.1"}]}}
    )  # fmt: skip

    check_reception(options)

    assert peer_names(options) == ("any", "cloud")
    assert [(one.part, one.setting) for one in certificates_of(options)] == [
        ("receive_stow", "certificate_file")
    ]
