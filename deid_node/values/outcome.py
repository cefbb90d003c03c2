"""How the corridor ends for one instance: sealed, withheld, discarded or known already."""

from dataclasses import dataclass
from typing import TypeAlias

from deid_node.values.geometry import DoubtedRegion
from deid_node.values.instance import CleanInstance


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Sealed; the clean bytes lie where the work order said.

    `content_sha256` is the checksum of what was received, decoded: it tells a repeat in
    another transfer syntax from a conflict. None where it cannot be made.
    """

    instance: CleanInstance
    content_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Kept whole for a person; `code` is the error's, `reason` its text (no values).

    `passes` says that time may heal it and another start is worth while. `regions` are
    the boxes that it is withheld for, where it is for boxes.
    """

    code: str
    reason: str
    rule: str | None = None
    passes: bool = False
    regions: tuple[DoubtedRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class Discarded:
    """Dropped by a rule."""

    rule: str | None


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same content as one that is in custody, in another transfer syntax: not kept twice."""


Outcome: TypeAlias = Cleaned | Withheld | Discarded | Repeated
