"""The door: admits or refuses associations, and closes in order."""

import threading
from collections.abc import Callable, Collection
from time import monotonic
from typing import Final

from pynetdicom import AE, evt
from pynetdicom.events import Event as Message
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from deid_node.audit.records import DoorRecord
from deid_node.dicom.commitment import PUSH_MODEL
from deid_node.dicom.part10 import IMPLEMENTATION_CLASS_UID
from deid_node.dicom.report import ReportHandler
from deid_node.errors import ConfigurationError, CustodyError
from deid_node.observe.events import Event
from deid_node.observe.labels import AssociationResult
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.acceptor import Acceptor, acceptor_of
from deid_node.receive.dimse.commitment import GRACE_SECONDS, ActionStatus
from deid_node.receive.dimse.contexts import accepted_contexts, only_reports
from deid_node.receive.dimse.listener import Listener, door_of
from deid_node.receive.dimse.refusal import (
    CALLED_AE_UNKNOWN,
    CALLING_AE_UNKNOWN,
    CLOSING,
    NO_ROOM,
    NOT_IDENTIFIED,
    TOO_MANY_ASSOCIATIONS,
    TOO_MANY_OF_ADDRESS,
    WRONG_CERTIFICATE,
    Refusal,
)
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.options import ReceiveOptions
from deid_node.receive.peers import Peers
from deid_node.receive.rate_limit import Gate
from deid_node.receive.secure import build_tls, names_in
from deid_node.receive.users import Users
from deid_node.values.commitment import Commitment
from deid_node.values.confirmation import ConfirmationReport
from deid_node.values.refusal import RefusalCode, TlsFault

_IMPLEMENTATION_VERSION_NAME: Final = "DEID_NODE"
_UNLIMITED: Final = 1 << 30
_IDLE_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05
# So many may knock beside those that are served, to be refused in order.
_MORE_CONNECTIONS: Final = 256
_MORE_OF_ADDRESS: Final = 192


