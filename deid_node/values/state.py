"""The states of an instance and of its deliveries.

Being worked on is no state: a claim lives in memory and dies with the process.
"""

from enum import StrEnum
from typing import Final


class InstanceState(StrEnum):
    """``RECEIVED -> CLEAN -> DELIVERED``, or ``WITHHELD``, or ``DISCARDED``.

    HELD: it waits for the rest of its series, and is RECEIVED again afterwards.
    """

    RECEIVED = "received"
    HELD = "held"
    CLEAN = "clean"
    DELIVERED = "delivered"
    WITHHELD = "withheld"
    DISCARDED = "discarded"


WAITING_STATES: Final = (
    InstanceState.RECEIVED,
    InstanceState.HELD,
    InstanceState.CLEAN,
    InstanceState.WITHHELD,
)
"""Where an instance waits: for a worker, the rest of its series, a destination, a person."""


class DeliveryState(StrEnum):
    """State of one (instance, destination).

    SENT: the archive has taken it, and is asked to commit to it.
    """

    DUE = "due"
    SENT = "sent"
    DELIVERED = "delivered"
    REFUSED = "refused"
