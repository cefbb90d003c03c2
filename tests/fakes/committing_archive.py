"""An archive that stores, and answers storage commitment by a script; played by pynetdicom."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_role, evt

from tests.fakes.commitment_user import PUSH_MODEL, PUSH_MODEL_INSTANCE
from tests.fakes.peer_archive import CLASSES

TITLE = "ARCHIVE"


@dataclass(frozen=True)
class Question:
    """One N-ACTION as the archive heard it: pairs of SOP Class and Instance UID."""

    transaction: str
    references: tuple[tuple[str, str], ...]
    association: Any = field(repr=False)

    @property
    def uids(self) -> list[str]:
        """The SOP Instance UIDs."""
        return [uid for _, uid in self.references]


@dataclass
class CommittingArchive:
    """What it was sent and asked; `react` is called after each question was answered.

    `statuses` answer the n-th question, the last one all that follow. `is_hasty`: it
    reacts before it answers, and answers when that is done.
    """

    port: int = 0
    statuses: Sequence[int] = (0x0000,)
    is_hasty: bool = False
    react: Callable[["CommittingArchive", Question], None] = lambda _archive, _question: None
    stored: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """How our reports were answered."""
    threads: list[threading.Thread] = field(default_factory=list)

    def report_here(self, question: Question, *, failed: Sequence[str] = ()) -> None:
        """Report on the association on which the question came."""
        self._report(question.association, question, question.transaction, failed)

    def report_to(
        self,
        port: int,
        question: Question,
        *,
        failed: Sequence[str] = (),
        transaction: str | None = None,
        title: str = TITLE,
    ) -> None:
        """Report on an association of the archive's own, with the provider's role."""
        entity = AE(title)
        entity.add_requested_context(PUSH_MODEL)
        association = entity.associate(
            "127.0.0.1",
            port,
            ae_title="DEIDNODE",
            ext_neg=[build_role(PUSH_MODEL, scp_role=True)],
        )
        assert association.is_established
        self._report(association, question, transaction or question.transaction, failed)
        association.release()

    def _report(
        self, association: Any, question: Question, transaction: str, failed: Sequence[str]
    ) -> None:
        content = Dataset()
        content.TransactionUID = transaction
        kept = [one for one in question.references if one[1] not in failed]
        lost = [one for one in question.references if one[1] in failed]
        if kept:
            content.ReferencedSOPSequence = [_item(*one) for one in kept]
        if lost:
            content.FailedSOPSequence = [_item(*one) for one in lost]
            for item in content.FailedSOPSequence:
                item.FailureReason = 0x0112
        status, _ = association.send_n_event_report(
            content, 2 if lost else 1, PUSH_MODEL, PUSH_MODEL_INSTANCE
        )
        self.answers.append(int(status.get("Status", -1)))


@contextmanager
def committing_archive(
    react: Callable[[CommittingArchive, Question], None] | None = None,
    *,
    statuses: Sequence[int] = (0x0000,),
    offers: bool = True,
    is_hasty: bool = False,
    port: int = 0,
) -> Iterator[CommittingArchive]:
    """Run it for the length of a ``with`` block; `offers`: whether it knows of commitment."""
    archive = CommittingArchive(statuses=statuses, is_hasty=is_hasty)
    if react is not None:
        archive.react = react

    def store(event: Any) -> int:
        archive.stored.append(str(event.request.AffectedSOPInstanceUID))
        return 0x0000

    def asked(event: Any) -> tuple[int, None]:
        content = event.action_information
        question = Question(
            str(content.TransactionUID),
            tuple(
                (str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
                for item in content.ReferencedSOPSequence
            ),
            event.assoc,
        )
        number = len(archive.questions)
        archive.questions.append(question)
        thread = threading.Thread(target=archive.react, args=(archive, question), daemon=True)
        archive.threads.append(thread)
        status = archive.statuses[min(number, len(archive.statuses) - 1)]
        if archive.is_hasty:
            thread.start()
            thread.join()
        # The reaction must come behind the answer.
        elif status == 0x0000:
            threading.Timer(0.3, thread.start).start()
        return status, None

    entity = AE(TITLE)
    for sop_class in CLASSES:
        entity.add_supported_context(sop_class, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    if offers:
        entity.add_supported_context(PUSH_MODEL)
    server = entity.start_server(
        ("127.0.0.1", port),
        block=False,
        evt_handlers=[(evt.EVT_C_STORE, store), (evt.EVT_N_ACTION, asked)],
    )
    assert server is not None
    archive.port = int(server.server_address[1])
    try:
        yield archive
    finally:
        entity.shutdown()


def _item(sop_class: str, sop_instance: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return item
