"""The pages on which people sign in and out."""

from collections.abc import Callable, Mapping
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
    """Lets people in who show a name and a passcode; holds nothing of either.

    `accounts` is None where there are no local users. `oidc` is the address at which one signs
    in by the site's provider, and `goodbye` tells where one signs out there.
    """

    def __init__(
        self,
        accounts: Accounts | None,
        sessions: Sessions,
        throttle: Throttle,
        rendering: Rendering,
        *,
        is_secure: bool,
        log: EventLog,
        oidc: str | None = None,
        goodbye: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._oidc = oidc
        self._goodbye = goodbye
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
        role = None if self._accounts is None else self._accounts.role_of(name, passcode)
        if role is None:
            self._throttle.failed(*keys)
            self._log.warning(Event.DESK_REFUSED, code="wrong_passcode")
            return self._form(HTTPStatus.FORBIDDEN, "That name and passcode are not known.")
        self._throttle.succeeded(f"name {name}")
        return self.let_in(RedirectResponse("/", HTTPStatus.SEE_OTHER), name, role)

    def let_in(self, answer: Response, name: str, role: Role) -> Response:
        """Return `answer` with the cookie of a new session for `name`."""
        self._log.info(Event.DESK_ENTERED, state=role)
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
        elsewhere = self._goodbye()
        answer: Response = (
            RedirectResponse("/login", HTTPStatus.SEE_OTHER)
            if elsewhere is None
            else self._rendering.page("left.html", session=None, elsewhere=elsewhere)
        )
        answer.delete_cookie(name, path="/", secure=self._is_secure, httponly=True)
        return answer

    def _form(self, status: HTTPStatus = HTTPStatus.OK, said: str = "") -> Response:
        return self._rendering.page(
            "login.html",
            status=status,
            session=None,
            said=said,
            has_users=self._accounts is not None,
            oidc=self._oidc,
        )
