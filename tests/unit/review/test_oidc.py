"""Signing in by the site's OpenID provider: whom it names is let in, and nobody else."""

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.review.build import check_review
from deid_node.review.oidc_options import OidcOptions
from deid_node.review.oidc_pages import Attempts
from deid_node.review.options import ReviewOptions
from tests.builders.desk import Answer, Browser, DeskHouse, a_desk
from tests.fakes.oidc_provider import CLIENT, SECRET, OidcProvider, a_provider
from tests.fakes.waiting import free_port

ROLES = {"viewer": ("staff",), "reviewer": ("desk-reviewers",), "admin": ("desk-admins",)}
CROSS_SITE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


def _options(folder: Path, issuer: str, *, port: int = 1, **how: Any) -> OidcOptions:
    secret = folder / "client-secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    said = {
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret_file": secret,
        "public_url": f"http://127.0.0.1:{port}",
        "roles": ROLES,
        **how,
    }
    return OidcOptions.model_validate(said)


@contextmanager
def a_house(
    folder: Path, provider: OidcProvider, *, has_users: bool = True, **how: Any
) -> Iterator[DeskHouse]:
    port = free_port()
    options = _options(folder, provider.issuer, port=port, **how)
    with a_desk(folder, port=port, oidc=options, has_users=has_users) as house:
        yield house


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with a_provider() as provider:
        yield provider


@pytest.fixture
def house(provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskHouse]:
    provider.claims = {}
    provider.signed_by = None
    provider.algorithm = "RS256"
    with a_house(tmp_path_factory.mktemp("desk"), provider) as house:
        yield house


def _sent(browser: Browser) -> str:
    """Go to the provider; return the address at which the browser is sent back to the desk."""
    answer = browser.get("/oidc/login")
    assert answer.status == 303
    browser.cookie = answer.headers["set-cookie"].partition(";")[0]
    parts = urlsplit(answer.headers["location"])
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("GET", f"{parts.path}?{parts.query}")
    back = urlsplit(connection.getresponse().headers["Location"])
    connection.close()
    return f"{back.path}?{back.query}"


def _come_back(browser: Browser, address: str) -> Answer:
    return browser.request("GET", address, headers=CROSS_SITE)


def _enter(house: DeskHouse) -> tuple[Browser, Answer]:
    browser = house.browser()
    return browser, _come_back(browser, _sent(browser))


def _cookie_of(answer: Answer) -> str:
    found = re.search(r"(desk=[^;]+)", answer.headers.get("set-cookie", ""))
    assert found is not None
    return found[1]


def test_whom_the_provider_names_is_let_in_with_the_role_of_a_claim(house: DeskHouse) -> None:
    browser, answer = _enter(house)
    browser.cookie = _cookie_of(answer)

    page = browser.get("/").text

    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in answer.text
    assert "oidc:anna <small>reviewer</small>" in page


def test_it_is_asked_for_a_code_with_pkce_and_nothing_is_told_that_is_secret(
    house: DeskHouse, provider: OidcProvider
) -> None:
    browser = house.browser()
    location = browser.get("/oidc/login").headers["location"]

    asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert set(asked["scope"].split()) == {"openid", "profile"}
    assert asked["redirect_uri"].endswith("/oidc/callback")
    assert len(asked["state"]) >= 32
    assert len(asked["nonce"]) >= 32
    assert SECRET not in location
    assert provider.issuer in location


def _moment(name: str, value: object) -> object:
    """Return seconds from now as the moment that a token names; anything else as it is."""
    return int(time()) + value if name in ("exp", "nbf") and isinstance(value, int) else value


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": [CLIENT, "another"]},
        {"iss": "http://127.0.0.1:1"},
        {"exp": -3600},
        {"exp": None},
        {"iat": None},
        {"nbf": 3600},
        {"sub": None},
        {"preferred_username": None},
        {"preferred_username": " "},
        {"preferred_username": "an\nna"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_attempt_lets_nobody_in(
    house: DeskHouse, provider: OidcProvider, claims: dict[str, Any]
) -> None:
    provider.claims = {name: _moment(name, value) for name, value in claims.items()}

    browser, answer = _enter(house)

    assert answer.status == 403
    assert "desk=" not in answer.headers.get("set-cookie", "")
    assert browser.get("/").status == 303


@pytest.mark.parametrize("groups", [["strangers"], [], None, "strangers", {"staff": 1}, [1]])
def test_who_has_no_role_here_is_not_let_in_and_told_so(
    house: DeskHouse, provider: OidcProvider, groups: object
) -> None:
    provider.claims = {"groups": groups}

    _, answer = _enter(house)

    assert answer.status == 403
    assert "no role at this desk" in answer.text
    assert "desk=" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["staff"], "viewer"), ("staff", "viewer"), (["staff", "desk-admins"], "admin")],
)
def test_the_highest_role_counts(
    house: DeskHouse, provider: OidcProvider, groups: object, role: str
) -> None:
    provider.claims = {"groups": groups}
    browser, answer = _enter(house)
    browser.cookie = _cookie_of(answer)

    assert f"<small>{role}</small>" in browser.get("/").text


def test_a_signature_by_another_key_lets_nobody_in(
    house: DeskHouse, provider: OidcProvider
) -> None:
    provider.signed_by = RSAKey.generate_key(2048)

    assert _enter(house)[1].status == 403


def test_a_signature_that_our_own_secret_makes_lets_nobody_in(
    house: DeskHouse, provider: OidcProvider
) -> None:
    provider.signed_by = OctKey.import_key(SECRET)  # type: ignore[assignment]
    provider.algorithm = "HS256"

    assert _enter(house)[1].status == 403


