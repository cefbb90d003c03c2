"""Storage commitment, the request: N-ACTION goes into the journal, and a status goes back.

Success says that the question was understood and will be answered, and nothing of
the instances: the answer is an N-EVENT-REPORT (`reporter`).
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.dimse_primitives import N_ACTION
from pynetdicom.events import Event as Message

from deid_node.dicom.commitment import (
    ALL_CONFIRMED,
    PUSH_MODEL_INSTANCE,
    REQUEST_ACTION,
    SOME_FAILED,
    is_uid,
    parsed_reference,
    reference_item,
)
from deid_node.errors import CustodyError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.receive.dimse.acceptor import Acceptor, acceptor_of
from deid_node.spool.sender_commitments import CommitmentRequest, Commitments
from deid_node.values.commitment import Commitment, Verdict

# The last instances may still be on their way to the disk on another association.
GRACE_SECONDS: Final = 1.0
_MOST_REFERENCES: Final = 100_000


class ActionStatus(IntEnum):
    """Statuses of N-ACTION-RSP that this node gives. Source: PS3.7 section 10.1.4.1.10."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_OBJECT_INSTANCE = 0x0112
    INVALID_ARGUMENT_VALUE = 0x0115
    NO_SUCH_ACTION_TYPE = 0x0123
    RESOURCE_LIMITATION = 0x0213


class CommitmentHandler:
    """Answers N-ACTION-RQ; `kept` tells the reporter of a new request."""

    def __init__(
        self, commitments: Commitments, kept: Callable[[], object], *, log: EventLog
    ) -> None:
        self._commitments = commitments
        self._kept = kept
        self._log = log

    def __call__(self, message: Message) -> tuple[int, None]:
        """Return the status: Success only with the request in the journal."""
        association = acceptor_of(message)
        try:
            status, count = self._entered(message, association)
        except CustodyError as error:
            self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
            status, count = ActionStatus.RESOURCE_LIMITATION, None
        # The boundary to the wire: the text of a foreign error may quote values.
        except Exception:  # noqa: BLE001
            status, count = ActionStatus.PROCESSING_FAILURE, None
        if status is ActionStatus.SUCCESS:
            self._kept()
        tell = self._log.info if status is ActionStatus.SUCCESS else self._log.warning
        tell(
            Event.COMMITMENT_REQUESTED,
            association=association.label,
            peer=association.peer,
            count=count,
            status=status,
        )
        return status, None

    def _entered(self, message: Message, association: Acceptor) -> tuple[ActionStatus, int | None]:
        request = message.request
        if not isinstance(request, N_ACTION):
            raise TypeError("an event of another message")
        if request.RequestedSOPInstanceUID != PUSH_MODEL_INSTANCE:
            return ActionStatus.NO_SUCH_OBJECT_INSTANCE, None
        if message.action_type != REQUEST_ACTION:
            return ActionStatus.NO_SUCH_ACTION_TYPE, None
        asked = message.action_information
        transaction = str(asked.get("TransactionUID") or "")
        items = asked.get("ReferencedSOPSequence") or ()
        if len(items) > _MOST_REFERENCES:
            return ActionStatus.RESOURCE_LIMITATION, len(items)
        references = tuple(parsed_reference(item) for item in items)
        if not (references and is_uid(transaction) and association.peer and all(references)):
            return ActionStatus.INVALID_ARGUMENT_VALUE, len(items)
        self._commitments.enter(
            CommitmentRequest(
                transaction_uid=transaction,
                peer=association.peer,
                calling_ae=str(association.requestor.ae_title).strip(),
                association=association.label,
                references=tuple(one for one in references if one is not None),
            ),
            delay_seconds=GRACE_SECONDS,
        )
        return ActionStatus.SUCCESS, len(references)


def answer(commitment: Commitment, verdict: Verdict) -> tuple[int, Dataset]:
    """Return type and content of the N-EVENT-REPORT. Source: PS3.4 Table J.3-2."""
    content = Dataset()
    content.TransactionUID = UID(commitment.transaction_uid)
    if verdict.confirmed:
        content.ReferencedSOPSequence = [reference_item(one) for one in verdict.confirmed]
    if not verdict.failed:
        return ALL_CONFIRMED, content
    content.FailedSOPSequence = []
    for reference, reason in verdict.failed:
        item = reference_item(reference)
        item.FailureReason = int(reason)
        content.FailedSOPSequence.append(item)
    return SOME_FAILED, content
