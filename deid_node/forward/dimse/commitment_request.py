"""One question to an archive: N-ACTION, and the report if it comes while we wait for it."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from pynetdicom import AE, evt
from pynetdicom.association import Association

from deid_node.dicom.commitment import (
    PUSH_MODEL,
    PUSH_MODEL_INSTANCE,
    REQUEST_ACTION,
    commitment_request,
)
from deid_node.forward.dimse.association import Archive
from deid_node.forward.inquirer import Reply
from deid_node.machine import takes_connections
from deid_node.values.commitment import Reference
from deid_node.values.confirmation import Inquiry, Placed

_STAY_SECONDS: Final = 5.0
_WARNINGS: Final = frozenset({0x0001, 0x0107, 0x0116})
# Duplicate SOP instance, duplicate transaction UID: it took the question, and we did not hear that.
_TAKEN_BEFORE: Final = frozenset({0x0111, 0x0131})
# No such instance, class or action; class not supported; unrecognised operation.
_NOT_OFFERED: Final = frozenset({0x0112, 0x0118, 0x0122, 0x0123, 0x0211})


class CommitmentAsker:
    """Asks for storage commitment; an `Asker`.

    `report` answers an N-EVENT-REPORT; `stay_seconds` is how long an association waits for one.
    """

    def __init__(
        self,
        archive: Archive,
        report: Callable[[Any], tuple[int, None]],
        *,
        stay_seconds: float = _STAY_SECONDS,
    ) -> None:
        self._archive = archive
        self._report = report
        self._stay_seconds = stay_seconds

    @property
    def longest_seconds(self) -> float:
        """How long a question takes at most."""
        return self._archive.timeout_seconds + self._stay_seconds

    def ask(
        self, inquiry: Inquiry, wanted: Sequence[Placed], *, taken: Callable[[], None]
    ) -> Reply:
        """Ask for `wanted` on an association of its own."""
        return ask(
            self._archive,
            inquiry,
            [one.reference for one in wanted],
            report=self._report,
            taken=taken,
            stay_seconds=self._stay_seconds,
        )

    def is_there(self) -> bool:
        """Return whether something takes a connection where the archive should be."""
        archive = self._archive
        return takes_connections(archive.host, archive.port, archive.timeout_seconds)

    def close(self) -> None:
        """Let the question end by itself: it is short."""


def ask(
    archive: Archive,
    inquiry: Inquiry,
    references: Sequence[Reference],
    *,
    report: Callable[[Any], tuple[int, None]],
    taken: Callable[[], None],
    stay_seconds: float,
) -> Reply:
    """Ask `archive` to commit to `references` and return its reply.

    Once the question is taken, `taken` is called and the association stays open for
    `stay_seconds`, for archives that report on it; `report` answers N-EVENT-REPORT.
    Source: PS3.4 J.3.2, J.3.3.
    """
    heard = threading.Event()

    def hear(message: Any) -> tuple[int, None]:
        answer = report(message)
        heard.set()
        return answer

    entity = AE(archive.calling)
    entity.implementation_class_uid, entity.implementation_version_name = archive.implementation
    entity.acse_timeout = entity.dimse_timeout = archive.timeout_seconds
    entity.connection_timeout = archive.timeout_seconds
    entity.network_timeout = archive.timeout_seconds + stay_seconds
    entity.add_requested_context(PUSH_MODEL)
    association = entity.associate(
        archive.host,
        archive.port,
        ae_title=archive.called,
        evt_handlers=[(evt.EVT_N_EVENT_REPORT, hear)],
        tls_args=(archive.tls, archive.host) if archive.tls else None,
    )
    if not association.is_established:
        # The library aborts an association on which no context was accepted.
        is_refused = association.acceptor.primitive is not None and association.rejected_contexts
        return Reply.NOT_OFFERED if is_refused else Reply.FAILED
    try:
        reply = _reply(association, inquiry, references)
        if reply is Reply.TAKEN:
            taken()
            heard.wait(stay_seconds)
        return reply
    finally:
        association.release()


def _reply(association: Association, inquiry: Inquiry, references: Sequence[Reference]) -> Reply:
    content = commitment_request(inquiry.transaction_uid, references)
    try:
        answer, _ = association.send_n_action(
            content, REQUEST_ACTION, PUSH_MODEL, PUSH_MODEL_INSTANCE
        )
    except (RuntimeError, ValueError):
        # It ended in this moment.
        return Reply.FAILED
    status = answer.get("Status")
    if status is None:
        return Reply.FAILED
    if status == 0 or status >> 12 == 0xB or status in _WARNINGS | _TAKEN_BEFORE:
        return Reply.TAKEN
    return Reply.NOT_OFFERED if status in _NOT_OFFERED else Reply.FAILED
