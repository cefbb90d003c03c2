"""Where an instance came from, as the door saw it."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent an instance, when and in which encoding.

    `peer` is the configured name of the sender (``any`` where peers are not
    listed) and safe to log; the AE titles and the address are as sent.
    `received_at` is in UTC.
    """

    peer: str
    calling_ae: str = field(repr=False)
    called_ae: str = field(repr=False)
    address: str = field(repr=False)
    association: str
    received_at: datetime
    transfer_syntax: str

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError("received_at carries no time zone")
