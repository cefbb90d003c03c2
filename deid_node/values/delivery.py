"""One attempt to hand a clean instance to one destination, and its receipt."""

from dataclasses import dataclass
from enum import StrEnum

from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance


@dataclass(frozen=True, slots=True)
class Delivery:
    """A clean instance that is due at `destination`; `attempts` counts failures so far."""

    instance: CleanInstance
    destination: str
    attempts: int


class DeliveryResult(StrEnum):
    """What came of an attempt; labels of ``deid_node_deliveries_total``."""

    DELIVERED = "delivered"
    WARNING = "warning"
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a destination answered for one instance.

    `status` is the DIMSE status of C-STORE-RSP, of STOW-RS the Warning or Failure Reason
    or else the status of HTTP, or None where none came back (then the outcome is unknown
    and the same bytes are sent again). `code` is that of our own error where an instance is
    refused because of us, before the destination had it. `pause_seconds` is how long the
    destination asks us to wait with everything. `more_follow`: the receipts behind it came
    with the same answer.
    """

    id: InstanceId
    destination: str
    result: DeliveryResult
    status: int | None
    code: str | None = None
    pause_seconds: float | None = None
    more_follow: bool = False
