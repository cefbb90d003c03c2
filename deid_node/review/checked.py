"""Who may use a page: a handler is called for people who are signed in and have its role.

What a library or the journal says of a fault is told by its code.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deid_node.errors import CustodyError, InputError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.review.accounts import Role
from deid_node.review.renderer import PictureFailed
from deid_node.review.rendering import Rendering, refusal
from deid_node.review.requests import body_of, form_of
from deid_node.review.sessions import Session

Handler = Callable[[Request], Awaitable[Response]]
Checked = Callable[[Role, Callable[[Request, Session, bytes], Response]], Handler]
"""Makes a handler for people who have a role out of one that is given who asks, and what for."""


class RoleCheck:
    """Makes handlers; what changes something must bear the token of its session."""

    def __init__(self, rendering: Rendering, log: EventLog) -> None:
        self._rendering = rendering
        self._log = log

    def __call__(
        self, role: Role, handle: Callable[[Request, Session, bytes], Response]
    ) -> Handler:
        """Return a handler that calls `handle` in a thread, for people who have `role`."""

        async def checked(request: Request) -> Response:
            session: Session | None = request.state.session
            wants_page = request.method == "GET" and not request.url.path.endswith(".png")
            if session is None:
                if wants_page:
                    return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
                return refusal(HTTPStatus.UNAUTHORIZED, "signed_out")
            try:
                body = await body_of(request) if request.method == "POST" else b""
                refused = self._refused(request, session, body, role)
                if refused is not None:
                    return refused
                return await run_in_threadpool(handle, request, session, body)
            except InputError as error:
                if wants_page:
                    said = "It does not wait here any more."
                    return self._rendering.failed(HTTPStatus.NOT_FOUND, said)
                return refusal(HTTPStatus.CONFLICT, "input", str(error))
            except PictureFailed as error:
                return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error.why)
            except CustodyError as error:
                self._log.error(Event.DESK_FAILED, code=error.code)
                return refusal(HTTPStatus.SERVICE_UNAVAILABLE, error.code)

        return checked

    def _refused(
        self, request: Request, session: Session, body: bytes, role: Role
    ) -> Response | None:
        if request.method == "POST" and not session.sent(_token(request, body)):
            code = "wrong_token"
        elif not session.may(role):
            code = "role"
        else:
            return None
        self._log.warning(Event.DESK_REFUSED, code=code)
        return refusal(HTTPStatus.FORBIDDEN, code)


def _token(request: Request, body: bytes) -> str:
    sent = request.headers.get("x-desk-token")
    return form_of(body).get("token", "") if sent is None else sent
