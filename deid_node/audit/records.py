"""What the rooms hand to the trail, each in the words of its own work."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from deid_node.audit.event_messages import (
    NodeIdentity,
    Sender,
    Study,
    caller_refused,
    exported,
    instances_received,
    transfer_began,
    transfer_ended,
)
from deid_node.audit.message import AuditMessage
from deid_node.dicom.identity import Identity
from deid_node.values.instance import CleanInstance, ReceivedInstance
from deid_node.values.refusal import RefusalCode, TlsFault

Record = Callable[..., None]
"""Takes any number of messages and returns at once: `AuditTrail.record`."""

_SECURITY_REASONS: Final = frozenset(
    (
        RefusalCode.CALLED_AE_UNKNOWN,
        RefusalCode.CALLING_AE_UNKNOWN,
        RefusalCode.NOT_IDENTIFIED,
        RefusalCode.NOT_UNDERSTOOD,
        RefusalCode.PEER_UNKNOWN,
        RefusalCode.REFUSED_OFTEN,
        RefusalCode.TOO_MANY_OF_ADDRESS,
        RefusalCode.WRONG_CERTIFICATE,
        *TlsFault,
    )
)
"""Refusals that say something of the caller; a full disk says nothing of it."""


class DoorRecord:
    """What the door puts on record: what each association brought, and who was turned away.

    `new_uid` makes the new UID of an original one; any thread may call. Receipt is
    told when the association ends, by study.
    """

    def __init__(
        self,
        record: Record,
        node: NodeIdentity,
        *,
        new_uid: Callable[[str], str],
        names_patient: bool,
    ) -> None:
        self._record = record
        self._node = node
        self._new_uid = new_uid
        self._names_patient = names_patient
        self._lock = threading.Lock()
        self._open: dict[str, dict[tuple[Sender, Study, bool], Counter[str]]] = {}

    def received(self, instance: ReceivedInstance, identity: Identity, *, repeated: bool) -> None:
        """Note an instance in custody, which said of itself `identity`."""
        origin = instance.origin
        study = self._study(identity)
        key = (Sender(origin.peer, origin.address), study, repeated)
        with self._lock:
            brought = self._open.setdefault(origin.association, {})
            brought.setdefault(key, Counter())[instance.sop_class_uid] += 1

    def ended(self, association: str) -> None:
        """Tell what `association` has brought, if anything."""
        with self._lock:
            brought = self._open.pop(association, {})
        for (sender, study, repeated), counts in brought.items():
            self._record(
                instances_received(
                    self._node, sender, study, counts, association=association, repeated=repeated
                )
            )

    def refused(self, address: str, peer: str | None, code: RefusalCode | TlsFault) -> None:
        """Tell that a caller was turned away, if that is a matter of security."""
        if code in _SECURITY_REASONS:
            reason = f"{code}: {code.meaning}" if isinstance(code, TlsFault) else str(code)
            self._record(caller_refused(self._node, address=address, peer=peer, reason=reason))

    def _study(self, original: Identity) -> Study:
        new_uid = self._new_uid(original.study_instance_uid) if original.study_instance_uid else ""
        if self._names_patient:
            return Study(original.study_instance_uid, original.patient_id, new_uid)
        return Study(new_uid)


class DeliveryRecord:
    """What a sender puts on record of one destination.

    An archive is told of twice, before and after: what began and did not end is a
    trace of its own. A folder is an export.
    """

    def __init__(
        self, record: Record, node: NodeIdentity, destination: str, *, exports: bool
    ) -> None:
        self._record = record
        self._node = node
        self._destination = destination
        self._exports = exports

    def began(self, instances: Sequence[CleanInstance]) -> None:
        """Tell that `instances` are about to be sent."""
        if not self._exports:
            self._record(*transfer_began(self._node, self._destination, instances))

    def ended(self, delivered: Sequence[CleanInstance], refused: Sequence[CleanInstance]) -> None:
        """Tell which of them the destination has and which it refused for good."""
        ended: Callable[..., tuple[AuditMessage, ...]] = (
            exported if self._exports else transfer_ended
        )
        for instances, was_refused in ((delivered, False), (refused, True)):
            self._record(*ended(self._node, self._destination, instances, refused=was_refused))
