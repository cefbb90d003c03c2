"""The door of DICOM associations: opens, serves whom its doorkeeper admits, closes in order."""

import threading
from collections.abc import Callable, Collection
from time import monotonic
from typing import Final

from pynetdicom import AE, evt
from pynetdicom.events import Event as Message

from deid_node.audit.records import DoorRecord
from deid_node.dicom.commitment import PUSH_MODEL
from deid_node.dicom.part10 import IMPLEMENTATION_CLASS_UID
from deid_node.dicom.report import ReportHandler
from deid_node.dicom.tls import server_tls
from deid_node.errors import ConfigurationError
from deid_node.observe.events import Event
from deid_node.observe.labels import AssociationResult
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.acceptor import Acceptor, acceptor_of
from deid_node.receive.dimse.commitment import GRACE_SECONDS, ActionStatus
from deid_node.receive.dimse.doorkeeper import Doorkeeper, Terms
from deid_node.receive.dimse.listener import Listener
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.options import Listening
from deid_node.values.commitment import Commitment
from deid_node.values.confirmation import ConfirmationReport

_IMPLEMENTATION_VERSION_NAME: Final = "DEID_NODE"
_UNLIMITED: Final = 1 << 30
_IDLE_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05


class StorageScp:
    """One port that scanners send to; a `Door`.

    `require_room` raises `CustodyError` while the spool can take nothing. `commit`
    answers requests for storage commitment. `hear` takes the reports of archives that
    we asked for theirs, and `archives` are their AE titles: they may call for that, whoever
    else may. `record` is for the audit trail; None keeps none.
    """

    def __init__(
        self,
        listening: Listening,
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
        self._listening = listening
        self._options = listening.options
        self._store = store
        self._commit = commit
        self._hear = _no_commitment if hear is None else ReportHandler(hear)
        self._metrics = metrics
        self._log = log.with_fields(listener=listening.name) if listening.name else log
        self._record = record
        self._archives = archives
        self._keeper = Doorkeeper(
            require_room=require_room,
            metrics=metrics,
            log=self._log,
            record=record,
        )
        if listening.name:
            metrics.watch_listener(listening.name, lambda: len(self.served))
        self._closing = threading.Lock()
        self._is_closed = False
        self._listener: Listener | None = None

    @property
    def name(self) -> str:
        """What health calls it."""
        return self._listening.part

    @property
    def port(self) -> int:
        """The port that listens; the configured one before the start."""
        return self._options.port if self._listener is None else self._listener.port

    @property
    def served(self) -> list[Acceptor]:
        """The associations that are open."""
        return self._keeper.served

    def start(self) -> None:
        """Listen; raise `ConfigurationError` where the address cannot be had."""
        options = self._options
        setting = self._listening.setting
        tls = None if options.tls is None else server_tls(options.tls, f"{setting}.tls")
        self._keeper.adopt(Terms(options, self._archives))
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
                    (evt.EVT_REQUESTED, self._keeper.requested),
                    (evt.EVT_C_ECHO, _echo),
                    (evt.EVT_N_ACTION, self._commit or _no_commitment),
                    (evt.EVT_N_EVENT_REPORT, self._heard),
                    (evt.EVT_RELEASED, self._released),
                    (evt.EVT_ABORTED, self._aborted),
                ),
                ended=self._ended,
                silence_seconds=options.association_seconds,
                tls=tls,
                unsecured=self._keeper.unsecured,
                admits=self._keeper.admits,
                store=self._store,
            )
        except OSError as error:
            raise ConfigurationError(
                f"{setting}.port", f"cannot listen there: {error.strerror}"
            ) from None
        self._listener.start()
        if self._listening.name:
            self._log.info(Event.LISTENER_READY, port=self.port)

    def adopt(self, terms: Terms, hear: Callable[[ConfirmationReport], bool]) -> None:
        """Admit by `terms` and tell `hear` from now on; associations that are open go on."""
        self._hear = ReportHandler(hear)
        self._keeper.adopt(terms)

    def stop_accepting(self) -> None:
        """Listen no more; associations that are open go on. May be called again."""
        self._keeper.close()
        with self._closing:
            listener = None if self._is_closed else self._listener
            self._is_closed = True
        if listener is not None:
            listener.stop()

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
        while (served := self.served) and monotonic() < until:
            for association in served:
                if association.is_idle and monotonic() > patience:
                    association.abort()
                association.join(_POLL_SECONDS)
        for association in self.served:
            association.abort()
            association.join(finish_seconds)
        self._listener.shut_all()

    def quiet_association(self, commitment: Commitment) -> Acceptor | None:
        """Return an association on which the caller of `commitment` can be told the answer now."""
        for association in self.served:
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
        refusal = self._keeper.refusal()
        return refusal.code if refusal else None

    def _heard(self, message: Message) -> tuple[int, None]:
        return self._hear(message)

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
        self._keeper.ended(association)
        if self._record is not None:
            self._record.ended(association.label)


def _no_commitment(_message: Message) -> tuple[int, None]:
    return ActionStatus.PROCESSING_FAILURE, None


def _echo(_message: Message) -> int:
    return 0x0000
