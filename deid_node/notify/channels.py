"""The ways out: a mail server, a web address. Nothing is retried here."""

import json
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from deid_node.errors import ConfigurationError, NotificationFailed
from deid_node.machine import read_private
from deid_node.notify.notice import Notice
from deid_node.notify.options import EmailOptions, WebhookOptions

_TIMEOUT_SECONDS: Final = 20.0


class Channel(Protocol):
    """A way to a person."""

    @property
    def name(self) -> str:
        """Its kind, for the log."""
        ...

    def send(self, notice: Notice) -> None:
        """Send it, within a minute; raise `NotificationFailed` unless it was taken."""
        ...


class Webhook:
    """Posts JSON; only a status of 2xx counts as taken."""

    name = "webhook"

    def __init__(self, options: WebhookOptions, *, path: str) -> None:
        """Read the files once; raise `ConfigurationError` for one that cannot be used."""
        self._url = urlsplit(options.url)
        query = f"?{self._url.query}" if self._url.query else ""
        self._target = (self._url.path or "/") + query
        self._context = _context(options.ca_file, path=f"{path}.ca_file")
        self._token = None
        if options.bearer_file is not None:
            self._token = _secret(options.bearer_file, setting=f"{path}.bearer_file")

    def send(self, notice: Notice) -> None:
        """Post it."""
        fields = {
            "text": f"{notice.subject}\n{notice.advice}",
            "kind": notice.kind.value,
            "node": notice.node,
            "part": notice.part,
            "code": notice.code,
            "count": notice.count,
        }
        body = json.dumps({key: value for key, value in fields.items() if value is not None})
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection = self._connection()
            try:
                connection.request("POST", self._target, body.encode(), headers)
                status = connection.getresponse().status
            finally:
                connection.close()
        except (OSError, HTTPException):
            raise NotificationFailed("the address cannot be reached") from None
        if not 200 <= status < 300:
            raise NotificationFailed(f"the address answered {status}")

    def _connection(self) -> HTTPConnection:
        host, port = str(self._url.hostname), self._url.port
        if self._url.scheme == "http":
            return HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        return HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=self._context)


class Email:
    """Hands a mail to the site's server; taken by one recipient is taken."""

    name = "email"

    def __init__(self, options: EmailOptions, *, path: str) -> None:
        """Read the files once; raise `ConfigurationError` for one that cannot be used."""
        self._options = options
        self._context = _context(options.ca_file, path=f"{path}.ca_file")
        self._password = ""
        if options.password_file is not None:
            self._password = _secret(options.password_file, setting=f"{path}.password_file")

    def send(self, notice: Notice) -> None:
        """Send it."""
        options = self._options
        mail = EmailMessage()
        mail["From"], mail["To"] = options.sender, ", ".join(options.recipients)
        mail["Subject"] = notice.subject
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = make_msgid(domain=options.sender.rpartition("@")[2])
        mail.set_content(f"{notice.subject}.\n\n{notice.advice}\n")
        try:
            with self._server() as server:
                if options.user is not None:
                    server.login(options.user, self._password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException):
            raise NotificationFailed("the mail server did not take it") from None

    def _server(self) -> smtplib.SMTP:
        options = self._options
        if options.security == "tls":
            return smtplib.SMTP_SSL(
                options.host, options.port, timeout=_TIMEOUT_SECONDS, context=self._context
            )
        server = smtplib.SMTP(options.host, options.port, timeout=_TIMEOUT_SECONDS)
        if options.security == "starttls":
            try:
                server.starttls(context=self._context)
            except BaseException:
                server.close()
                raise
        return server


def _secret(path: Path, *, setting: str) -> str:
    """Return the text of a file that only its owner can read, without the line's end."""
    try:
        text = read_private(path, setting=setting).decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(setting, f"{path} cannot be read") from None
    if not text or not text.isascii() or not text.isprintable():
        raise ConfigurationError(setting, f"{path} holds no line of ASCII")
    return text


def _context(ca_file: Path | None, *, path: str) -> ssl.SSLContext:
    """Return a context that verifies the server by these authorities, or by the system's."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise ConfigurationError(path, "cannot be used as a list of authorities (PEM)") from None
