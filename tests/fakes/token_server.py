"""A server of OAuth2 tokens, and an archive that lets in who shows the newest one."""

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus

from tests.fakes.web_archive import Asked, Manner, Reply, WebArchive, plain


class TokenServer:
    """Gives tokens to one client, each with a number, for the length of a ``with`` block."""

    def __init__(self, client_id: str, secret: str, *, expires_in: Any = 3600) -> None:
        self.client_id = client_id
        self.secret = secret
        self.expires_in = expires_in
        self.asked: list[dict[str, list[str]]] = []
        self.reply: Callable[[str], bytes] = self._given
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.tokens = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/oauth2/token"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def newest(self) -> str:
        """The token that was given last."""
        return f"token-{len(self.asked)}"

    def admitting(self, manner: Manner = plain) -> Manner:
        """Return the manner of an archive that asks for the newest token."""

        def answer(asked: Asked, archive: WebArchive) -> Reply:
            if asked.headers.get("authorization") != f"Bearer {self.newest}":
                return Reply(401, headers={"WWW-Authenticate": "Bearer"})
            return manner(asked, archive)

        return answer

    def _given(self, token: str) -> bytes:
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
        if self.expires_in is None:
            del answer["expires_in"]
        return json.dumps(answer).encode()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        tokens: TokenServer = self.server.tokens  # type: ignore[attr-defined]
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        shown = self.headers.get("Authorization", "")
        if shown.startswith("Basic "):
            user, _, secret = base64.b64decode(shown[6:]).decode().partition(":")
            known = (unquote_plus(user), unquote_plus(secret))
        else:
            known = (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
        status, content = tokens.status, b'{"error": "invalid_client"}'
        if known != (tokens.client_id, tokens.secret):
            status = 401
        if status == 200:
            tokens.asked.append(form)
            content = tokens.reply(tokens.newest)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
