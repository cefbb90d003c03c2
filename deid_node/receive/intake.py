"""Intake: what a sender hands over goes into custody, or stays the sender's.

The same for every door, whatever is spoken there: a door says what the sender announces,
writes the bytes while they come, and hears what became of them. Whether the sender may send
at all was decided before; nothing here knows a network.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import assert_never

from deid_node.audit.records import DoorRecord
from deid_node.dicom.identity import identity_of, require_named
from deid_node.dicom.part10 import spool_header
from deid_node.errors import CustodyError, DatasetMismatch, DatasetUnreadable, DeidNodeError
from deid_node.observe.events import Event
from deid_node.observe.labels import DoorKind
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.arrivals import Acceptance, Arrival, Arrivals, Incoming
from deid_node.values.identity import InstanceId
from deid_node.values.origin import Dimse, Http, Origin, Via
from deid_node.values.stage import Stage


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sender says that an instance is, before its dataset has come.

    `study_instance_uid` is the study that it must belong to; empty where none was named.
    """

    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)
    transfer_syntax: str
    study_instance_uid: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was kept; `status` is what the sender is told by the table of its door."""

    code: str
    status: int


class Intake:
    """Takes instances into custody and tells of it: metrics, log, audit trail, queue.

    `status_of` is the table of the door: what its sender is told of an error. `offer`
    tells the queue of a new instance and whose turn it takes; it is a hint, the journal
    knows. `record` is for the audit trail; None keeps none. Any thread may call.
    """

    def __init__(
        self,
        spool: Arrivals,
        offer: Callable[[InstanceId, str], object],
        *,
        status_of: Callable[[Exception], int],
        metrics: Metrics,
        log: EventLog,
        record: DoorRecord | None = None,
    ) -> None:
        self._spool = spool
        self._offer = offer
        self._status_of = status_of
        self._metrics = metrics
        self._log = log
        self._record = record

    def begin(self, announced: Announced) -> Incoming:
        """Return where the dataset of such an instance is written while it comes.

        What is wrong already is told by `take`, so that the sender hears it as an answer.
        """
        incoming = self._spool.begin()
        try:
            header = spool_header(
                sop_class_uid=announced.sop_class_uid,
                sop_instance_uid=announced.sop_instance_uid,
                transfer_syntax=announced.transfer_syntax,
            )
        except DatasetUnreadable as error:
            incoming.fail(error)
        else:
            incoming.begin(header)
        return incoming

    def take(
        self, incoming: Incoming, announced: Announced, origin: Origin
    ) -> Acceptance | Refused:
        """Return what became of an instance whose dataset has come; does not raise.

        An `Acceptance` says that it is in custody, on disk. Afterwards nothing is left in
        `incoming`.
        """
        started = perf_counter()
        try:
            acceptance = self._accepted(incoming, announced, origin)
        # The boundary to the wire: whatever went wrong becomes a status, and the
        # sender keeps the instance. The text of a foreign error may quote values.
        except Exception as error:  # noqa: BLE001
            return self._refused(error, association=origin.association, peer=origin.peer)
        self._metrics.stage(Stage.RECEIVE, perf_counter() - started)
        self._tell(acceptance)
        return acceptance

    def refuse(
        self, incoming: Incoming | None, error: DeidNodeError, *, association: str, peer: str | None
    ) -> Refused:
        """Let go of what has come, because the door itself says that it must not."""
        if incoming is not None:
            incoming.discard()
        return self._refused(error, association=association, peer=peer)

    def _accepted(self, incoming: Incoming, announced: Announced, origin: Origin) -> Acceptance:
        sop_class_uid, sop_instance_uid = announced.sop_class_uid, announced.sop_instance_uid
        try:
            identity = identity_of(bytes(incoming.head), announced.transfer_syntax)
            require_named(identity, sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid)
            if announced.study_instance_uid not in {"", identity.study_instance_uid}:
                raise DatasetMismatch("the dataset is of another study than the sender names")
            acceptance = self._spool.accept(
                Arrival(origin, sop_class_uid, sop_instance_uid), incoming
            )
        finally:
            incoming.discard()
        if self._record is not None:
            # Of a repeated one, custody knows the first association; this is another.
            arrived = replace(acceptance.instance, origin=origin)
            self._record.received(arrived, identity, repeated=acceptance.repeated)
        return acceptance

    def _tell(self, acceptance: Acceptance) -> None:
        instance = acceptance.instance
        if acceptance.repeated:
            self._log.info(Event.INSTANCE_REPEATED, instance=instance.id, peer=instance.origin.peer)
            return
        size = instance.blob.size_bytes
        self._metrics.instance_received(
            instance.origin.peer, size, door=_door_of(instance.origin.via)
        )
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
            self._offer(instance.id, instance.origin.sender)

    def _refused(self, error: Exception, *, association: str, peer: str | None) -> Refused:
        ours = isinstance(error, DeidNodeError)
        code = error.code if isinstance(error, DeidNodeError) else "unexpected"
        refused = Refused(code, self._status_of(error))
        self._log.warning(
            Event.INSTANCE_REFUSED,
            association=association,
            peer=peer,
            code=code,
            reason=str(error) if ours else None,
            error=None if ours else type(error).__name__,
            status=refused.status,
        )
        if isinstance(error, CustodyError):
            self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
        return refused


def _door_of(via: Via) -> DoorKind:
    match via:
        case Dimse():
            return DoorKind.DIMSE
        case Http():
            return DoorKind.STOW
        case _:
            assert_never(via)
