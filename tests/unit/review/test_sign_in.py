"""Who is let in at the desk, from where, and with what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.review.accounts import Accounts, Role, account_line
from deid_node.review.options import ReviewOptions
from deid_node.review.sessions import Sessions
from deid_node.review.throttle import Throttle
from tests.builders.desk import DeskHouse, a_desk
from tests.fakes.certificates import Authority


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskHouse]:
    with a_desk(tmp_path_factory.mktemp("desk")) as house:
        yield house


def test_nobody_sees_a_page_who_has_not_signed_in(house: DeskHouse) -> None:
    stranger = house.browser()

    for path in ("/", "/instances/00", "/?code=no_rule"):
        answer = stranger.get(path)
        assert (answer.status, answer.headers["location"]) == (303, "/login")
    for path in ("/instances/00/decision", "/instances/00/after", "/instances/00/values", "/undo"):
        assert stranger.post(path, {}).status == 401
    assert stranger.get("/instances/00/frames/0.png").status == 401


def test_who_signs_in_gets_a_cookie_that_no_script_reads(house: DeskHouse) -> None:
    browser = house.browser("rita")

    assert browser.set_cookie is not None
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(browser.set_cookie.split("; "))
    assert browser.get("/").status == 200


def test_under_tls_the_cookie_goes_to_this_host_alone(tmp_path: Path) -> None:
    identity = Authority(tmp_path / "ca").issue("desk")
    with a_desk(tmp_path, tls=identity.files) as house:
        browser = house.browser("rita")
        page = browser.get("/")

    assert browser.set_cookie is not None
    assert browser.set_cookie.startswith("__Host-desk=")
    assert "Secure" in browser.set_cookie.split("; ")
    assert page.status == 200
    assert page.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    ("name", "passcode"), [("rita", "wrong"), ("nobody", "review-it"), ("", ""), ("rita", "")]
)
def test_who_is_not_known_is_not_let_in(house: DeskHouse, name: str, passcode: str) -> None:
    stranger = house.browser()

    answer = stranger.sign_in(name, passcode)

    assert answer.status in {403, 429}
    assert "set-cookie" not in answer.headers
    assert name not in house.log.text or not name


def test_who_guesses_waits(tmp_path: Path) -> None:
    with a_desk(tmp_path) as house:
        guesser = house.browser()
        tries = [guesser.sign_in("rita", f"guess {n}").status for n in range(5)]
        right = guesser.sign_in("rita", "review-it").status

    assert tries == [403] * 5
    assert right == 429


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=["another origin", "no origin", "cross-site", "another host of the site"],
)
def test_what_another_page_sends_is_refused(
    house: DeskHouse, headers: dict[str, str | None]
) -> None:
    browser = house.browser("rita")

    assert browser.post("/undo", {}, headers).status == 403
    assert house.browser().sign_in("rita", "review-it", headers).status == 403


def test_a_picture_is_not_given_to_a_page_of_somebody_else(house: DeskHouse) -> None:
    browser = house.browser("rita")

    asked = browser.request("GET", "/", headers={"Sec-Fetch-Site": "cross-site"})
    followed = browser.request(
        "GET", "/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    )

    assert (asked.status, followed.status) == (403, 200)


def test_what_has_no_token_of_our_pages_is_refused(house: DeskHouse) -> None:
    browser, other = house.browser("rita"), house.browser("adam")

    for token in (None, "", other.token):
        assert browser.post("/undo", {}, {"X-Desk-Token": token}).status == 403


def test_a_token_is_nobodys_after_signing_out(house: DeskHouse) -> None:
    browser = house.browser("rita")
    browser.request("POST", "/logout", f"token={browser.token}".encode())

    assert browser.get("/").status == 303


@pytest.mark.parametrize("path", ["/login", "/", "/static/desk.js", "/nowhere", "/static/x"])
def test_every_answer_says_what_a_browser_may_do(house: DeskHouse, path: str) -> None:
    headers = house.browser("vera").get(path).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] in {"no-store", "no-cache"}
    assert "server" not in headers


def test_pages_load_nothing_from_elsewhere_and_run_nothing_written_into_them(
    house: DeskHouse,
) -> None:
    instance = house.withhold(uid="1.2.77")
    browser = house.browser("adam")

    for path in ("/login", "/", f"/instances/{instance}"):
        page = browser.get(path).text
        assert "//" not in page.replace("<!doctype html>", "").replace("http://www.w3.org", "")
        assert "<style" not in page
        assert " style=" not in page
        assert " on" not in {part[:3] for part in page.split("<")}


def test_what_is_too_long_is_not_read(house: DeskHouse) -> None:
    browser = house.browser("rita")

    answer = browser.request("POST", "/undo", b"x" * (2 << 20), {"X-Desk-Token": browser.token})

    assert answer.status == 409


def test_beyond_this_machine_it_listens_under_tls_only(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "desk.example", "192.0.2.1"):
        with pytest.raises(ValidationError, match="without tls"):
            ReviewOptions(host=host, users_file=tmp_path / "users")
    for host in ("127.0.0.1", "::1", "localhost"):
        ReviewOptions(host=host, users_file=tmp_path / "users")


def test_a_file_of_users_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# of the ward\n" + account_line("anna: b", Role.VIEWER, "s") + "\n")
    file.chmod(0o600)

    accounts = Accounts.read(file)

    assert accounts.role_of("anna: b", "s") is Role.VIEWER
    assert accounts.role_of("anna: b", "t") is None
    assert accounts.role_of("anna", "s") is None


@pytest.mark.parametrize(
    "text",
    ["", "anna:viewer:", "anna:king:scrypt$16384$8$1$AA==$AA==", "anna:viewer:plain", "anna"],
)
def test_a_file_that_says_something_else_refuses_to_start(tmp_path: Path, text: str) -> None:
    file = tmp_path / "users"
    file.write_text(text + "\n")
    file.chmod(0o600)

    with pytest.raises(ConfigurationError, match=r"review\.users_file"):
        Accounts.read(file)


def test_a_file_that_others_can_read_refuses_to_start(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(account_line("anna", Role.VIEWER, "s") + "\n")
    file.chmod(0o640)

    with pytest.raises(ConfigurationError, match="open to others"):
        Accounts.read(file)


def test_a_session_ends_by_silence_and_by_time() -> None:
    clock = [0.0]
    sessions = Sessions(idle_seconds=10, session_seconds=25, now=lambda: clock[0])
    silent, busy = sessions.begin("anna", Role.VIEWER), sessions.begin("bert", Role.VIEWER)

    seen = []
    for moment in (9.0, 18.0, 24.0, 26.0):
        clock[0] = moment
        seen.append(sessions.of(busy) is not None)

    assert sessions.of(silent) is None
    assert seen == [True, True, True, False]


def test_failures_are_forgotten_with_time() -> None:
    clock = [0.0]
    throttle = Throttle(most=2, period_seconds=10, now=lambda: clock[0])
    throttle.failed("a", "b")
    throttle.failed("b")

    closed = [throttle.is_closed(key) for key in ("a", "b", "c")]
    clock[0] = 10.0

    assert closed == [False, True, False]
    assert not throttle.is_closed("b")


def test_roles_include_each_other_in_order() -> None:
    assert Role.ADMIN.includes(Role.REVIEWER)
    assert Role.REVIEWER.includes(Role.VIEWER)
    assert not Role.VIEWER.includes(Role.REVIEWER)
    assert not Role.REVIEWER.includes(Role.ADMIN)
