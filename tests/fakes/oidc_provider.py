"""A little OpenID provider on loopback: it lets in whoever comes, and says what a test wants."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT = "desk"
SECRET = "the secret of the client"  # noqa: S105


@dataclass
class OidcProvider:
    """What it has been asked, and what it says of who signs in."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    """Beside what belongs into an ID token; a claim that is None is left out."""
    key: RSAKey | ECKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    signed_by: RSAKey | ECKey | None = None
    """Another key than the one that it publishes."""
    algorithm: str = "RS256"
    discovery: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    redeemed: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
            **self.discovery,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent with a code."""
        self.asked.append(asked)
        code = f"code-{len(self.asked)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Return the tokens for a code, once; None where the request is not as it should be."""
        self.redeemed.append(form)
        asked = self.codes.pop(form.get("code", ""), None)
        expected = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or authorization not in {f"Basic {expected}", f"Basic {plain}"}
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or asked.get("code_challenge_method") != "S256"
            or challenge != asked.get("code_challenge")
        ):
            return None
        now = int(time())
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "248289761001",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": "anna",
            "groups": ["staff", "desk-reviewers"],
            **self.claims,
        }
        claims = {name: value for name, value in said.items() if value is not None}
        key = self.signed_by or self.key
        header = {"alg": self.algorithm, "kid": self.key.kid}
        token = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token}


@contextmanager
def a_provider(**how: Any) -> Iterator[OidcProvider]:
    """Run one on a free port of loopback."""
    provider = OidcProvider(**how)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(provider: OidcProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            match parts.path:
                case "/.well-known/openid-configuration":
                    self._say(provider.document())
                case "/keys":
                    self._say({"keys": [provider.key.as_dict(private=False)]})
                case "/authorize":
                    self.send_response(303)
                    self.send_header("Location", provider.authorize(asked))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                case "/logout":
                    self._say({"signed_out": asked.get("client_id")})
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            answer = provider.token(form, self.headers.get("Authorization", ""))
            if answer is None:
                self._say({"error": "invalid_grant"}, 400)
            else:
                self._say(answer)

        def _say(self, said: dict[str, Any], status: int = 200) -> None:
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
