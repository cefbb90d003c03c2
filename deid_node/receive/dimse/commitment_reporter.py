"""Storage commitment, the answer: N-EVENT-REPORT, until the sender has heard it.

Where the configuration says that a peer is to be called back, it is called; the
others are told on an association of their own that is open and quiet, be it the
one on which they asked or a later one. Nobody is told twice what it has heard.
"""

import random
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import build_role

from deid_node.dicom.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE
from deid_node.dicom.part10 import IMPLEMENTATION_CLASS_UID
from deid_node.dicom.tls import client_tls
from deid_node.errors import CustodyError
from deid_node.observe.events import Event
from deid_node.observe.labels import CommitmentResult
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.dimse.commitment import answer
from deid_node.receive.options import ReceiveOptions
from deid_node.spool.sender_commitments import Commitments
from deid_node.values.commitment import Commitment, Verdict
from deid_node.values.retry import RetryPolicy

_LOOK_AGAIN_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 60.0
_TROUBLE_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 30.0
_CLOSING_SECONDS: Final = 5.0
KEEP_SECONDS: Final = 7 * 86400.0
"""So long an answer is tried; after that the scanner has long asked again, or never will."""
RETRY: Final = RetryPolicy(first_seconds=2, factor=2, cap_seconds=300)
LONGEST_WAIT_SECONDS: Final = RETRY.cap_seconds
"""No answer to a sender waits for longer before it is tried again."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Host and port of a peer's own storage commitment user, in TLS or not.

    `ae_title` is what the peer knows us by.
    """

    host: str
    port: int
    ae_title: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)


def build_callbacks(options: ReceiveOptions) -> Mapping[str, Callback]:
    """Return the callbacks by the peers' names; raise `ConfigurationError`."""
    titles: dict[str, str] = {}
    for one in options.listening:
        for peer in () if one.options.peers == "any" else one.options.peers:
            # Where it may send to several ports, it knows the first of them.
            titles.setdefault(peer.name, one.options.ae_title)
    callbacks: dict[str, Callback] = {}
    for path, peer in options.each_peer():
        to = peer.report_to
        if to is None:
            continue
        tls = None if to.tls is None else client_tls(to.tls, f"{path}.report_to.tls")
        title = titles.get(peer.name, options.ae_title)
        callbacks[peer.name] = Callback(to.host, to.port, title, tls)
    return callbacks


class Reporter:
    """A thread that answers what is due.

    `open_association` returns an association of a peer on which it can be told now;
    `news` is set where a request has come.
    """

    def __init__(
        self,
        commitments: Commitments,
        callbacks: Mapping[str, Callback],
        open_association: Callable[[Commitment], Acceptor | None],
        *,
        news: threading.Event,
        metrics: Metrics,
        log: EventLog,
        retry: RetryPolicy = RETRY,
    ) -> None:
        self._commitments = commitments
        self._callbacks = callbacks
        self._open_association = open_association
        self._metrics = metrics
        self._log = log
        self._retry = retry
        self._draw = random.Random()
        self._news = news
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def adopt(self, callbacks: Mapping[str, Callback]) -> None:
        """Call back by `callbacks` from now on."""
        self._callbacks = callbacks

    def start(self) -> None:
        """Begin; what was not answered before a crash is due."""
        self._thread.start()

    def stop(self) -> None:
        """End after the answer in hand; also before it was started."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(_ANSWER_SECONDS + _CLOSING_SECONDS)

    def answer_due(self) -> None:
        """Answer once whatever is due and can be told; raises `CustodyError`."""
        for peer in self._commitments.expire(older_than_seconds=KEEP_SECONDS):
            self._log.warning(Event.COMMITMENT_EXPIRED, peer=peer)
        for commitment in self._commitments.due():
            if self._stopping.is_set():
                return
            callback = self._callbacks.get(commitment.peer)
            association = None if callback else self._open_association(commitment)
            if callback is not None or association is not None:
                self._answer(commitment, callback or association)

    def _answer(self, commitment: Commitment, way: Callback | Association | None) -> None:
        verdict = self._commitments.judge(commitment)
        heard = (
            self._called(way, commitment, verdict)
            if isinstance(way, Callback)
            else way is not None and _reported(way, commitment, verdict)
        )
        if heard:
            self._commitments.told(commitment)
            self._tell(commitment, verdict)
            return
        seconds = self._retry.delay_seconds(commitment.attempts + 1, draw=self._draw)
        self._commitments.postpone(commitment, seconds=seconds)
        self._log.debug(
            Event.COMMITMENT_POSTPONED,
            peer=commitment.peer,
            attempt=commitment.attempts + 1,
            seconds=round(seconds, 3),
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.answer_due()
                seconds = self._commitments.next_due_seconds()
            except CustodyError as error:
                self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
                seconds = _TROUBLE_SECONDS
            # A fault of ours must not end the thread: the request stays in the journal.
            except Exception as error:  # noqa: BLE001
                self._log.error(Event.COMMITMENT_POSTPONED, error=type(error).__name__)
                seconds = _TROUBLE_SECONDS
            # What is due and cannot be told yet waits for an association of its peer.
            self._news.wait(
                _LONGEST_WAIT_SECONDS
                if seconds is None
                else min(max(seconds, _LOOK_AGAIN_SECONDS), _LONGEST_WAIT_SECONDS)
            )
            self._news.clear()

    def _called(self, callback: Callback, commitment: Commitment, verdict: Verdict) -> bool:
        """Call the peer back and return whether it took the report."""
        entity = AE(callback.ae_title)
        entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _ANSWER_SECONDS
        entity.connection_timeout = _ANSWER_SECONDS
        entity.add_requested_context(PUSH_MODEL)
        association = entity.associate(
            callback.host,
            callback.port,
            ae_title=commitment.calling_ae,
            # We are the provider on an association that we ask for (PS3.4 J.3.3).
            ext_neg=[build_role(PUSH_MODEL, scp_role=True)],
            tls_args=(callback.tls, callback.host) if callback.tls else None,
        )
        if not association.is_established:
            return False
        try:
            return _reported(association, commitment, verdict)
        finally:
            association.release()

    def _tell(self, commitment: Commitment, verdict: Verdict) -> None:
        confirmed, failed = len(verdict.confirmed), len(verdict.failed)
        self._metrics.committed(CommitmentResult.CONFIRMED, confirmed)
        self._metrics.committed(CommitmentResult.FAILED, failed)
        tell = self._log.warning if failed else self._log.info
        tell(
            Event.COMMITMENT_REPORTED,
            association=commitment.association,
            peer=commitment.peer,
            count=confirmed,
            failed=failed,
        )


def _reported(association: Association, commitment: Commitment, verdict: Verdict) -> bool:
    """Return whether the peer took the report: it answered with success or a warning."""
    kind, content = answer(commitment, verdict)
    try:
        status, _ = association.send_n_event_report(content, kind, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    except (RuntimeError, ValueError):
        # It ended in this moment, or the peer refused the context.
        return False
    code = status.get("Status")
    return code is not None and (code == 0 or code >> 12 == 0xB or code in {0x0001, 0x0107, 0x0116})
