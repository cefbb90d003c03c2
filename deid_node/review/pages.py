"""The pages: who is signed in sees the work-list, looks at an instance, and decides.

A page is made from what the service tells; nothing is worked out in a template. What a
library or the journal says of a fault is told by its code.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deid_node.errors import CustodyError, InputError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.review.accounts import Accounts, Role
from deid_node.review.guard import cookie_name
from deid_node.review.renderer import PictureFailed
from deid_node.review.requests import body_of, decision_of, form_of, preview_of
from deid_node.review.service import Service
from deid_node.review.sessions import Session, Sessions
from deid_node.review.status_pages import StatusPages, StatusSource
from deid_node.review.throttle import Throttle
from deid_node.review.words import DISCARD_REASONS, keywords_in, words_of
from deid_node.review.worklist import FIELDS, Asked, listing, neighbours
from deid_node.spool.decisions import Verb

_STATIC: Final = MappingProxyType(
    {
        "desk.css": "text/css; charset=utf-8",
        "desk.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }
)
Handler = Callable[[Request], Awaitable[Response]]


class Pages:
    """Makes the pages; holds who is signed in."""

    def __init__(
        self,
        service: Service,
        accounts: Accounts,
        sessions: Sessions,
        throttle: Throttle,
        *,
        is_secure: bool,
        log: EventLog,
        status: StatusSource,
        reload: Callable[[], None],
    ) -> None:
        self._service = service
        self._accounts = accounts
        self._sessions = sessions
        self._throttle = throttle
        self._is_secure = is_secure
        self._log = log
        self._environment = Environment(
            loader=PackageLoader("deid_node.review"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        for name in self._environment.list_templates():
            # Compiled now: a page does not depend on what becomes of the program's folder.
            self._environment.get_template(name)
        folder = resources.files("deid_node.review") / "static"
        self._status = StatusPages(status, reload, self._page, log=log)
        self._static = {name: (folder / name).read_bytes() for name in _STATIC}

    def routes(self) -> list[Route]:
        """Return every address that there is."""
        one = "/instances/{instance}"
        return [
            Route("/static/{name}", self._file, methods=["GET"]),
            Route("/login", self._login_page, methods=["GET"]),
            Route("/login", self._login, methods=["POST"]),
            Route("/logout", self._for(Role.VIEWER, self._logout), methods=["POST"]),
            Route("/", self._for(Role.VIEWER, self._list), methods=["GET"]),
            Route(one, self._for(Role.VIEWER, self._instance), methods=["GET"]),
            Route(
                one + "/frames/{frame:int}.png",
                self._for(Role.VIEWER, self._frame),
                methods=["GET"],
            ),
            Route(one + "/after", self._for(Role.VIEWER, self._after), methods=["POST"]),
            Route(one + "/decision", self._for(Role.REVIEWER, self._decide), methods=["POST"]),
            Route("/undo", self._for(Role.REVIEWER, self._undo), methods=["POST"]),
            Route(one + "/values", self._for(Role.ADMIN, self._values), methods=["POST"]),
            *self._status.routes(self._for),
        ]

    def failed(self, status: HTTPStatus, said: str) -> Response:
        """Return a page that says why there is no page."""
        return self._page("failed.html", status=status, session=None, said=said)

    def _for(self, role: Role, handle: Callable[[Request, Session, bytes], Response]) -> Handler:
        """Return a handler for people who have `role`; what changes something has its token."""

        async def checked(request: Request) -> Response:
            session: Session | None = request.state.session
            wants_page = request.method == "GET" and not request.url.path.endswith(".png")
            if session is None:
                if wants_page:
                    return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
                return _refusal(HTTPStatus.UNAUTHORIZED, "signed_out")
            try:
                body = await body_of(request) if request.method == "POST" else b""
                refused = self._refused(request, session, body, role)
                if refused is not None:
                    return refused
                return await run_in_threadpool(handle, request, session, body)
            except InputError as error:
                if wants_page:
                    return self.failed(HTTPStatus.NOT_FOUND, "It does not wait here any more.")
                return _refusal(HTTPStatus.CONFLICT, "input", str(error))
            except PictureFailed as error:
                return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error.why)
            except CustodyError as error:
                self._log.error(Event.DESK_FAILED, code=error.code)
                return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, error.code)

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
        return _refusal(HTTPStatus.FORBIDDEN, code)

    # --- signing in and out

    def _login_page(self, request: Request) -> Response:
        if request.state.session is not None:
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        return self._page("login.html", session=None, said="")

    async def _login(self, request: Request) -> Response:
        try:
            form = form_of(await body_of(request))
        except InputError:
            return self.failed(HTTPStatus.BAD_REQUEST, "That was no form of ours.")
        return await run_in_threadpool(self._sign_in, request, form)

    def _sign_in(self, request: Request, form: Mapping[str, str]) -> Response:
        name, passcode = form.get("name", ""), form.get("passcode", "")
        address = request.client.host if request.client else ""
        keys = (f"name {name}", f"address {address}")
        if self._throttle.is_closed(*keys):
            self._log.warning(Event.DESK_REFUSED, code="too_many_attempts")
            said = "Too many attempts. Wait five minutes, then try again."
            return self._page(
                "login.html", status=HTTPStatus.TOO_MANY_REQUESTS, session=None, said=said
            )
        role = self._accounts.role_of(name, passcode)
        if role is None:
            self._throttle.failed(*keys)
            self._log.warning(Event.DESK_REFUSED, code="wrong_passcode")
            said = "That name and passcode are not known."
            return self._page("login.html", status=HTTPStatus.FORBIDDEN, session=None, said=said)
        self._throttle.succeeded(f"name {name}")
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

    # --- looking

    def _list(self, request: Request, session: Session, _: bytes) -> Response:
        asked = Asked.of(request.query_params)
        return self._page(
            "list.html",
            session=session,
            listing=listing(self._service.items(), asked),
            fields=[name for name in FIELDS if name != "code"],
            staged=len(self._service.staged()),
            words=words_of,
        )

    def _instance(self, request: Request, session: Session, _: bytes) -> Response:
        instance = request.path_params["instance"]
        item, asked = self._service.item(instance), Asked.of(request.query_params)
        chosen = asked.chosen(self._service.items())
        place, before, after = neighbours(chosen, instance)
        if after is not None:
            self._service.ahead(after)
        words = words_of(item.entry.code)
        boxes = [
            {
                "frame": region.frame,
                "left": region.box.left,
                "top": region.box.top,
                "right": region.box.right,
                "bottom": region.box.bottom,
                "score": region.score,
            }
            for region in item.entry.regions
        ]
        return self._page(
            "instance.html",
            session=session,
            item=item,
            words=words,
            choices=[verb.value for verb in words.choices] if session.may(Role.REVIEWER) else [],
            may_see_values=session.may(Role.ADMIN),
            reasons=DISCARD_REASONS,
            keywords=keywords_in(item.entry.reason),
            boxes=json.dumps(boxes),
            place=place,
            total=len(chosen),
            before=before,
            after=after,
            query=asked.query(),
            undo_seconds=self._service.undo_seconds,
            has_undo=any(choice.person == _person(session) for choice in self._service.staged()),
        )

    def _frame(self, request: Request, _: Session, __: bytes) -> Response:
        path = request.path_params
        return Response(
            self._service.before(path["instance"], path["frame"]), media_type="image/png"
        )

    def _after(self, request: Request, _: Session, body: bytes) -> Response:
        sent = preview_of(body)
        made = self._service.after(request.path_params["instance"], sent.at, sent.markings())
        if made.png is None:
            # No fault of who asks: it is what would become of it.
            said = words_of(made.code or "").what
            return JSONResponse({"code": made.code, "said": said, "reason": made.reason})
        return Response(made.png, media_type="image/png")

    def _values(self, request: Request, session: Session, _: bytes) -> Response:
        told = self._service.values(request.path_params["instance"], _person(session))
        return JSONResponse([{"attribute": name, "value": value} for name, value in told])

    # --- deciding

    def _decide(self, request: Request, session: Session, body: bytes) -> Response:
        instance, sent = request.path_params["instance"], decision_of(body)
        asked = Asked.of(request.query_params)
        _, before, after = neighbours(asked.chosen(self._service.items()), instance)
        try:
            verb = Verb(sent.verb)
        except ValueError:
            raise InputError("that is no decision") from None
        self._service.decide(
            instance,
            verb,
            _person(session),
            reason=sent.reason,
            markings=sent.markings() if verb is Verb.FILL else None,
        )
        following = after or before
        address = f"/instances/{following}{asked.query()}" if following else f"/{asked.query()}"
        return JSONResponse({"next": address})

    def _undo(self, request: Request, session: Session, _: bytes) -> Response:
        instance = self._service.undo(_person(session))
        if instance is None:
            raise InputError("there is nothing to take back any more")
        query = Asked.of(request.query_params).query()
        return JSONResponse({"next": f"/instances/{instance}{query}"})

    # --- what pages are made of

    def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            return self.failed(HTTPStatus.NOT_FOUND, "There is no such page.")
        return Response(
            self._static[name], media_type=_STATIC[name], headers={"cache-control": "no-cache"}
        )

    def _page(
        self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> HTMLResponse:
        return HTMLResponse(self._environment.get_template(template).render(values), status)


def _person(session: Session) -> str:
    """Return the name that journal and audit trail know: no system user has such a one."""
    return f"desk/{session.person}"


def _token(request: Request, body: bytes) -> str:
    sent = request.headers.get("x-desk-token")
    return form_of(body).get("token", "") if sent is None else sent


def _refusal(status: HTTPStatus, code: str, said: str = "") -> Response:
    return JSONResponse({"code": code, "said": said}, status)
