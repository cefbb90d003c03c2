"""What is put on record, and in whose name: one function for each kind of event.

Messages name the configured peer, never the AE title or the user name that a
stranger has shown. Studies go by their new Study Instance UID; the patient stands
in a message only where `Study.patient_id` was filled, because the site asked for it.

Source: PS3.15 A.5.3.1 (Application Activity), A.5.3.3 (Begin Transferring),
A.5.3.4 (Export), A.5.3.6 (Instances Accessed), A.5.3.7 (Instances Transferred),
A.5.3.11 (Security Alert).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from deid_node.audit import codes
from deid_node.audit.codes import Code
from deid_node.audit.message import (
    AccessPoint,
    Action,
    AuditMessage,
    Object,
    ObjectRole,
    ObjectType,
    Participant,
    Result,
    SopClassCount,
)
from deid_node.values.instance import CleanInstance


@dataclass(frozen=True, slots=True)
class Study:
    """A study as messages name it.

    `uid` is the new Study Instance UID, or the original one beside `new_uid` where
    originals are asked for. `patient_id` is then the original, too.
    """

    uid: str = field(repr=False)
    patient_id: str | None = field(default=None, repr=False)
    new_uid: str | None = None


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """The node: its AE title and the name of its machine."""

    ae_title: str
    host: str


@dataclass(frozen=True, slots=True)
class Sender:
    """A peer that sent: its configured name and its address."""

    name: str
    address: str


def node_started(node: NodeIdentity, *, user: str) -> AuditMessage:
    """Return that the node takes instances now; `user` is the system user it runs as."""
    return _activity(node, codes.APPLICATION_START, user)


def node_stopped(node: NodeIdentity, *, user: str) -> AuditMessage:
    """Return that the node takes none any more."""
    return _activity(node, codes.APPLICATION_STOP, user)


def caller_refused(
    node: NodeIdentity, *, address: str, peer: str | None, reason: str
) -> AuditMessage:
    """Return that a caller was turned away because it is not who it must be.

    `peer` is its configured name where it has one; `reason` is text of our own.
    """
    return AuditMessage(
        event=codes.SECURITY_ALERT,
        types=(codes.NODE_AUTHENTICATION,),
        action=Action.EXECUTE,
        # Minor: what was to be prevented was prevented.
        result=Result.MINOR_FAILURE,
        at=_now(),
        description=reason,
        participants=(
            _itself(node, is_requestor=False),
            Participant(
                peer or "unknown",
                access_point=address,
                access_point_type=AccessPoint.IP_ADDRESS,
            ),
        ),
        objects=(
            Object(
                id=address,
                id_type=codes.NODE_ID,
                type=ObjectType.SYSTEM,
                role=ObjectRole.SECURITY_RESOURCE,
                name=peer or "unknown",
                details=(("Alert Description", reason),),
            ),
        ),
    )


def instances_received(
    node: NodeIdentity,
    sender: Sender,
    study: Study,
    sop_classes: Mapping[str, int],
    *,
    association: str,
    repeated: bool,
) -> AuditMessage:
    """Return what an association has brought of one study.

    `sop_classes` counts instances by SOP Class UID; `repeated` says that they were in
    custody before.
    """
    return AuditMessage(
        event=codes.INSTANCES_TRANSFERRED,
        action=Action.READ if repeated else Action.CREATE,
        at=_now(),
        participants=(
            Participant(
                sender.name,
                codes.SOURCE_ROLE,
                is_requestor=True,
                access_point=sender.address,
                access_point_type=AccessPoint.IP_ADDRESS,
            ),
            _itself(node, codes.DESTINATION_ROLE),
        ),
        objects=_study(study, sop_classes, details=(("Association", association),)),
    )


def transfer_began(
    node: NodeIdentity, destination: str, instances: Iterable[CleanInstance]
) -> tuple[AuditMessage, ...]:
    """Return, for each study of `instances`, that it is about to be sent."""
    return tuple(
        AuditMessage(
            event=codes.BEGIN_TRANSFERRING,
            action=Action.EXECUTE,
            at=_now(),
            participants=_way_out(node, destination),
            objects=_study(study, counts, anonymized=True),
        )
        for study, counts in _studies(instances)
    )


def transfer_ended(
    node: NodeIdentity, destination: str, instances: Iterable[CleanInstance], *, refused: bool
) -> tuple[AuditMessage, ...]:
    """Return, for each study of `instances`, that the destination has it or `refused` it."""
    return tuple(
        AuditMessage(
            event=codes.INSTANCES_TRANSFERRED,
            action=Action.READ,
            result=Result.SERIOUS_FAILURE if refused else Result.SUCCESS,
            at=_now(),
            participants=_way_out(node, destination),
            objects=_study(study, counts, anonymized=True),
        )
        for study, counts in _studies(instances)
    )


def exported(
    node: NodeIdentity, destination: str, instances: Iterable[CleanInstance], *, refused: bool
) -> tuple[AuditMessage, ...]:
    """Return, for each study of `instances`, that it was written to a folder, or could not be."""
    return tuple(
        AuditMessage(
            event=codes.EXPORT,
            action=Action.READ,
            result=Result.SERIOUS_FAILURE if refused else Result.SUCCESS,
            at=_now(),
            participants=(
                _itself(node, codes.SOURCE_ROLE, is_requestor=True),
                Participant(destination, codes.DESTINATION_MEDIA, media=codes.MEDIA_URI),
            ),
            objects=_study(study, counts, anonymized=True),
        )
        for study, counts in _studies(instances)
    )


VERBS: Final = MappingProxyType(
    {
        "release": codes.RELEASED,
        "discard": codes.DISCARDED,
        "redeliver": codes.REDELIVERED,
        "reprocess": codes.REPROCESSED,
        "export": codes.EXPORTED,
        "release_series": codes.SERIES_RELEASED,
        "expect_instances": codes.INSTANCES_EXPECTED,
        "fill": codes.MARKED,
        "no_text": codes.NO_TEXT,
        "hold": codes.HELD,
        "show_values": codes.VALUES_SHOWN,
        "object": codes.OBJECTED,
        "nothing_missed": codes.NOTHING_MISSED,
        "missed": codes.MISSED,
        "propose_regions": codes.REGIONS_PROPOSED,
        "accept_regions": codes.REGIONS_ACCEPTED,
        "refuse_regions": codes.REGIONS_REFUSED,
    }
)
"""What a person can decide, as it is told to the repository."""


_OF_THE_CLEANED: Final = frozenset(
    {
        *("redeliver", "reprocess", "nothing_missed", "missed"),
        *("propose_regions", "accept_regions", "refuse_regions"),
        *("release_series", "expect_instances"),
    }
)
_ACTIONS: Final = MappingProxyType(
    {"discard": Action.DELETE, "show_values": Action.READ, "export": Action.READ}
)


def person_decided(
    node: NodeIdentity,
    *,
    person: str,
    instance: str,
    at: datetime,
    code: str,
    verb: str,
    detail: str | None = None,
) -> AuditMessage:
    """Return that `person` gave `instance` back to the node, or discarded it, or looked at it.

    `verb` is one of `VERBS`; `code` is why it was withheld, or the state it was in; `at` is
    when the person decided; `detail` is what was decided, before and after, in numbers and codes.
    """
    return AuditMessage(
        event=codes.INSTANCES_ACCESSED,
        types=(VERBS[verb],),
        action=_ACTIONS.get(verb, Action.UPDATE),
        at=at,
        participants=(Participant(person, is_requestor=True), _itself(node)),
        objects=(
            Object(
                id=instance,
                id_type=codes.INSTANCE_OF_NODE,
                type=ObjectType.SYSTEM,
                role=ObjectRole.REPORT,
                name="instance" if verb in _OF_THE_CLEANED else "withheld instance",
                details=(("Withheld", code), *([("Decision", detail)] if detail else [])),
            ),
        ),
    )


def _activity(node: NodeIdentity, kind: Code, user: str) -> AuditMessage:
    return AuditMessage(
        event=codes.APPLICATION_ACTIVITY,
        types=(kind,),
        action=Action.EXECUTE,
        at=_now(),
        participants=(
            _itself(node, codes.APPLICATION),
            Participant(user, codes.APPLICATION_LAUNCHER, is_requestor=True),
        ),
    )


def _itself(
    node: NodeIdentity, role: Code | None = None, *, is_requestor: bool = False
) -> Participant:
    return Participant(
        node.ae_title,
        role,
        is_requestor,
        ae_title=node.ae_title,
        access_point=node.host,
        access_point_type=AccessPoint.MACHINE_NAME,
    )


def _way_out(node: NodeIdentity, destination: str) -> tuple[Participant, Participant]:
    return (
        _itself(node, codes.SOURCE_ROLE, is_requestor=True),
        Participant(destination, codes.DESTINATION_ROLE),
    )


def _studies(instances: Iterable[CleanInstance]) -> Iterable[tuple[Study, Mapping[str, int]]]:
    studies: dict[str, Counter[str]] = {}
    for one in instances:
        counts = studies.setdefault(one.study_instance_uid, Counter())
        counts.update(content.sop_class_uid for content in one.contents)
    return [(Study(uid), counts) for uid, counts in studies.items()]


def _study(
    study: Study,
    sop_classes: Mapping[str, int],
    *,
    details: tuple[tuple[str, str], ...] = (),
    anonymized: bool = False,
) -> tuple[Object, ...]:
    if study.new_uid is not None:
        details = (*details, ("New Study Instance UID", study.new_uid))
    named = Object(
        id=study.uid,
        id_type=codes.STUDY_INSTANCE_UID,
        type=ObjectType.SYSTEM,
        role=ObjectRole.REPORT,
        name="study",
        details=details,
        sop_classes=tuple(SopClassCount(uid, count) for uid, count in sorted(sop_classes.items())),
        anonymized=anonymized,
    )
    if study.patient_id is None:
        return (named,)
    return named, Object(
        id=study.patient_id,
        id_type=codes.PATIENT_NUMBER,
        type=ObjectType.PERSON,
        role=ObjectRole.PATIENT,
        name="patient",
    )


def _now() -> datetime:
    return datetime.now(UTC)
