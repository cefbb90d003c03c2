"""Mail and web addresses, by real servers on the loopback."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import ValidationError

from deid_node.errors import ConfigurationError, NotificationFailed
from deid_node.notify.channels import Email, Webhook
from deid_node.notify.notice import Notice, NoticeKind
from deid_node.notify.options import EmailOptions, WebhookOptions
from tests.fakes.certificates import Authority
from tests.fakes.waiting import free_port

TROUBLE = Notice(NoticeKind.TROUBLE_BEGAN, "DEIDNODE", "forward_archive", "unreachable")
WITHHELD = Notice(NoticeKind.INSTANCES_WITHHELD, "DEIDNODE", count=3)


class Room:
    """A chat room that keeps what was posted to it, and answers as it is told."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 200
        room = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                room.posted.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(room.status)
                if room.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


@contextmanager
def running(room: Room) -> Iterator[None]:
    thread = threading.Thread(target=room.server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        room.server.shutdown()
        thread.join()
        room.server.server_close()


@pytest.fixture
def room() -> Iterator[Room]:
    built = Room()
    with running(built):
        yield built


def a_webhook(room: Room, **options: Any) -> Webhook:
    url = f"http://127.0.0.1:{room.port}/hook?room=7"
    given = {"kind": "webhook", "url": url} | options
    return Webhook(WebhookOptions.model_validate(given), path="notify.channels[0]")


def test_a_room_gets_text_and_fields(room: Room, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)

    a_webhook(room, bearer_file=token).send(TROUBLE)

    ((path, headers, body),) = room.posted
    assert path == "/hook?room=7"
    assert headers["Authorization"] == "Bearer s3cret"
    assert body.pop("text").startswith("DEIDNODE: forward_archive is in trouble (unreachable)\n")
    assert body == {
        "kind": "trouble_began", "node": "DEIDNODE", "part": "forward_archive",
        "code": "unreachable",
    }  # fmt: skip


@pytest.mark.parametrize("status", [302, 400, 500])
def test_only_a_room_that_says_yes_has_taken_it(room: Room, status: int) -> None:
    room.status = status

    with pytest.raises(NotificationFailed, match=str(status)):
        a_webhook(room).send(WITHHELD)

    assert len(room.posted) == 1, "a redirect is not followed: the token would travel"


def test_a_room_that_is_not_there_is_a_failure(room: Room) -> None:
    channel = a_webhook(room)
    gone = Webhook(
        WebhookOptions(kind="webhook", url="http://127.0.0.1:9/"), path="notify.channels[0]"
    )

    with pytest.raises(NotificationFailed):
        gone.send(WITHHELD)
    channel.send(WITHHELD)


def test_a_room_behind_tls_must_show_a_certificate_of_the_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("server", host="localhost")
    room = Room()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    room.server.socket = context.wrap_socket(room.server.socket, server_side=True)
    url = f"https://localhost:{room.port}/"
    with running(room):
        Webhook(
            WebhookOptions(kind="webhook", url=url, ca_file=authority.file), path="notify"
        ).send(WITHHELD)
        with pytest.raises(NotificationFailed):
            Webhook(WebhookOptions(kind="webhook", url=url), path="notify").send(WITHHELD)

    assert len(room.posted) == 1


class Postbox:
    """Keeps the mails; one recipient may be refused."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append((envelope.rcpt_tos, envelope.content.decode("ascii")))
        return "250 taken"


@contextmanager
def a_mail_server(postbox: Postbox, **options: Any) -> Iterator[int]:
    # It tries its own port once it has started: 0 would be none.
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def an_email(port: int, **options: Any) -> Email:
    given = {
        "kind": "email", "host": "localhost", "port": port, "security": "none",
        "sender": "node@hospital.example", "recipients": ["a@hospital.example", "b@x.example"],
    }  # fmt: skip
    return Email(EmailOptions.model_validate(given | options), path="notify.channels[0]")


def test_a_mail_says_who_what_and_what_to_do() -> None:
    postbox = Postbox()
    with a_mail_server(postbox) as port:
        an_email(port).send(WITHHELD)

    ((to, content),) = postbox.mails
    assert to == ["a@hospital.example", "b@x.example"]
    assert "Subject: DEIDNODE: 3 withheld instances wait for a person" in content
    assert "deid-node withheld list" in content
    assert "From: node@hospital.example" in content


def test_a_mail_goes_by_starttls_and_with_a_password(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("server", host="localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    postbox = Postbox()

    def may(*given: Any) -> AuthResult:
        said: LoginPassword = given[-1]
        right = (said.login, said.password) == (b"node", b"correct horse")
        return AuthResult(success=right, handled=False)

    login = {"user": "node", "password_file": password, "security": "starttls"}
    with a_mail_server(
        postbox, tls_context=context, require_starttls=True, authenticator=may, auth_required=True
    ) as port:
        an_email(port, ca_file=authority.file, **login).send(TROUBLE)
        password.write_text("wrong\n")
        with pytest.raises(NotificationFailed) as caught:
            an_email(port, ca_file=authority.file, **login).send(TROUBLE)
        with pytest.raises(NotificationFailed):
            an_email(port, **login).send(TROUBLE)

    assert len(postbox.mails) == 1
    assert "wrong" not in str(caught.value)


def test_no_server_is_a_failure() -> None:
    with pytest.raises(NotificationFailed):
        an_email(9).send(TROUBLE)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://chat.example/hook"},
        {"url": "ftp://127.0.0.1/"},
        {"url": "https://user:word@chat.example/"},
    ],
)
def test_a_token_does_not_travel_in_the_clear(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WebhookOptions.model_validate({"kind": "webhook"} | change)


@pytest.mark.parametrize(
    "change",
    [
        {"user": "node"},
        {"user": "node", "password_file": "./p", "security": "none"},
        {"recipients": []},
        {"recipients": ["a@b.example, c@d.example"]},
        {"sender": "node\n@x.example"},
    ],
)
def test_a_mail_that_cannot_be_is_refused_at_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        an_email(25, **change)


@pytest.mark.parametrize(
    ("content", "mode"), [(None, 0), ("s3cret", 0o640), ("", 0o600), ("two\nlines", 0o600)]
)
def test_a_secret_that_cannot_be_used_names_the_setting(
    content: str | None, mode: int, tmp_path: Path, room: Room
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
        token.chmod(mode)

    with pytest.raises(ConfigurationError) as caught:
        a_webhook(room, bearer_file=token)

    assert caught.value.path == "notify.channels[0].bearer_file"
    assert "s3cret" not in str(caught.value)
