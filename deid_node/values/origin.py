"""Where an instance came from, as the door saw it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, assert_never


@dataclass(frozen=True, slots=True)
class Dimse:
    """A DICOM association: AE titles and address as sent; empty where a file is read."""

    calling_ae: str = field(repr=False)
    called_ae: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Http:
    """A request by HTTP: the user that was known by it, and the address."""

    user: str = field(repr=False)
    address: str = field(repr=False)


Via: TypeAlias = Dimse | Http
"""The ways into the node."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent an instance, on which way, when and in which encoding.

    `peer` is the configured name of the sender (``any`` where peers are not
    listed) and safe to log. `association` names what the instance came with, an
    association or a request, in the log. `received_at` is in UTC. `listener` is the configured
    name of the port where it came; empty where there is but one.
    """

    peer: str
    via: Via
    association: str
    received_at: datetime
    transfer_syntax: str
    listener: str = ""

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError("received_at carries no time zone")

    @property
    def sender(self) -> str:
        """Whose turn it takes: instances of different senders are served in turns."""
        match self.via:
            case Dimse():
                return self.via.calling_ae
            case Http():
                return self.via.user
            case _:
                assert_never(self.via)

    @property
    def address(self) -> str:
        """The address of the sender, as it was seen."""
        return self.via.address
