"""C-STORE: the dataset of a request goes through the intake, and a status goes back."""

from datetime import UTC, datetime

from deid_node.errors import PeerNotAuthorised
from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.intake import Announced, Intake, Refused
from deid_node.receive.status import StoreStatus
from deid_node.spool.arrivals import Incoming
from deid_node.values.origin import Dimse, Origin


class StoreHandler:
    """Answers C-STORE-RQ; a `Store`. `listener` is the name of its port, where it has one."""

    def __init__(self, intake: Intake, listener: str = "") -> None:
        self._intake = intake
        self._listener = listener

    def begin(self, announced: Announced) -> Incoming:
        """Return where the dataset of such an instance is written while it comes."""
        return self._intake.begin(announced)

    def take(self, announced: Announced, incoming: Incoming, association: Acceptor) -> int:
        """Return the status of C-STORE-RSP: Success only with the instance in custody.

        `incoming` holds the dataset that has come; afterwards nothing of it is left there.
        """
        if association.peer is None:
            stranger = PeerNotAuthorised("the association was not admitted")
            return self._intake.refuse(
                incoming, stranger, association=association.label, peer=None
            ).status
        origin = Origin(
            peer=association.peer,
            via=Dimse(
                calling_ae=str(association.requestor.ae_title).strip(),
                called_ae=str(association.acceptor.ae_title).strip(),
                address=str(association.requestor.address),
            ),
            association=association.label,
            received_at=datetime.now(UTC),
            transfer_syntax=announced.transfer_syntax,
            listener=self._listener,
        )
        result = self._intake.take(incoming, announced, origin)
        return result.status if isinstance(result, Refused) else StoreStatus.SUCCESS
