"""The way to the OpenID provider and back.

A browser comes back from another site, so that no strict cookie is sent along: an attempt
has a cookie of its own, which is worth nothing for anything else and lives for minutes. The
page that follows leads to the work-list from a page of our own.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import monotonic
from types import MappingProxyType
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.review.accounts import Role
from deid_node.review.checked import Checked
from deid_node.review.oidc import CALLBACK_PATH, Attempt, Provider, SignInFailed
from deid_node.review.rendering import Rendering
from deid_node.review.throttle import Throttle

LOGIN_PATH: Final = "/oidc/login"
_ATTEMPT_SECONDS: Final = 600.0
_MOST_ATTEMPTS: Final = 1000
_LONGEST_CODE: Final = 4096

_SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_role": "You are known, and have no role at this desk. Ask who looks after the node.",
        "provider_unreachable": "The provider does not answer. Try again in a while.",
    }
)


class Attempts:
    """Attempts that are under way, by the hash of their cookie; each can be taken once."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._attempts: OrderedDict[str, tuple[float, Attempt]] = OrderedDict()

    def begin(self) -> tuple[str, Attempt]:
        """Return the cookie of a new attempt, and the attempt."""
        cookie, attempt = secrets.token_urlsafe(32), Attempt.new()
        with self._lock:
            self._attempts[_key(cookie)] = (self._now(), attempt)
            while len(self._attempts) > _MOST_ATTEMPTS:
                self._attempts.popitem(last=False)
        return cookie, attempt

    def take(self, cookie: str | None) -> Attempt | None:
        """Return the attempt of `cookie`, which is none from now on."""
        if cookie is None:
            return None
        with self._lock:
            began, attempt = self._attempts.pop(_key(cookie), (0.0, None))
        return attempt if self._now() - began < _ATTEMPT_SECONDS else None


class OidcPages:
    """Sends people to the provider, and lets in whom it names."""

    def __init__(
        self,
        provider: Provider,
        let_in: Callable[[Response, str, Role], Response],
        throttle: Throttle,
        rendering: Rendering,
        *,
        is_secure: bool,
        log: EventLog,
    ) -> None:
        self._provider = provider
        self._let_in = let_in
        self._throttle = throttle
        self._rendering = rendering
        self._is_secure = is_secure
        self._log = log
        self._attempts = Attempts()
        self._cookie = "__Secure-desk-attempt" if is_secure else "desk-attempt"

    def routes(self, _: Checked) -> list[Route]:
        """Return the addresses of these pages."""
        return [
            Route(LOGIN_PATH, self._login, methods=["GET"]),
            Route(CALLBACK_PATH, self._callback, methods=["GET"]),
        ]

    async def _login(self, _: Request) -> Response:
        cookie, attempt = self._attempts.begin()
        try:
            address = await run_in_threadpool(self._provider.address, attempt)
        except SignInFailed as error:
            return self._refused(error.code, HTTPStatus.BAD_GATEWAY)
        answer = RedirectResponse(address, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            self._cookie,
            cookie,
            path=CALLBACK_PATH,
            max_age=int(_ATTEMPT_SECONDS),
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def _callback(self, request: Request) -> Response:
        return await run_in_threadpool(self._come_back, request)

    def _come_back(self, request: Request) -> Response:
        address = f"address {request.client.host if request.client else ''}"
        if self._throttle.is_closed(address):
            return self._refused("too_many_attempts", HTTPStatus.TOO_MANY_REQUESTS)
        attempt = self._attempts.take(request.cookies.get(self._cookie))
        said = request.query_params
        state, code = said.get("state", ""), said.get("code", "")
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
            self._throttle.failed(address)
            return self._refused("foreign_attempt", HTTPStatus.FORBIDDEN)
        if not code or len(code) > _LONGEST_CODE:
            return self._refused("no_code", HTTPStatus.FORBIDDEN)
        try:
            person = self._provider.person(code, attempt)
        except SignInFailed as error:
            self._throttle.failed(address)
            return self._refused(error.code, HTTPStatus.FORBIDDEN)
        page = self._rendering.page("entered.html", session=None)
        answer = self._let_in(page, person.name, person.role)
        answer.delete_cookie(
            self._cookie, path=CALLBACK_PATH, secure=self._is_secure, httponly=True
        )
        return answer

    def _refused(self, code: str, status: HTTPStatus) -> Response:
        self._log.warning(Event.DESK_REFUSED, code=code)
        said = _SAID.get(code, "You were not let in. Try again, or ask who looks after the node.")
        return self._rendering.failed(status, said)


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
