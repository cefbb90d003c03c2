"""An audit message as a value, before anybody writes it as XML or JSON.

Its parts are those of PS3.15 A.5.1. What may stand in it is decided where it is
made (`occasions`); nothing is looked up or left out later.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from deid_node.audit.codes import Code


class Action(StrEnum):
    """Event Action Code."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


class Result(StrEnum):
    """Event Outcome Indicator."""

    SUCCESS = "0"
    MINOR_FAILURE = "4"
    SERIOUS_FAILURE = "8"


class AccessPoint(StrEnum):
    """Network Access Point Type Code."""

    MACHINE_NAME = "1"
    IP_ADDRESS = "2"


class ObjectType(StrEnum):
    """Participant Object Type Code."""

    PERSON = "1"
    SYSTEM = "2"


class ObjectRole(StrEnum):
    """Participant Object Type Code Role."""

    PATIENT = "1"
    REPORT = "3"
    SECURITY_RESOURCE = "13"


@dataclass(frozen=True, slots=True)
class Participant:
    """A process, a node or a person that took part.

    `ae_title` becomes the Alternative User ID (A.5.2.2); `media` is the kind of
    medium where the participant is one.
    """

    user_id: str
    role: Code | None = None
    is_requestor: bool = False
    ae_title: str | None = None
    access_point: str | None = None
    access_point_type: AccessPoint | None = None
    media: Code | None = None


@dataclass(frozen=True, slots=True)
class SopClassCount:
    """How many instances of a SOP class a study was given by this event."""

    sop_class_uid: str
    instances: int


@dataclass(frozen=True, slots=True)
class Object:
    """What the event was about.

    `details` are pairs of a type and a value. `anonymized` is None where nothing is
    said of it.
    """

    id: str = field(repr=False)
    id_type: Code
    type: ObjectType
    role: ObjectRole
    name: str
    details: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    sop_classes: tuple[SopClassCount, ...] = ()
    anonymized: bool | None = None


@dataclass(frozen=True, slots=True)
class AuditMessage:
    """One event, with everybody and everything that had a part in it; `at` is in UTC."""

    event: Code
    action: Action
    at: datetime
    participants: tuple[Participant, ...]
    result: Result = Result.SUCCESS
    types: tuple[Code, ...] = ()
    description: str | None = None
    objects: tuple[Object, ...] = ()

    def __post_init__(self) -> None:
        if not self.participants:
            raise ValueError("an audit message without a participant")
        if self.at.tzinfo is None:
            raise ValueError("an audit message without a time zone")


@dataclass(frozen=True, slots=True)
class Source:
    """Who reports: Audit Source ID, and the site's name where it has one."""

    id: str
    site: str | None = None
