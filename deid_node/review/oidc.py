"""Signing in by OpenID Connect: what is asked of the site's provider, and what is believed.

The authorization code flow with PKCE: the browser carries a code that is of use to nobody
else, and the node fetches the ID token itself. A token is believed where the provider has
signed it, for this desk, for this very attempt, and not too long ago. It must say a name
and a role; nothing is remembered of it beside these.

Source: OpenID Connect Core 1.0 section 3.1; Discovery 1.0; RP-Initiated Logout 1.0; RFC 7636.
"""

import secrets
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from deid_node.errors import ConfigurationError
from deid_node.machine import read_private
from deid_node.review.accounts import Role
from deid_node.review.oidc_options import OidcOptions, require_safe_url
from deid_node.values.passcode import require_name

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client
    from joserfc.jwk import KeySet

CALLBACK_PATH: Final = "/oidc/callback"

_SECRET_PATH: Final = "review.oidc.client_secret_file"  # noqa: S105 - a setting's name
_TIMEOUT_SECONDS: Final = 10.0
_DISCOVERED_SECONDS: Final = 3600.0
_KEYS_SECONDS: Final = 30.0
"""How long keys are kept at least, whatever key a token names."""

_LEEWAY_SECONDS: Final = 60
_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "ES384", "ES512")
"""Signatures by a key pair: never none, and never one that our own secret would make."""


class SignInFailed(Exception):
    """Nobody is let in; `code` says why, and nothing of what was sent."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in, as the node remembers it until the browser comes back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def new(cls) -> "Attempt":
        """Return one that nobody can guess."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Person:
    """Who has signed in. No local user has such a name."""

    name: str
    role: Role


class Provider:
    """The site's OpenID provider; any thread may call. Each method may raise `SignInFailed`.

    `tls` is the context that its certificate is verified with.
    """

    def __init__(
        self, options: OidcOptions, tls: ssl.SSLContext, now: Callable[[], float] = time
    ) -> None:
        self._options = options
        self._tls = tls
        self._now = now
        self._redirect_uri = options.public_url.rstrip("/") + CALLBACK_PATH
        self._lock = threading.Lock()
        self._known: Mapping[str, Any] = {}
        self._known_until = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    def address(self, attempt: Attempt) -> str:
        """Return where the browser is sent to, for a person to show who they are."""
        endpoint = self._endpoint("authorization_endpoint")
        with self._client() as client:
            address, _ = client.create_authorization_url(
                endpoint,
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(address)

    def person(self, code: str, attempt: Attempt) -> Person:
        """Return who has signed in, for the code that the browser has brought."""
        claims = self._claims(self._token(code, attempt), attempt)
        name = str(claims.get(self._options.name_claim) or "")
        try:
            require_name(name)
        except ValueError:
            raise SignInFailed("no_name") from None
        role = self._role(claims)
        if role is None:
            raise SignInFailed("no_role")
        return Person(f"oidc:{name}", role)

    def goodbye(self) -> str | None:
        """Return where a person can sign out at the provider too, if it offers that."""
        try:
            endpoint = self._discovered().get("end_session_endpoint")
            if not isinstance(endpoint, str):
                return None
            require_safe_url(endpoint)
        except (SignInFailed, ValueError):
            return None
        said = {
            "client_id": self._options.client_id,
            "post_logout_redirect_uri": self._options.public_url.rstrip("/") + "/login",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(said)}"

    def _token(self, code: str, attempt: Attempt) -> str:
        endpoint = self._endpoint("token_endpoint")
        try:
            with self._client() as client:
                answer = client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                )
        # Whatever the library or the provider makes of it: nobody is let in.
        except Exception:  # noqa: BLE001
            raise SignInFailed("no_token") from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInFailed("no_token")
        return token

    def _claims(self, token: str, attempt: Attempt) -> Mapping[str, Any]:
        """Return what the ID token says, once all of it is verified."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            try:
                found = jwt.decode(token, self._key_set(), algorithms=_ALGORITHMS)
            except (JoseError, ValueError):
                # Its keys may have changed since.
                found = jwt.decode(token, self._key_set(anew=True), algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                found.claims,
                found.header,
                options={
                    "iss": {"essential": True, "value": self._options.issuer},
                    "aud": {"essential": True, "value": self._options.client_id},
                    "sub": {"essential": True},
                },
                params={"nonce": attempt.nonce, "client_id": self._options.client_id},
            )
            claims.validate(now=int(self._now()), leeway=_LEEWAY_SECONDS)
            said: Mapping[str, Any] = dict(claims)
        except SignInFailed:
            raise
        # A token comes from outside, and the library may stumble over it in any way.
        except Exception:  # noqa: BLE001
            raise SignInFailed("token_refused") from None
        return said

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the highest role that a value of the claim stands for."""
        value: Any = claims
        for part in self._options.roles_claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        values = value if isinstance(value, list) else [value]
        said = frozenset(one for one in values if isinstance(one, str))
        for role in reversed(Role):
            if said.intersection(self._options.roles.get(role.value, ())):
                return role
        return None

    def _endpoint(self, name: str) -> str:
        try:
            return require_safe_url(str(self._discovered().get(name) or ""))
        except ValueError:
            raise SignInFailed("provider_refused") from None

    def _discovered(self) -> Mapping[str, Any]:
        """Return what the provider says of itself, fetched once an hour."""
        with self._lock:
            if monotonic() >= self._known_until:
                issuer = self._options.issuer
                said = self._fetched(issuer.rstrip("/") + "/.well-known/openid-configuration")
                if said.get("issuer") != issuer:
                    raise SignInFailed("provider_refused")
                self._known, self._known_until = said, monotonic() + _DISCOVERED_SECONDS
            return self._known

    def _key_set(self, *, anew: bool = False) -> "KeySet":
        from joserfc.jwk import KeySet

        address = self._endpoint("jwks_uri")
        with self._lock:
            age = monotonic() - self._keys_at
            if self._keys is None or (anew and age >= _KEYS_SECONDS):
                said = self._fetched(address)
                try:
                    self._keys = KeySet.import_key_set({"keys": said["keys"]})
                # What is no set of keys, in any way.
                except Exception:  # noqa: BLE001
                    raise SignInFailed("provider_refused") from None
                self._keys_at = monotonic()
            return self._keys

    def _fetched(self, address: str) -> Mapping[str, Any]:
        try:
            with self._client() as client:
                answer = client.request("GET", address, withhold_token=True)
                answer.raise_for_status()
                said = answer.json()
        # A provider that is away, a certificate that is not its own, an answer that is none.
        except Exception:  # noqa: BLE001
            raise SignInFailed("provider_unreachable") from None
        if not isinstance(said, dict):
            raise SignInFailed("provider_refused")
        return said

    def _client(self) -> "OAuth2Client":
        from authlib.integrations.httpx_client import OAuth2Client

        options = self._options
        try:
            # Read anew each time: a secret is renewed beside a running node.
            secret = read_private(options.client_secret_file, setting=_SECRET_PATH).decode().strip()
        except (ConfigurationError, UnicodeDecodeError):
            raise SignInFailed("no_secret") from None
        return OAuth2Client(
            client_id=options.client_id,
            client_secret=secret,
            token_endpoint_auth_method=f"client_secret_{options.credentials_in}",
            scope=" ".join(dict.fromkeys(("openid", *options.scopes))),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            verify=self._tls,
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )
