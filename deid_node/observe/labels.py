"""The closed sets from which the labels of the metrics are taken.

A label with free values makes a new time series for each of them, and carries
whatever a sender wrote to everyone who may read the metrics. Hence a value that
is in no set here becomes `OTHER`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

OTHER: Final = "other"


class AssociationResult(StrEnum):
    """What became of an association, or a request of HTTP, that a peer asked for."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ABORTED = "aborted"


class DoorKind(StrEnum):
    """What is spoken at a door: by associations, or by requests of HTTP."""

    DIMSE = "dimse"
    STOW = "stow"


class DestinationAssociations(StrEnum):
    """Associations with a destination: carrying, kept open, and served at once at most."""

    IN_USE = "in_use"
    IDLE = "idle"
    ALLOWED = "allowed"


class CommitmentResult(StrEnum):
    """What a sender was told of an instance that it asked a storage commitment for."""

    CONFIRMED = "confirmed"
    FAILED = "failed"


class InquiryResult(StrEnum):
    """What an archive said of an instance that we asked it to commit to."""

    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNANSWERED = "unanswered"


class AuditResult(StrEnum):
    """What became of an audit message."""

    DELIVERED = "delivered"
    DROPPED = "dropped"


class ReviewDecision(StrEnum):
    """What people decide at the review desk."""

    FILL = "fill"
    NO_TEXT = "no_text"
    RELEASE = "release"
    DISCARD = "discard"
    HOLD = "hold"


class ReloadResult(StrEnum):
    """What became of a configuration that was to take over."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class WorkerEnd(StrEnum):
    """Why a worker process had to be replaced."""

    DIED = "died"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    GROWN = "grown"
    STRANDED = "stranded"


@dataclass(frozen=True, slots=True)
class ConfiguredNames:
    """The names that the configuration gives to peers, rules, destinations and listeners."""

    peers: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()


class ClosedSet:
    """The values that a label may take; anything else is `OTHER`."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values: tuple[str, ...] = ()
        self.learn(values)

    def learn(self, values: Iterable[str]) -> None:
        """Add `values`; what is in it stays, for a series that was begun goes on."""
        self.values = tuple(dict.fromkeys((*self.values, *map(str, values))))

    def value(self, wanted: str) -> str:
        """Return `wanted` where it is in the set, `OTHER` where it is not."""
        return str(wanted) if wanted in self.values else OTHER
