"""One thing that a person should know, in words and in fields."""

from dataclasses import dataclass
from enum import StrEnum


class NoticeKind(StrEnum):
    """What happened."""

    TROUBLE_BEGAN = "trouble_began"
    TROUBLE_ENDED = "trouble_ended"
    INSTANCES_WITHHELD = "instances_withheld"


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent; names, codes and counts, and never a value of a header.

    `part` is the part of the node and `code` its trouble, or the code that it had; `count`
    says how many instances wait for a person.
    """

    kind: NoticeKind
    node: str
    part: str | None = None
    code: str | None = None
    count: int | None = None

    @property
    def subject(self) -> str:
        """One line of ASCII."""
        match self.kind:
            case NoticeKind.TROUBLE_BEGAN:
                return f"{self.node}: {self.part} is in trouble ({self.code})"
            case NoticeKind.TROUBLE_ENDED:
                return f"{self.node}: {self.part} is well again ({self.code} is over)"
            case NoticeKind.INSTANCES_WITHHELD:
                return f"{self.node}: {self.count} withheld instances wait for a person"

    @property
    def advice(self) -> str:
        """What to do about it."""
        match self.kind:
            case NoticeKind.TROUBLE_BEGAN:
                return (
                    "Nothing that was acknowledged is lost. /health/ready tells of every part, the"
                    " log says since when; the operator's handbook says what to do."
                )
            case NoticeKind.TROUBLE_ENDED:
                return "Nothing is left to do."
            case NoticeKind.INSTANCES_WITHHELD:
                return "deid-node withheld list says which, and why."
