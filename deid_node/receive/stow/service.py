"""What becomes of the requests of one caller: judged by their heads, stored, answered."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import Final

from deid_node.audit.records import DoorRecord
from deid_node.dicom.web.store_answer import json_of, xml_of
from deid_node.observe.events import Event
from deid_node.observe.labels import AssociationResult, DoorKind
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.intake import Intake
from deid_node.receive.peers import ANY_PEER
from deid_node.receive.stow.asked import AnswerForm, Head, StoreAsked, asked_for
from deid_node.receive.stow.dialogue import Dialogue, NotHttp
from deid_node.receive.stow.gatekeeper import Gatekeeper
from deid_node.receive.stow.link import Link
from deid_node.receive.stow.multipart import MalformedBody, Multipart
from deid_node.receive.stow.reception import Reception
from deid_node.receive.stow.refusal import Refusal, not_understood
from deid_node.receive.stow.report import Report, headers_of
from deid_node.receive.stow_options import STOW_NAME, StowOptions
from deid_node.values.origin import Http, Origin

_PLAIN: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end: its address, and the names in its verified certificate."""

    address: str
    certificate_names: Collection[str] = ()


class Service:
    """Serves callers, each on a thread of its own."""

    def __init__(
        self,
        options: StowOptions,
        intake: Intake,
        keeper: Gatekeeper,
        *,
        metrics: Metrics,
        log: EventLog,
        record: DoorRecord | None,
    ) -> None:
        self._options = options
        self._intake = intake
        self._keeper = keeper
        self._metrics = metrics
        self._log = log
        self._record = record

    def serve(self, link: Link, caller: Caller) -> None:
        """Answer the requests that come over `link` until there are no more; raises `OSError`."""
        dialogue = Dialogue(link, silence_seconds=self._options.silence_seconds)
        while self._serve_one(dialogue, link, caller):
            pass
        link.linger()

    def _serve_one(self, dialogue: Dialogue, link: Link, caller: Caller) -> bool:
        """Answer a request; return whether another may follow."""
        label = new_label()
        try:
            head = dialogue.head()
        except NotHttp as error:
            return self._refuse(dialogue, label, caller, None, not_understood(error.status))
        if head is None:
            return False
        peer = self._keeper.recognised(
            caller.address, caller.certificate_names, head.headers.get("authorization", "")
        )
        if isinstance(peer, Refusal):
            return self._refuse(dialogue, label, caller, None, peer)
        asked = self._asked(head)
        refusal = asked if isinstance(asked, Refusal) else self._keeper.enter(label, caller.address)
        if refusal is not None or isinstance(asked, Refusal):
            return refusal is None or self._refuse(dialogue, label, caller, peer, refusal)
        try:
            return self._store(dialogue, link, asked, label=label, peer=peer, caller=caller)
        finally:
            self._keeper.leave(label)
            if self._record is not None:
                self._record.ended(label)

    def _asked(self, head: Head) -> StoreAsked | Refusal:
        most_bytes = self._keeper.terms.options.max_request_bytes
        return asked_for(head, path=self._options.path, most_bytes=most_bytes)

    def _refuse(
        self, dialogue: Dialogue, label: str, caller: Caller, peer: str | None, refusal: Refusal
    ) -> bool:
        self._keeper.turned_away(label, caller.address, peer, refusal)
        # The body, if there is one, is not read: so nothing can follow.
        return dialogue.answer(
            refusal.status,
            f"{refusal.text}\n".encode(),
            _PLAIN,
            headers=refusal.headers,
            is_last=True,
        )

    def _store(
        self,
        dialogue: Dialogue,
        link: Link,
        asked: StoreAsked,
        *,
        label: str,
        peer: str,
        caller: Caller,
    ) -> bool:
        started = monotonic()

        def origin_of(transfer_syntax: str) -> Origin:
            # Who is on no list takes turns by its address.
            user = caller.address if peer == ANY_PEER else peer
            via = Http(user, caller.address)
            return Origin(peer, via, label, datetime.now(UTC), transfer_syntax, listener=STOW_NAME)

        reception = Reception(self._intake, origin_of, study_instance_uid=asked.study_instance_uid)
        try:
            trouble = self._read(dialogue, asked, reception)
            report = reception.report
            status = report.status(trouble)
            is_broken = link.is_over or trouble is HTTPStatus.REQUEST_TIMEOUT
            follows = dialogue.answer(
                status,
                content_of(report, asked.form),
                asked.form,
                headers=headers_of(status),
                is_last=trouble is not None,
            )
            self._tell(report, status, is_broken=is_broken, label=label, peer=peer, started=started)
            return follows
        except OSError:
            self._broken_off(reception.report, label=label, peer=peer)
            raise
        finally:
            reception.discard()

    def _read(
        self, dialogue: Dialogue, asked: StoreAsked, reception: Reception
    ) -> HTTPStatus | None:
        """Read the body; return what was wrong with it, None where it was whole."""
        parts = Multipart(asked.boundary, reception)
        most, came, trouble = self._keeper.terms.options.max_request_bytes, 0, None
        try:
            for piece in dialogue.body():
                parts.feed(piece[: most - came])
                came += len(piece)
                if came > most:
                    trouble = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                    break
            else:
                trouble = None if parts.is_complete else HTTPStatus.BAD_REQUEST
        except (MalformedBody, NotHttp):
            trouble = HTTPStatus.BAD_REQUEST
        except TimeoutError:
            trouble = HTTPStatus.REQUEST_TIMEOUT
        if trouble is not None:
            reception.break_off()
        return trouble

    def _tell(
        self,
        report: Report,
        status: HTTPStatus,
        *,
        is_broken: bool,
        label: str,
        peer: str,
        started: float,
    ) -> None:
        if is_broken:
            self._broken_off(report, label=label, peer=peer)
            return
        say = self._log.info if status is HTTPStatus.OK else self._log.warning
        say(
            Event.REQUEST_ANSWERED,
            association=label,
            peer=peer,
            count=len(report.stored),
            failed=len(report.reasons),
            http_status=status,
            seconds=round(monotonic() - started, 3),
        )

    def _broken_off(self, report: Report, *, label: str, peer: str) -> None:
        self._metrics.association(AssociationResult.ABORTED, door=DoorKind.STOW)
        self._log.warning(
            Event.REQUEST_ABORTED, association=label, peer=peer, count=len(report.stored)
        )


def new_label() -> str:
    """Return a name for what a caller does; a letter in front, as eight digits could be a date."""
    return f"r{secrets.token_hex(4)}"


def content_of(report: Report, form: AnswerForm) -> bytes:
    """Return the body of an answer."""
    answer = report.answer()
    return xml_of(answer) if form.is_xml else json_of(answer)
