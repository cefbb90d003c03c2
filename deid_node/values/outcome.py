"""How the corridor ends for one instance: sealed, withheld or discarded."""

from dataclasses import dataclass
from typing import TypeAlias

from deid_node.values.instance import CleanInstance


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Sealed; the clean bytes lie where the work order said."""

    instance: CleanInstance


@dataclass(frozen=True, slots=True)
class Withheld:
    """Kept whole for a person; `code` is the error's, `reason` its text (no values).

    `passes` says that time may heal it and another start is worth while.
    """

    code: str
    reason: str
    rule: str | None = None
    passes: bool = False


@dataclass(frozen=True, slots=True)
class Discarded:
    """Dropped by a rule."""

    rule: str | None


Outcome: TypeAlias = Cleaned | Withheld | Discarded
