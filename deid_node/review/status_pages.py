"""The page that tells how the node is, and where a study is: for whoever is signed in.

Identifiers as they were sent are asked for by POST, so that they stand in no address, and by
those only who may see what stands in attributes; anybody may ask by the UID as it left.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deid_node.errors import InputError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.review.accounts import Role
from deid_node.review.requests import form_of
from deid_node.review.sessions import Session
from deid_node.spool.inventory import StudyStatus
from deid_node.values.status import NodeStatus

_LONGEST: Final = 128
_LONGEST_NUMBER: Final = 12

Handle = Callable[[Request, Session, bytes], Response]
For = Callable[[Role, Handle], Any]
Render = Callable[..., Response]


class StatusSource(Protocol):
    """Knows how the node is; every method may raise `CustodyError`."""

    def node(self) -> NodeStatus:
        """Return how the node is."""
        ...

    def study(self, uid: str) -> StudyStatus | None:
        """Return where a study is, by its UID as it was sent or as it left."""
        ...

    def left_study(self, uid: str) -> StudyStatus | None:
        """Return where a study is, by its new UID alone."""
        ...

    def accession(self, number: str) -> StudyStatus | None:
        """Return where the studies of an Accession Number are."""
        ...

    def release_series(self, number: int, person: str) -> int:
        """Let a series go on that is waited for; return how many instances do."""
        ...

    def echo(self, destination: str) -> str | None:
        """Ask a destination whether it is there; return why it is not. Raises `InputError`."""
        ...


class StatusPages:
    """Its routes; `render` makes a page of a template, `reload` has the settings read anew."""

    def __init__(
        self, source: StatusSource, reload: Callable[[], None], render: Render, *, log: EventLog
    ) -> None:
        self._source = source
        self._reload = reload
        self._render = render
        self._log = log

    def routes(self, for_: For) -> list[Route]:
        """Return every address; `for_` lets people in who have a role."""
        return [
            Route("/status", for_(Role.VIEWER, self._status), methods=["GET"]),
            Route("/status/left", for_(Role.VIEWER, self._left), methods=["POST"]),
            Route("/status/sent", for_(Role.ADMIN, self._sent), methods=["POST"]),
            Route("/status/echo", for_(Role.REVIEWER, self._echo), methods=["POST"]),
            Route("/status/series", for_(Role.REVIEWER, self._release), methods=["POST"]),
            Route("/status/reload", for_(Role.ADMIN, self._ask), methods=["POST"]),
        ]

    def _status(self, _: Request, session: Session, __: bytes) -> Response:
        return self._page(session)

    def _left(self, _: Request, session: Session, body: bytes) -> Response:
        return self._page(session, found=self._source.left_study(_wanted(body)), is_asked=True)

    def _sent(self, _: Request, session: Session, body: bytes) -> Response:
        wanted = _wanted(body)
        by_accession = form_of(body).get("by") == "accession"
        ask = self._source.accession if by_accession else self._source.study
        self._log.info(Event.STUDY_SEARCHED, state="accession" if by_accession else "study")
        return self._page(session, found=ask(wanted), is_asked=True)

    def _echo(self, _: Request, session: Session, body: bytes) -> Response:
        name = form_of(body).get("destination", "")
        return self._page(session, echo=(name, self._source.echo(name)))

    def _release(self, _: Request, session: Session, body: bytes) -> Response:
        number = form_of(body).get("number", "")
        if not (number.isascii() and number.isdigit()) or len(number) > _LONGEST_NUMBER:
            raise InputError("say which series")
        self._source.release_series(int(number), session.name)
        return RedirectResponse("/status", 303)

    def _ask(self, _: Request, __: Session, ___: bytes) -> Response:
        self._reload()
        return RedirectResponse("/status", 303)

    def _page(
        self,
        session: Session,
        *,
        found: StudyStatus | None = None,
        is_asked: bool = False,
        echo: tuple[str, str | None] | None = None,
    ) -> Response:
        return self._render(
            "status.html",
            session=session,
            node=self._source.node(),
            found=found,
            is_asked=is_asked,
            echo=echo,
            at=_at,
            may_echo=session.may(Role.REVIEWER),
            may_release=session.may(Role.REVIEWER),
            may_ask=session.may(Role.ADMIN),
        )


def _wanted(body: bytes) -> str:
    wanted = form_of(body).get("wanted", "").strip()
    if not wanted or len(wanted) > _LONGEST:
        raise InputError("say which study")
    return wanted


def _at(moment: float | None) -> str:
    return "" if moment is None else f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"
