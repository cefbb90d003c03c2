"""How one start of an instance ends: sealed, withheld, discarded, a repeat, or not at all yet.

Not at all yet: postponed, or it waits for its series.
"""

from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from deid_node.errors import CleaningError, CustodyError, DeidNodeError
from deid_node.values.geometry import DoubtedRegion
from deid_node.values.instance import CleanInstance
from deid_node.values.series import Place, WaitLimits


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

    Made by `because`. `seen` are the boxes, each with its frame, that a person should look
    at, where it is withheld for boxes.
    """

    code: str
    reason: str
    rule: str | None = None
    seen: tuple[DoubtedRegion, ...] = ()

    @classmethod
    def because(
        cls,
        error: DeidNodeError,
        rule: str | None = None,
        seen: tuple[DoubtedRegion, ...] | None = None,
    ) -> Self:
        """Return what `error` makes of an instance that `rule` led there.

        The boxes are those of the error where `seen` does not say others.
        """
        if seen is None:
            seen = error.regions if isinstance(error, CleaningError) else ()
        return cls(error.code, str(error), rule, seen)


@dataclass(frozen=True, slots=True)
class Postponed:
    """Neither cleaned nor withheld: what stood in its way passes, and it is started again.

    `costs_a_start` says that the instance itself may be what went wrong, so that the start
    counts; a disk that is full, or a node that ends, counts for nothing.
    """

    code: str
    reason: str
    costs_a_start: bool
    rule: str | None = None

    @classmethod
    def because(cls, error: DeidNodeError, rule: str | None = None) -> Self:
        """Return what `error` makes of a start, where another may go better."""
        return cls(error.code, str(error), not isinstance(error, CustodyError), rule)

    def given_up(self) -> Withheld:
        """Return what it becomes when no start is left."""
        return Withheld(self.code, self.reason, self.rule)


CUT_SHORT: Final = Postponed("cut_short", "the node ended while it was cleaned", False)
"""The journal gives such a start back when the node comes back."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """Dropped by a rule."""

    rule: str | None


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same content as one that is in custody, in another transfer syntax: not kept twice."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not cleaned yet: its treatment waits for the rest of its series.

    `expected` is how many instances the series has, where the instance itself says so.
    """

    treatment: str
    limits: WaitLimits
    place: Place
    expected: int | None = None


Ending: TypeAlias = Cleaned | Withheld | Discarded | Repeated
"""What the journal holds."""

Outcome: TypeAlias = Ending | Postponed | Waiting
"""What a worker answers."""


def stopped_by(error: DeidNodeError, rule: str | None = None) -> Withheld | Postponed:
    """Return what `error` makes of a start: withheld, or postponed where time may heal it."""
    return Postponed.because(error, rule) if error.passes else Withheld.because(error, rule)
