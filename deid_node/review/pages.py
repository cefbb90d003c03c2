"""The pages: who is signed in sees the work-list, looks at an instance, and decides.

A page is made from what the service tells; nothing is worked out in a template.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deid_node.errors import InputError
from deid_node.review.accounts import Role
from deid_node.review.checked import Checked, RoleCheck
from deid_node.review.rendering import Rendering
from deid_node.review.requests import SentDecision, decision_of, preview_of
from deid_node.review.series import Rest, layout_of
from deid_node.review.service import Service
from deid_node.review.sessions import Session
from deid_node.review.words import (
    DISCARD_REASONS,
    MISS_ENDINGS,
    VERB_WORDS,
    keywords_in,
    words_of,
)
from deid_node.review.worklist import (
    FIELDS,
    QUEUES,
    Asked,
    Item,
    boxes_of,
    listing,
    neighbours,
)
from deid_node.spool.decisions import Verb


class PartOfDesk(Protocol):
    """Pages of another kind, as for signing in."""

    def routes(self, checked: Checked) -> list[Route]:
        """Return their addresses."""
        ...


class Pages:
    """Makes the pages about instances, and knows every address of the desk."""

    def __init__(
        self,
        service: Service,
        others: Sequence[PartOfDesk],
        rendering: Rendering,
        checked: RoleCheck,
    ) -> None:
        self._service = service
        self._others = tuple(others)
        self._rendering = rendering
        self._checked = checked

    def routes(self) -> list[Route]:
        """Return every address that there is."""
        one, checked = "/instances/{instance}", self._checked
        return [
            Route("/static/{name}", self._file, methods=["GET"]),
            *(route for part in self._others for route in part.routes(checked)),
            Route("/", checked(Role.VIEWER, self._list), methods=["GET"]),
            Route(one, checked(Role.VIEWER, self._instance), methods=["GET"]),
            Route(
                one + "/frames/{frame:int}.png",
                checked(Role.VIEWER, self._frame),
                methods=["GET"],
            ),
            Route(one + "/after", checked(Role.VIEWER, self._after), methods=["POST"]),
            Route(one + "/decision", checked(Role.REVIEWER, self._decide), methods=["POST"]),
            Route("/undo", checked(Role.REVIEWER, self._undo), methods=["POST"]),
            Route(one + "/values", checked(Role.ADMIN, self._values), methods=["POST"]),
        ]

    def failed(self, status: HTTPStatus, said: str) -> Response:
        """Return a page that says why there is no page."""
        return self._rendering.failed(status, said)

    def _file(self, request: Request) -> Response:
        return self._rendering.file(request.path_params["name"])

    # --- looking

    def _list(self, request: Request, session: Session, _: bytes) -> Response:
        asked = Asked.of(request.query_params)
        return self._rendering.page(
            "list.html",
            session=session,
            listing=listing(self._service.items(), asked),
            fields=[name for name in FIELDS if name != "code"],
            staged=len(self._service.staged()),
            proposed=self._service.proposed(),
            words=words_of,
            queues=QUEUES,
        )

    def _instance(self, request: Request, session: Session, _: bytes) -> Response:
        instance = request.path_params["instance"]
        item, asked = self._service.item(instance), Asked.of(request.query_params)
        items = self._service.items()
        chosen = asked.chosen(items)
        place, before, after = neighbours(chosen, instance)
        if after is not None:
            self._service.ahead(after)
        words = words_of(item.entry.code)
        may_decide = session.may(Role.REVIEWER)
        return self._rendering.page(
            "instance.html",
            session=session,
            item=item,
            words=words,
            choices=_choices(item, session),
            rest=self._service.rest(item, items, session.shown) if may_decide else None,
            layout=session.mark(layout_of(item)),
            may_see_values=session.may(Role.ADMIN),
            reasons=MISS_ENDINGS if item.entry.is_sample else DISCARD_REASONS,
            went=self._service.went(item),
            said=VERB_WORDS.get(item.choice.verb, "") if item.choice else "",
            keywords=keywords_in(item.entry.reason),
            boxes=json.dumps(boxes_of(item)),
            place=place,
            total=len(chosen),
            before=before,
            after=after,
            query=asked.query(),
            undo_seconds=self._service.undo_seconds,
            has_undo=any(
                session.name in {choice.person, choice.agreed_by}
                for choice in self._service.staged()
            ),
        )

    def _frame(self, request: Request, session: Session, _: bytes) -> Response:
        instance = request.path_params["instance"]
        png = self._service.before(instance, request.path_params["frame"])
        session.was_shown(instance, layout_of(self._service.item(instance)))
        return Response(png, media_type="image/png")

    def _after(self, request: Request, _: Session, body: bytes) -> Response:
        sent = preview_of(body)
        made = self._service.after(request.path_params["instance"], sent.at, sent.markings())
        if made.png is None:
            # No fault of who asks: it is what would become of it.
            said = words_of(made.code or "").what
            return JSONResponse({"code": made.code, "said": said, "reason": made.reason})
        return Response(made.png, media_type="image/png")

    def _values(self, request: Request, session: Session, _: bytes) -> Response:
        told = self._service.values(request.path_params["instance"], session.name)
        return JSONResponse([{"attribute": name, "value": value} for name, value in told])

    # --- deciding

    def _decide(self, request: Request, session: Session, body: bytes) -> Response:
        instance, sent = request.path_params["instance"], decision_of(body)
        asked = Asked.of(request.query_params)
        item = self._service.item(instance)
        items = self._service.items()
        rest = self._rest(item, items, session, sent)
        left = [
            one for one in asked.chosen(items) if rest is None or one.entry.id not in rest.others
        ]
        _, before, after = neighbours(left, instance)
        try:
            verb = Verb(sent.verb)
        except ValueError:
            raise InputError("that is no decision") from None
        if item.choice is not None:
            self._service.answer(item, verb, session.name, rest=rest)
        else:
            self._service.decide(
                instance,
                verb,
                session.name,
                reason=sent.reason,
                markings=sent.markings() if verb in {Verb.FILL, Verb.MISSED} else None,
                rest=rest,
            )
        following = after or before
        address = f"/instances/{following}{asked.query()}" if following else f"/{asked.query()}"
        return JSONResponse({"next": address})

    def _rest(
        self, item: Item, items: Sequence[Item], session: Session, sent: SentDecision
    ) -> Rest | None:
        """Return for what else a decision counts: no more than the person was told of."""
        if not sent.rest:
            return None
        rest = self._service.rest(item, items, session.shown)
        if rest is None:
            raise InputError("nothing else waits of its series any more")
        told = frozenset(sent.rest)
        return replace(rest, others=tuple(one for one in rest.others if one in told))

    def _undo(self, request: Request, session: Session, _: bytes) -> Response:
        instance = self._service.undo(session.name)
        if instance is None:
            raise InputError("there is nothing to take back any more")
        query = Asked.of(request.query_params).query()
        return JSONResponse({"next": f"/instances/{instance}{query}"})


def _choices(item: Item, session: Session) -> Sequence[str]:
    """Return what the person may decide about `item`: nobody agrees with themselves."""
    if not session.may(Role.REVIEWER) or (item.choice and item.choice.person == session.name):
        return ()
    verbs = (Verb.AGREE, Verb.OBJECT) if item.choice else words_of(item.entry.code).choices
    return [verb.value for verb in verbs]
