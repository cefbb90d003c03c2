"""What stands before every page: who asks, from where, and what the browser may do with it.

Pages load nothing but what lies beside them, run nothing that is written into them,
stand in no frame and are kept nowhere. Whatever changes something must come from a page
of our own: by its Origin, by Sec-Fetch-Site where the browser says it, and by a token.
"""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.review.sessions import Sessions

MOST_BODY_BYTES: Final = 1 << 20
_READING: Final = frozenset({"GET", "HEAD"})
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    # Not no-referrer: under that a browser says "null" as the Origin of our own forms.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("cache-control", "no-store"),
)
_HSTS: Final = ("strict-transport-security", "max-age=31536000")


def cookie_name(*, is_secure: bool) -> str:
    """Return the name of the session's cookie; under TLS one that no other host can set."""
    return "__Host-desk" if is_secure else "desk"


class Guard:
    """The outermost layer; puts the session into ``request.state.session``, None without one."""

    def __init__(self, app: ASGIApp, sessions: Sessions, *, is_secure: bool, log: EventLog) -> None:
        self._app = app
        self._sessions = sessions
        self._is_secure = is_secure
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request of ours through, with the headers of ours on the answer."""
        if scope["type"] != "http":
            return

        has_begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS:
                    headers.setdefault(name, value)
                if self._is_secure:
                    headers[_HSTS[0]] = _HSTS[1]
            await send(message)

        request = Request(scope)
        token = request.cookies.get(cookie_name(is_secure=self._is_secure))
        scope.setdefault("state", {})["session"] = self._sessions.of(token)
        if not self._is_of_ours(scope["method"], request.headers):
            self._log.warning(Event.DESK_REFUSED, code="foreign_request")
            refusal = PlainTextResponse("refused", HTTPStatus.FORBIDDEN)
            await refusal(scope, receive, send_guarded)
            return
        try:
            await self._app(scope, receive, send_guarded)
        # What goes further is printed by the server with its traceback, which may quote values.
        except Exception as error:  # noqa: BLE001
            self._log.error(Event.DESK_FAILED, error=type(error).__name__)
            if not has_begun:
                failure = PlainTextResponse(
                    "A fault of the node; it is logged.", HTTPStatus.INTERNAL_SERVER_ERROR
                )
                await failure(scope, receive, send_guarded)

    def _is_of_ours(self, method: str, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site", "same-origin")
        if method in _READING:
            # A person may follow a link to a page; nobody else's page may fetch anything.
            is_visit = headers.get("sec-fetch-mode") == "navigate"
            return site in {"same-origin", "none"} or is_visit
        scheme = "https" if self._is_secure else "http"
        return (
            site == "same-origin" and headers.get("origin") == f"{scheme}://{headers.get('host')}"
        )
