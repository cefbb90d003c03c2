"""The pages on which people sign in and out."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deid_node.errors import InputError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.review.accounts import Accounts, Role
from deid_node.review.checked import Checked
from deid_node.review.guard import cookie_name
from deid_node.review.rendering import Rendering
from deid_node.review.requests import body_of, form_of
from deid_node.review.sessions import Session, Sessions
from deid_node.review.throttle import Throttle


class SigningPages:
    """Lets people in who show a name and a passcode; holds nothing of either."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        throttle: Throttle,
        rendering: Rendering,
        *,
        is_secure: bool,
        log: EventLog,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._throttle = throttle
        self._rendering = rendering
        self._is_secure = is_secure
        self._log = log

    def routes(self, checked: Checked) -> list[Route]:
        """Return the addresses of these pages."""
        return [
            Route("/login", self._login_page, methods=["GET"]),
            Route("/login", self._login, methods=["POST"]),
            Route("/logout", checked(Role.VIEWER, self._logout), methods=["POST"]),
        ]

    def _login_page(self, request: Request) -> Response:
        if request.state.session is not None:
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        return self._form()

    async def _login(self, request: Request) -> Response:
        try:
            form = form_of(await body_of(request))
        except InputError:
            return self._rendering.failed(HTTPStatus.BAD_REQUEST, "That was no form of ours.")
        return await run_in_threadpool(self._sign_in, request, form)

    def _sign_in(self, request: Request, form: Mapping[str, str]) -> Response:
        name, passcode = form.get("name", ""), form.get("passcode", "")
        address = request.client.host if request.client else ""
        keys = (f"name {name}", f"address {address}")
        if self._throttle.is_closed(*keys):
            self._log.warning(Event.DESK_REFUSED, code="too_many_attempts")
            return self._form(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Too many attempts. Wait five minutes, then try again.",
            )
        role = self._accounts.role_of(name, passcode)
        if role is None:
            self._throttle.failed(*keys)
            self._log.warning(Event.DESK_REFUSED, code="wrong_passcode")
            return self._form(HTTPStatus.FORBIDDEN, "That name and passcode are not known.")
        self._throttle.succeeded(f"name {name}")
        return self._let_in(name, role)

    def _let_in(self, name: str, role: Role) -> Response:
        self._log.info(Event.DESK_ENTERED, state=role)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            cookie_name(is_secure=self._is_secure),
            self._sessions.begin(name, role),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    def _logout(self, request: Request, _: Session, __: bytes) -> Response:
        name = cookie_name(is_secure=self._is_secure)
        self._sessions.end(request.cookies.get(name))
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(name, path="/", secure=self._is_secure, httponly=True)
        return answer

    def _form(self, status: HTTPStatus = HTTPStatus.OK, said: str = "") -> Response:
        return self._rendering.page("login.html", status=status, session=None, said=said)
