"""The page of proposed regions: a picture of each, its evidence, and what an admin says to it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deid_node.errors import InputError
from deid_node.review.accounts import Role
from deid_node.review.checked import Checked
from deid_node.review.devices import Devices
from deid_node.review.rendering import Rendering
from deid_node.review.requests import boxes_of
from deid_node.review.service import Service
from deid_node.review.sessions import Session

_PATH: Final = "/devices"


class DevicePages:
    """Shows proposals to everybody, takes them from reviewers, and lets admins decide."""

    def __init__(self, devices: Devices, service: Service, rendering: Rendering) -> None:
        self._devices = devices
        self._service = service
        self._rendering = rendering

    def routes(self, checked: Checked) -> list[Route]:
        """Return the addresses of these pages."""
        one = _PATH + "/{number:int}"
        return [
            Route(_PATH, checked(Role.VIEWER, self._page), methods=["GET"]),
            Route(_PATH + "/learn", checked(Role.REVIEWER, self._learn), methods=["POST"]),
            Route(one + "/accept", checked(Role.ADMIN, self._accept), methods=["POST"]),
            Route(one + "/refuse", checked(Role.ADMIN, self._refuse), methods=["POST"]),
            Route(
                "/instances/{instance}/proposal",
                checked(Role.REVIEWER, self._propose),
                methods=["POST"],
            ),
        ]

    def _page(self, _: Request, session: Session, __: bytes) -> Response:
        return self._shown(session)

    def _shown(
        self, session: Session, said: str = "", status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        try:
            in_force = self._devices.in_force()
        except InputError as error:
            in_force, said = {}, str(error)
        proposals = self._devices.open()
        return self._rendering.page(
            "devices.html",
            status=status,
            session=session,
            said=said,
            proposals=proposals,
            frames={
                one.proposal.number: self._service.waiting_of(one.proposal.draft.device)
                for one in proposals
            },
            in_force=in_force,
            has_file=self._devices.has_file,
            may_decide=session.may(Role.ADMIN),
            may_learn=session.may(Role.REVIEWER),
        )

    def _propose(self, request: Request, session: Session, body: bytes) -> Response:
        item = self._service.item(request.path_params["instance"])
        facts = item.facts
        if facts is None:
            raise InputError("its header is not read yet")
        self._devices.propose(facts.screen, boxes_of(body), item.entry.id, session.name)
        return JSONResponse({"device": facts.device})

    def _learn(self, _: Request, session: Session, __: bytes) -> Response:
        return self._done(session, self._devices.learn)

    def _accept(self, request: Request, session: Session, _: bytes) -> Response:
        number = request.path_params["number"]
        return self._done(session, lambda: self._devices.accept(number, session.name))

    def _refuse(self, request: Request, session: Session, _: bytes) -> Response:
        number = request.path_params["number"]
        return self._done(session, lambda: self._devices.refuse(number, session.name))

    def _done(self, session: Session, do: Callable[[], None]) -> Response:
        try:
            do()
        except InputError as error:
            return self._shown(session, str(error), HTTPStatus.CONFLICT)
        return RedirectResponse(_PATH, HTTPStatus.SEE_OTHER)
