"""A sender's question whether its instances are safe, and the answer."""

from dataclasses import dataclass, field
from enum import IntEnum


class FailureReason(IntEnum):
    """Why an instance is not confirmed. Source: PS3.3 C.14.1.1."""

    PROCESSING_FAILURE = 0x0110
    NO_SUCH_OBJECT_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119


@dataclass(frozen=True, slots=True)
class Reference:
    """One instance that a commitment is asked for, by the UIDs under which it was sent."""

    sop_class_uid: str = field(repr=False)
    sop_instance_uid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Commitment:
    """A request that is in the journal and has not been answered yet.

    `attempts` counts the failures to answer it; `association` is our id of the
    association on which it came.
    """

    id: int
    transaction_uid: str = field(repr=False)
    peer: str
    calling_ae: str = field(repr=False)
    association: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is confirmed, and what is not and why."""

    confirmed: tuple[Reference, ...] = field(repr=False)
    failed: tuple[tuple[Reference, FailureReason], ...] = field(repr=False)
