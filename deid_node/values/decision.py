"""What a rule says of an instance: a closed sum of three."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Forward:
    """Clean it by `treatment` and deliver it to every one of `destinations`."""

    rule: str
    treatment: str
    destinations: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.destinations:
            raise ValueError("a forward decision names no destination")


@dataclass(frozen=True, slots=True)
class Withhold:
    """Keep it whole for a person; `rule` is None where no rule matched."""

    rule: str | None


@dataclass(frozen=True, slots=True)
class Discard:
    """Drop it, because a rule (or the site's policy for what none matches) says so."""

    rule: str | None


Decision: TypeAlias = Forward | Withhold | Discard
