"""Series whose instances wait for each other, and what one of them is told of the others.

A series is one by its UIDs as sent and by the treatment: two projects never share one. This
is also what a step over whole series (the removal of faces, say) would be handed: a treatment
that waits, and in each order the instances beside, with their bytes in custody.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

REACH_INSTANCES: Final = 3
"""How many instances before one, and after it, its order names."""


class ClosedBy(StrEnum):
    """Why a series is not waited for any more."""

    QUIET = "quiet"
    COUNT = "count"
    TIME = "time"
    INSTANCES = "instances"
    BYTES = "bytes"
    DISK = "disk"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class WaitLimits:
    """How long a series is waited for, whichever comes first.

    `quiet_seconds` without another instance; in all `most_seconds`, `most_instances` or
    `most_bytes` of them.
    """

    quiet_seconds: float
    most_seconds: float
    most_instances: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance lies in its series.

    `stack` is the same for those that can be beside each other, a checksum of what they must
    share; `along` is the position along the normal of their planes, in millimetres.
    """

    stack: str
    along: float


@dataclass(frozen=True, slots=True)
class BlobBeside:
    """The bytes of an instance beside another, in custody as sent."""

    blob: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class InSeries:
    """What an instance that has waited is told of its series.

    `number` counts the slices of its stack. `before` and `after` are the instances beside it,
    the nearest first; they are the same at every start of it.
    """

    treatment: str
    number: int
    before: tuple[BlobBeside, ...] = ()
    after: tuple[BlobBeside, ...] = ()