def test_a_code_counts_once_and_for_the_browser_that_asked(house: DeskHouse) -> None:
    browser, other = house.browser(), house.browser()
    address = _sent(browser)
    _sent(other)

    stolen = _come_back(other, address)
    first = _come_back(browser, address)
    again = _come_back(browser, address)

    assert (stolen.status, first.status, again.status) == (403, 200, 403)


@pytest.mark.parametrize("query", ["", "?state=x", "?code=code-1", "?error=access_denied&state=x"])
def test_who_comes_back_without_what_was_asked_for_is_not_let_in(
    house: DeskHouse, query: str
) -> None:
    browser = house.browser()
    _sent(browser)

    assert _come_back(browser, f"/oidc/callback{query}").status == 403


def test_who_comes_back_wrongly_time_and_again_waits(tmp_path: Path) -> None:
    with a_provider() as provider, a_house(tmp_path, provider) as house:
        tries = [
            _come_back(house.browser(), "/oidc/callback?code=x&state=y").status for _ in range(6)
        ]

    assert tries == [403] * 5 + [429]


def test_a_new_key_of_the_provider_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deid_node.review.oidc._KEYS_SECONDS", 0.0)
    with a_provider() as provider, a_house(tmp_path, provider) as house:
        before = _enter(house)[1].status
        provider.key, provider.algorithm = ECKey.generate_key("P-256", auto_kid=True), "ES256"
        after = _enter(house)[1].status

    assert (before, after) == (200, 200)


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "http://127.0.0.1:9"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "ftp://127.0.0.1/keys"},
        {"authorization_endpoint": None},
    ],
    ids=str,
)
def test_a_provider_that_says_what_cannot_be_is_not_believed(
    tmp_path: Path, discovery: dict[str, Any]
) -> None:
    with (
        a_provider(discovery=discovery) as provider,
        a_house(tmp_path, provider) as house,
    ):
        browser = house.browser()
        login = browser.get("/oidc/login")
        status = login.status
        if status == 303:
            status = _enter(house)[1].status

    assert status in {403, 502}


def test_a_provider_that_is_away_is_told_of_and_local_users_come_in(tmp_path: Path) -> None:
    with a_provider() as provider:
        pass
    with a_house(tmp_path, provider) as house:
        answer = house.browser().get("/oidc/login")
        local = house.browser("rita").get("/").status

    assert answer.status == 502
    assert "does not answer" in answer.text
    assert local == 200


def test_where_there_are_no_local_users_no_passcode_is_asked_for(tmp_path: Path) -> None:
    with a_provider() as provider, a_house(tmp_path, provider, has_users=False) as house:
        page = house.browser().get("/login").text
        guess = house.browser().sign_in("rita", "review-it").status

    assert 'href="/oidc/login"' in page
    assert "passcode" not in page
    assert guess == 403


def test_who_signs_out_is_shown_the_way_out_at_the_provider(
    house: DeskHouse, provider: OidcProvider
) -> None:
    browser, answer = _enter(house)
    browser.cookie = _cookie_of(answer)
    token = re.search(r'name="token" value="([^"]+)"', browser.get("/").text)
    assert token is not None

    left = browser.request("POST", "/logout", f"token={token[1]}".encode())

    assert left.status == 200
    assert f"{provider.issuer}/logout?client_id={CLIENT}" in left.text
    assert browser.get("/").status == 303


def test_roles_deep_in_a_claim_are_found(tmp_path: Path) -> None:
    claims = {"groups": None, "realm_access": {"roles": ["desk-admins"]}, "name": "Bert"}
    with (
        a_provider(claims=claims) as provider,
        a_house(tmp_path, provider, roles_claim="realm_access.roles", name_claim="name") as house,
    ):
        browser, answer = _enter(house)
        browser.cookie = _cookie_of(answer)
        page = browser.get("/").text

    assert "oidc:Bert <small>admin</small>" in page


def test_the_log_names_nobody_and_tells_no_token(house: DeskHouse, provider: OidcProvider) -> None:
    _enter(house)
    provider.claims = {"groups": []}
    _enter(house)

    for secret in ("anna", SECRET, "code-", "248289761001", "eyJ"):
        assert secret not in house.log.text


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("issuer", "http://provider.example"),
        ("public_url", "http://desk.hospital.example"),
        ("issuer", "provider"),
        ("roles", {}),
        ("roles", {"owner": ["x"]}),
    ],
)
def test_what_could_be_heard_by_others_or_lets_nobody_in_is_refused(
    tmp_path: Path, what: str, wrong: Any
) -> None:
    said = _options(tmp_path, "https://provider.example").model_dump()

    with pytest.raises(ValidationError):
        OidcOptions.model_validate({**said, what: wrong})


def test_a_desk_that_nobody_could_enter_is_refused() -> None:
    with pytest.raises(ValidationError, match="users_file or oidc"):
        ReviewOptions.model_validate({})


@pytest.mark.parametrize(("mode", "text"), [(0o644, SECRET), (0o600, " \n"), (0o600, "geheimnß")])
def test_a_secret_that_is_open_to_others_or_none_is_refused(
    tmp_path: Path, mode: int, text: str
) -> None:
    options = ReviewOptions(oidc=_options(tmp_path, "https://provider.example"))
    secret = tmp_path / "client-secret"
    secret.write_text(text)
    secret.chmod(mode)

    with pytest.raises(ConfigurationError, match="client_secret_file"):
        check_review(options)


def test_an_attempt_is_over_after_ten_minutes() -> None:
    clock = [0.0]
    attempts = Attempts(lambda: clock[0])
    early, late = attempts.begin(), attempts.begin()

    clock[0] = 599
    taken = attempts.take(early[0])
    clock[0] = 601

    assert taken == early[1]
    assert attempts.take(late[0]) is None
    assert attempts.take("nobody's") is None