class StorageScp:
    """The port that scanners send to; a `Door`.

    `require_room` raises `CustodyError` while the spool can take nothing. `commit`
    answers requests for storage commitment. `hear` takes the reports of archives that
    we asked for theirs, and `archives` are their AE titles: they may call for that, whoever
    else may. `record` is for the audit trail; None keeps none.
    """

    name: Final = "dimse"

    def __init__(
        self,
        options: ReceiveOptions,
        store: StoreHandler,
        *,
        require_room: Callable[[], None],
        commit: Callable[[Message], tuple[int, None]] | None = None,
        hear: Callable[[ConfirmationReport], bool] | None = None,
        archives: Collection[str] = (),
        metrics: Metrics,
        log: EventLog,
        record: DoorRecord | None = None,
    ) -> None:
        self._options = options
        self._peers = Peers(options.peers)
        self._store = store
        self._require_room = require_room
        self._commit = commit
        self._hear = _no_commitment if hear is None else ReportHandler(hear)
        self._archives = frozenset(archives)
        self._metrics = metrics
        self._log = log
        self._record = record
        self._gate = Gate(options.max_refusals_per_minute)
        self._users: Users | None = None
        self._closing = threading.Event()
        self._stopping = threading.Lock()
        self._open: set[Acceptor] = set()
        self._counting = threading.Lock()
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """The port that listens; the configured one before the start."""
        return self._options.port if self._listener is None else self._listener.port

    def start(self) -> None:
        """Listen; raise `ConfigurationError` where the address cannot be had."""
        options = self._options
        tls = build_tls(options.tls)
        if options.user_identity is not None:
            self._users = Users.read(options.user_identity.users_file)
        ae = AE(options.ae_title)
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = _IMPLEMENTATION_VERSION_NAME
        ae.maximum_pdu_size = options.max_pdu_bytes
        # Counted here with the other reasons to refuse; the library's limit is out of the way.
        ae.maximum_associations = _UNLIMITED
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = options.association_seconds
        try:
            self._listener = Listener(
                ae,
                (options.host, options.port),
                (
                    (evt.EVT_REQUESTED, self._requested),
                    (evt.EVT_C_ECHO, _echo),
                    (evt.EVT_N_ACTION, self._commit or _no_commitment),
                    (evt.EVT_N_EVENT_REPORT, self._hear),
                    (evt.EVT_RELEASED, self._released),
                    (evt.EVT_ABORTED, self._aborted),
                ),
                ended=self._ended,
                silence_seconds=options.association_seconds,
                tls=tls,
                unsecured=self._unsecured,
                admits=self._admits,
                store=self._store,
            )
        except OSError as error:
            raise ConfigurationError(
                "receive.port", f"cannot listen there: {error.strerror}"
            ) from None
        self._listener.start()

    def stop_accepting(self) -> None:
        """Listen no more; associations that are open go on. May be called again."""
        with self._stopping:
            if self._closing.is_set():
                return
            self._closing.set()
            if self._listener is not None:
                self._listener.stop()

    def stop(self, *, finish_seconds: float) -> None:
        """Accept no more, let open associations finish, then abort what still stands.

        A peer that keeps its association open without sending is not waited for
        longer than a moment.
        """
        self.stop_accepting()
        if self._listener is None:
            return
        now = monotonic()
        patience, until = now + _IDLE_SECONDS, now + finish_seconds
        while self._open and monotonic() < until:
            for association in list(self._open):
                if association.is_idle and monotonic() > patience:
                    association.abort()
                association.join(_POLL_SECONDS)
        for association in list(self._open):
            association.abort()
            association.join(finish_seconds)
        self._listener.shut_all()

    def quiet_association(self, commitment: Commitment) -> Acceptor | None:
        """Return an association on which the caller of `commitment` can be told the answer now."""
        with self._counting:
            standing = list(self._open)
        for association in standing:
            if (
                association.is_established
                and association.peer == commitment.peer
                and str(association.requestor.ae_title).strip() == commitment.calling_ae
                and association.takes(PUSH_MODEL)
                and association.quiet_seconds >= GRACE_SECONDS
            ):
                return association
        return None

    def trouble(self) -> str | None:
        """Return a code while new associations are refused, else None."""
        refusal = self._house_refusal()
        return refusal.code if refusal else None

    def _requested(self, message: Message) -> None:
        association = acceptor_of(message)
        request = association.requestor.primitive
        if request is None:
            raise TypeError("an association without its request")
        calling, called = str(request.calling_ae_title), str(request.called_ae_title)
        # Where some character stands for others, the title is that of no peer on the list.
        known = calling if association.has_plain_title else ""
        address = str(association.requestor.address)
        peer = self._peers.name_of(known, address, names_in(door_of(association).certificate()))
        proposed = request.presentation_context_definition_list
        reports = known.strip() in self._archives and only_reports(proposed)
        refusal = self._house_refusal()
        if reports and refusal is NO_ROOM:
            # What an archive confirms makes room.
            refusal = None
        if called.strip() != self._options.ae_title:
            refusal = CALLED_AE_UNKNOWN
        elif peer is None and not reports:
            bound = self._peers.lacks_certificate(known, address)
            refusal = WRONG_CERTIFICATE if bound else CALLING_AE_UNKNOWN
        elif not reports and not self._identified(association):
            refusal = NOT_IDENTIFIED
        elif refusal is None:
            refusal = self._entered(association, address)
        if refusal is not None:
            self._turn_away(association, refusal, peer)
            return
        association.peer = peer
        association.acceptor.supported_contexts = accepted_contexts(proposed)
        self._metrics.association(AssociationResult.ACCEPTED)
        self._log.info(Event.ASSOCIATION_ACCEPTED, association=association.label, peer=peer)

    def _identified(self, association: Acceptor) -> bool:
        """Return whether the caller is a user, and see to it that it hears so if it asked."""
        options, shown = self._options.user_identity, association.requestor.user_identity
        if options is None or self._users is None:
            return True
        if shown is None:
            return not options.required
        kind = shown.user_identity_type
        if not self._users.knows(
            kind or 0, shown.primary_field or b"", shown.secondary_field or b""
        ):
            return False
        if shown.positive_response_requested:
            answer = UserIdentityNegotiation()
            answer.server_response = b""
            association.acceptor.add_negotiation_item(answer)
        return True

    def _admits(self, address: str, standing: int, own: int) -> bool:
        code = None
        options = self._options
        if not self._gate.is_open(address):
            code = RefusalCode.REFUSED_OFTEN
        elif own >= options.quota + _MORE_OF_ADDRESS or (
            standing >= options.max_associations + _MORE_CONNECTIONS
        ):
            code = RefusalCode.TOO_MANY_CONNECTIONS
        if code is None:
            return True
        self._metrics.refusal(code)
        # A flood of callers must not become a flood of lines.
        self._log.debug(Event.CONNECTION_REFUSED, code=code)
        return False

    def _blame(self, association: Acceptor) -> None:
        """Count a refusal that is the caller's own; say so when it shuts the caller out."""
        if self._gate.refused(str(association.requestor.address)):
            self._log.warning(
                Event.CONNECTION_REFUSED,
                association=association.label,
                code=RefusalCode.REFUSED_OFTEN,
            )
            self._put_on_record(association, None, RefusalCode.REFUSED_OFTEN)

    def _put_on_record(
        self, association: Acceptor, peer: str | None, code: RefusalCode | TlsFault
    ) -> None:
        if self._record is not None:
            self._record.refused(str(association.requestor.address), peer, code)

    def _house_refusal(self) -> Refusal | None:
        if self._closing.is_set():
            return CLOSING
        try:
            self._require_room()
        except CustodyError:
            return NO_ROOM
        return None

    def _entered(self, association: Acceptor, address: str) -> Refusal | None:
        """Give the association a place, or say which there is none of."""
        with self._counting:
            if len(self._open) >= self._options.max_associations:
                return TOO_MANY_ASSOCIATIONS
            own = sum(str(one.requestor.address) == address for one in self._open)
            if own >= self._options.quota:
                return TOO_MANY_OF_ADDRESS
            self._open.add(association)
            return None

    def _turn_away(self, association: Acceptor, refusal: Refusal, peer: str | None) -> None:
        # Before the caller hears it: it may come again at once.
        self._metrics.association(AssociationResult.REFUSED)
        self._metrics.refusal(refusal.code)
        self._log.warning(
            Event.ASSOCIATION_REFUSED, association=association.label, peer=peer, code=refusal.code
        )
        self._put_on_record(association, peer, refusal.code)
        if refusal.is_callers_own:
            self._blame(association)
        association.acse.send_reject(refusal.result, refusal.source, refusal.diagnostic)
        association.kill()

    def _unsecured(self, association: Acceptor, fault: TlsFault) -> None:
        self._metrics.refusal(fault)
        self._log.warning(
            Event.CONNECTION_REFUSED,
            association=association.label,
            code=fault,
            reason=fault.meaning,
        )
        self._put_on_record(association, None, fault)
        self._blame(association)

    def _released(self, message: Message) -> None:
        association = acceptor_of(message)
        self._log.info(
            Event.ASSOCIATION_RELEASED, association=association.label, peer=association.peer
        )

    def _aborted(self, message: Message) -> None:
        association = acceptor_of(message)
        self._metrics.association(AssociationResult.ABORTED)
        self._log.warning(
            Event.ASSOCIATION_ABORTED, association=association.label, peer=association.peer
        )

    def _ended(self, association: Acceptor) -> None:
        with self._counting:
            self._open.discard(association)
        if not association.is_understood:
            self._broken_off(association)
        if self._record is not None:
            self._record.ended(association.label)

    def _broken_off(self, association: Acceptor) -> None:
        """Say that a request could not be read: its caller hears nothing but an abort."""
        code = RefusalCode.NOT_UNDERSTOOD
        self._metrics.refusal(code)
        self._log.warning(Event.CONNECTION_REFUSED, association=association.label, code=code)
        self._blame(association)


def _no_commitment(_message: Message) -> tuple[int, None]:
    return ActionStatus.PROCESSING_FAILURE, None


def _echo(_message: Message) -> int:
    return 0x0000
