"""What is shown to an archive of the web, as whose we come.

Secrets lie in files that are read when they are needed, so that whoever renews one need not
tell us; none of them is ever part of an error or of a log.
"""

import base64
import json
import re
import ssl
import threading
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol, assert_never
from urllib.parse import quote_plus

from deid_node.dicom.tls import client_tls
from deid_node.errors import ConfigurationError, DestinationUnavailable
from deid_node.forward.stow.link import USER_AGENT
from deid_node.forward.stow.options import (
    Authorization,
    BasicAuthorization,
    BearerAuthorization,
    NoAuthorization,
    OAuth2Authorization,
    TokenTlsOptions,
)
from deid_node.machine import read_private

_LONGEST_TOKEN_ANSWER_BYTES: Final = 1 << 20
_UNTOLD_LIFE_SECONDS: Final = 300.0
_MARGIN_SECONDS: Final = 60.0
# What may stand behind Bearer (RFC 6750 section 2.1).
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class Authorizer(Protocol):
    """Says what is shown; any thread may call."""

    def header(self) -> str | None:
        """Return the value of Authorization; raises `DestinationUnavailable`."""
        ...

    def renew(self, refused: str | None) -> bool:
        """Take note that `refused` was not accepted; return whether there may be another."""
        ...


def build_authorizer(options: Authorization, path: str) -> Authorizer:
    """Return who authorizes; `path` is the YAML path of the section.

    Raises `ConfigurationError` where a file cannot be used.
    """
    match options:
        case NoAuthorization():
            return _Nothing()
        case BasicAuthorization():
            return _Basic(options, path)
        case BearerAuthorization():
            return _Bearer(options, path)
        case OAuth2Authorization():
            return _OAuth2(options, path)
        case _:
            assert_never(options)


class _Nothing:
    """Shows nothing."""

    def header(self) -> str | None:
        """Return None."""
        return None

    def renew(self, refused: str | None) -> bool:
        """Return False: there is no other nothing."""
        del refused
        return False


class _SecretFile:
    """A line of ASCII in a file that only its owner can read."""

    def __init__(self, file: Path, setting: str) -> None:
        self._file = file
        self._setting = setting
        self.checked()

    def checked(self) -> str:
        """Return it; raises `ConfigurationError`."""
        try:
            text = read_private(self._file, setting=self._setting).decode("ascii").strip()
        except UnicodeDecodeError:
            text = ""
        if not text or not text.isprintable():
            raise ConfigurationError(self._setting, f"{self._file} holds no line of ASCII")
        return text

    def read(self) -> str:
        """Return it; raises `DestinationUnavailable`: whoever renews it may be at it."""
        try:
            return self.checked()
        except ConfigurationError as error:
            raise DestinationUnavailable(str(error)) from None


class _Basic:
    """A user and a password."""

    def __init__(self, options: BasicAuthorization, path: str) -> None:
        self._user = options.user
        self._password = _SecretFile(options.password_file, f"{path}.password_file")

    def header(self) -> str | None:
        """Return both, as they travel."""
        return _basic(self._user, self._password.read())

    def renew(self, refused: str | None) -> bool:
        """Return whether the file says something else by now."""
        return self.header() != refused


class _Bearer:
    """A token out of a file."""

    def __init__(self, options: BearerAuthorization, path: str) -> None:
        self._token = _SecretFile(options.token_file, f"{path}.token_file")

    def header(self) -> str | None:
        """Return it, as it travels."""
        return f"Bearer {self._token.read()}"

    def renew(self, refused: str | None) -> bool:
        """Return whether the file says something else by now."""
        return self.header() != refused


class _OAuth2:
    """A token that a server gives for our credentials, kept until it is about to expire."""

    def __init__(self, options: OAuth2Authorization, path: str) -> None:
        self._options = options
        self._secret = _SecretFile(options.client_secret_file, f"{path}.client_secret_file")
        self._tls = (
            client_tls(options.tls or TokenTlsOptions(), f"{path}.tls")
            if options.token_url.startswith("https:")
            else None
        )
        self._lock = threading.Lock()
        self._held: str | None = None
        self._until = 0.0

    def header(self) -> str | None:
        """Return the token in hand, or a new one."""
        # One thread fetches for all.
        with self._lock:
            if self._held is None or monotonic() >= self._until:
                self._fetch()
            return self._held

    def renew(self, refused: str | None) -> bool:
        """Forget the token that was refused."""
        with self._lock:
            if self._held == refused:
                self._held = None
        return True

    def _fetch(self) -> None:
        options = self._options
        form = {"grant_type": "client_credentials"}
        if options.scope is not None:
            form["scope"] = options.scope
        if options.audience is not None:
            form["audience"] = options.audience
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        secret = self._secret.read()
        if options.credentials_in == "header":
            # Encoded as a form first: RFC 6749 section 2.3.1.
            headers["Authorization"] = _basic(quote_plus(options.client_id), quote_plus(secret))
        else:
            form |= {"client_id": options.client_id, "client_secret": secret}
        asked_at = monotonic()
        self._held = None
        token, life_seconds = _token_in(self._answered(form, headers))
        self._held = f"Bearer {token}"
        self._until = asked_at + life_seconds - min(_MARGIN_SECONDS, life_seconds / 10)

    def _answered(self, form: dict[str, str], headers: dict[str, str]) -> bytes:
        import httpx2

        options = self._options
        try:
            with (
                httpx2.Client(
                    verify=self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                    timeout=options.timeout_seconds,
                    trust_env=False,
                    follow_redirects=False,
                ) as client,
                client.stream("POST", options.token_url, data=form, headers=headers) as answer,
            ):
                if answer.status_code != 200:
                    raise DestinationUnavailable(f"the token server answered {answer.status_code}")
                content = bytearray()
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > _LONGEST_TOKEN_ANSWER_BYTES:
                        raise DestinationUnavailable("the token server's answer does not end")
                return bytes(content)
        except httpx2.HTTPError:
            raise DestinationUnavailable("the token server cannot be reached") from None


def _token_in(content: bytes) -> tuple[str, float]:
    """Return the token and how many seconds it lives. Source: RFC 6749 section 5.1."""
    odd = DestinationUnavailable("the token server's answer holds no token of kind Bearer")
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise odd from None
    if not isinstance(found, dict):
        raise odd
    token, kind = found.get("access_token"), found.get("token_type", "Bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
        raise odd
    life = found.get("expires_in", _UNTOLD_LIFE_SECONDS)
    try:
        return token, max(0.0, float(life))
    except (TypeError, ValueError):
        return token, _UNTOLD_LIFE_SECONDS


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
