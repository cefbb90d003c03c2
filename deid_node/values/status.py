"""How a node is, in numbers and names that a configuration gave: nothing of any patient."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PortStatus:
    """A port of the configuration; `what` is spoken there, `tls` whether in TLS."""

    name: str
    what: Literal["dicom", "stow", "metrics", "desk"]
    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class WaitingStatus:
    """How many instances wait in a state, and how many seconds the oldest of them has."""

    state: str
    instances: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class SeriesStatus:
    """A series that is waited for, by its number in the journal; times are Unix times.

    `expected` is how many instances it has, where that is known; it is closed at `closes_at`
    where no other comes.
    """

    number: int
    treatment: str
    instances: int
    expected: int | None
    opened_at: float
    closes_at: float


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A sender that was seen; `last_at` is a Unix time."""

    name: str
    listener: str
    instances: int
    last_at: float


@dataclass(frozen=True, slots=True)
class DestinationStatus:
    """A destination of the configuration, or one that something is still due at.

    `due` waits to be sent, `unconfirmed` for the archive's commitment, `refused` was refused
    for good; `last_at` is the Unix time of the last delivery, None where none is known.
    """

    name: str
    is_configured: bool
    due: int
    unconfirmed: int
    refused: int
    delivered_last_hour: int
    delivered_last_day: int
    last_at: float | None


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """A file of certificates; `days_left` until the first in it expires, below 0 after."""

    part: str
    setting: str
    days_left: int


@dataclass(frozen=True, slots=True)
class ConfigurationStatus:
    """What the node said last of its configuration; times are Unix times.

    `is_asked_with`: it is the very one that was asked with. Where it is not, ports and
    destinations are told as they would be after a reload or a restart.
    """

    configuration: str
    is_asked_with: bool
    since: float
    result: str
    at: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The whole of it.

    `process` is that of the node that runs, None where none does. Peers and rates are those
    of the instances that came last, `counted` of them. Of `series` no more than the oldest are
    told that are waited for.
    """

    version: str
    process: int | None
    configuration: ConfigurationStatus | None
    ports: tuple[PortStatus, ...]
    waiting: tuple[WaitingStatus, ...]
    series: tuple[SeriesStatus, ...]
    received_last_hour: int
    received_last_day: int
    counted: int
    peers: tuple[PeerStatus, ...]
    destinations: tuple[DestinationStatus, ...]
    certificates: tuple[CertificateStatus, ...]
    free_bytes: int
    reserve_bytes: int
