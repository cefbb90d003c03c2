"""C-STORE: the bytes as sent go into custody, and a status goes back. Nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

from deid_node.audit.records import DoorRecord
from deid_node.dicom.identity import require_identity
from deid_node.dicom.part10 import spool_header
from deid_node.errors import CustodyError, DatasetUnreadable, DeidNodeError, PeerNotAuthorised
from deid_node.observe.events import Event
from deid_node.observe.labels import Stage
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.dimse.commands import StoreRequest
from deid_node.receive.dimse.status import StoreStatus, status_of
from deid_node.spool.incoming import Incoming
from deid_node.spool.spool import Acceptance, Arrival, Spool
from deid_node.values.identity import InstanceId
from deid_node.values.origin import Origin


class StoreHandler:
    """Answers C-STORE-RQ; a `Store`.

    `offer` tells the queue of a new instance and its calling AE title; it is a hint, the
    journal knows. `record` is for the audit trail; None keeps none.
    """

    def __init__(
        self,
        spool: Spool,
        offer: Callable[[InstanceId, str], object],
        *,
        metrics: Metrics,
        log: EventLog,
        record: DoorRecord | None = None,
    ) -> None:
        self._spool = spool
        self._offer = offer
        self._metrics = metrics
        self._log = log
        self._record = record

    def begin(self, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> Incoming:
        """Return where the dataset of such an instance is written while it comes."""
        incoming = self._spool.begin()
        try:
            header = spool_header(
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax=transfer_syntax,
            )
        except DatasetUnreadable as error:
            incoming.fail(error)
        else:
            incoming.begin(header)
        return incoming

    def take(
        self,
        request: StoreRequest,
        incoming: Incoming,
        transfer_syntax: str,
        association: Acceptor,
    ) -> StoreStatus:
        """Return the status of C-STORE-RSP: Success only with the instance in custody.

        `incoming` holds the dataset that has come; afterwards nothing of it is left there.
        """
        started = perf_counter()
        try:
            acceptance = self._taken(request, incoming, transfer_syntax, association)
        # The boundary to the wire: whatever went wrong becomes a status, and the
        # sender keeps the instance. The text of a foreign error may quote values.
        except Exception as error:  # noqa: BLE001
            return self._refused(error, association)
        self._metrics.stage(Stage.RECEIVE, perf_counter() - started)
        self._tell(acceptance)
        return StoreStatus.SUCCESS

    def _taken(
        self,
        request: StoreRequest,
        incoming: Incoming,
        transfer_syntax: str,
        association: Acceptor,
    ) -> Acceptance:
        sop_class_uid, sop_instance_uid = request.sop_class_uid, request.sop_instance_uid
        try:
            if association.peer is None:
                raise PeerNotAuthorised("the association was not admitted")
            require_identity(
                bytes(incoming.head),
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax=transfer_syntax,
            )
            origin = Origin(
                peer=association.peer,
                calling_ae=str(association.requestor.ae_title).strip(),
                called_ae=str(association.acceptor.ae_title).strip(),
                address=str(association.requestor.address),
                association=association.label,
                received_at=datetime.now(UTC),
                transfer_syntax=transfer_syntax,
            )
            acceptance = self._spool.accept(
                Arrival(origin, sop_class_uid, sop_instance_uid), incoming
            )
        finally:
            incoming.discard()
        if self._record is not None:
            # Of a repeated one, custody knows the first association; this is another.
            arrived = replace(acceptance.instance, origin=origin)
            self._record.received(arrived, bytes(incoming.head), repeated=acceptance.repeated)
        return acceptance

    def _tell(self, acceptance: Acceptance) -> None:
        instance = acceptance.instance
        if acceptance.repeated:
            self._log.info(Event.INSTANCE_REPEATED, instance=instance.id, peer=instance.origin.peer)
            return
        size = instance.blob.size_bytes
        self._metrics.instance_received(instance.origin.peer, size)
        self._log.info(
            Event.INSTANCE_RECEIVED,
            instance=instance.id,
            peer=instance.origin.peer,
            association=instance.origin.association,
            bytes=size,
        )
        if acceptance.conflict:
            self._metrics.instance_withheld("uid_conflict")
            self._log.warning(Event.INSTANCE_WITHHELD, instance=instance.id, code="uid_conflict")
        else:
            self._offer(instance.id, instance.origin.calling_ae)

    def _refused(self, error: Exception, association: Acceptor) -> StoreStatus:
        status = status_of(error)
        ours = isinstance(error, DeidNodeError)
        self._log.warning(
            Event.INSTANCE_REFUSED,
            association=association.label,
            peer=association.peer,
            code=error.code if isinstance(error, DeidNodeError) else "unexpected",
            reason=str(error) if ours else None,
            error=None if ours else type(error).__name__,
            status=status,
        )
        if isinstance(error, CustodyError):
            self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
        return status
