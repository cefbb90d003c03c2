"""What an archive says of its commitment, whichever way it says it.

A report comes on the association on which we asked, or days later on one of the
archive's own at the door. Either way it ends here, once for each transaction.
"""

from collections.abc import Mapping

from deid_node.errors import CommitmentFailed
from deid_node.observe.events import Event
from deid_node.observe.labels import InquiryResult
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.archive_commitments import Confirmations
from deid_node.values.confirmation import ConfirmationReport, Inquiry, Settlement
from deid_node.values.delivery import DeliveryResult


class Hearing:
    """Records reports, and tells of them once they are on disk; any thread may call.

    `demanded` says of each destination whether its commitment is required: one that
    only wants it takes silence for consent.
    """

    def __init__(
        self,
        confirmations: Confirmations,
        demanded: Mapping[str, bool],
        *,
        metrics: Metrics,
        log: EventLog,
    ) -> None:
        self._confirmations = confirmations
        self._demanded = demanded
        self._metrics = metrics
        self._log = log

    def hear(self, report: ConfirmationReport) -> bool:
        """Take a report; False where the transaction is not ours. Raises `CustodyError`."""
        settlement = self._confirmations.hear(report)
        if settlement is None:
            return False
        tell = self._log.warning if settlement.failed else self._log.info
        tell(
            Event.INQUIRY_ANSWERED,
            destination=settlement.destination,
            count=len(settlement.confirmed),
            failed=settlement.failed,
        )
        self._count(settlement, failed_as=InquiryResult.FAILED)
        self._tell_ended(settlement)
        return True

    def unanswered(self, inquiry: Inquiry) -> None:
        """Take note that no report came in time. Raises `CustodyError`."""
        name = inquiry.destination
        if self._demanded[name]:
            settlement = self._confirmations.give_up(inquiry)
            self._count(settlement, failed_as=InquiryResult.UNANSWERED)
        else:
            settlement = self._confirmations.waive(name, inquiry)
            self._metrics.inquired(name, InquiryResult.UNANSWERED, len(settlement.confirmed))
        self._log.warning(
            Event.INQUIRY_EXPIRED,
            destination=name,
            count=len(settlement.confirmed),
            failed=settlement.failed,
        )
        self._tell_ended(settlement)

    def not_offered(self, destination: str) -> None:
        """Take note that an archive whose commitment is only wanted offers none."""
        self._tell_ended(self._confirmations.waive(destination))

    def _count(self, settlement: Settlement, *, failed_as: InquiryResult) -> None:
        name = settlement.destination
        self._metrics.inquired(name, InquiryResult.CONFIRMED, len(settlement.confirmed))
        self._metrics.inquired(name, failed_as, settlement.failed)

    def _tell_ended(self, settlement: Settlement) -> None:
        for instance in settlement.confirmed:
            self._log.info(
                Event.INSTANCE_DELIVERED,
                instance=instance,
                destination=settlement.destination,
                result=DeliveryResult.DELIVERED.value,
            )
        for instance in settlement.withheld:
            self._metrics.instance_withheld(CommitmentFailed.code)
            self._log.warning(
                Event.DELIVERY_REFUSED,
                instance=instance,
                destination=settlement.destination,
                code=CommitmentFailed.code,
            )
