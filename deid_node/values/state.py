"""The states of an instance and of its deliveries.

Being worked on is no state: a claim lives in memory and dies with the process.
"""

from enum import StrEnum


class InstanceState(StrEnum):
    """``RECEIVED -> CLEAN -> DELIVERED``, or ``WITHHELD``, or ``DISCARDED``."""

    RECEIVED = "received"
    CLEAN = "clean"
    DELIVERED = "delivered"
    WITHHELD = "withheld"
    DISCARDED = "discarded"


class DeliveryState(StrEnum):
    """State of one (instance, destination).

    SENT: the archive has taken it, and is asked to commit to it.
    """

    DUE = "due"
    SENT = "sent"
    DELIVERED = "delivered"
    REFUSED = "refused"
