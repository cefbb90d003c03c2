"""From options to an audit trail and what the rooms write into it with; opens nothing yet."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, assert_never

from deid_node.audit.event_messages import NodeIdentity, person_decided
from deid_node.audit.message import Source
from deid_node.audit.node import NodeRecord
from deid_node.audit.options import (
    AuditOptions,
    FileAuditOptions,
    NoAuditOptions,
    SyslogAuditOptions,
)
from deid_node.audit.outbox import Outbox
from deid_node.audit.person import system_user
from deid_node.audit.records import DeliveryRecord, DoorRecord
from deid_node.audit.targets.build import build_target, build_tls
from deid_node.audit.trail import AuditTrail
from deid_node.dicom.tls import expiries
from deid_node.machine import require_resolvable, require_writable
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.values.certificate import Certificate

OUTBOX_NAME: Final = "audit.sqlite"


class Decision(Protocol):
    """What a person decided about an instance."""

    @property
    def instance(self) -> str:
        """The node's id of the instance."""
        ...

    @property
    def person(self) -> str:
        """The system user."""
        ...

    @property
    def at(self) -> datetime:
        """When it was decided, in UTC."""
        ...

    @property
    def code(self) -> str:
        """Why the instance was withheld, or the state that it was in."""
        ...

    @property
    def verb(self) -> str:
        """What is to become of it: one of `event_messages.VERBS`."""
        ...

    @property
    def detail(self) -> str | None:
        """What was decided, in numbers and codes."""
        ...


@dataclass(frozen=True, slots=True)
class AuditRecorder:
    """The trail and the node whose trail it is."""

    trail: AuditTrail
    node: NodeIdentity

    def decided(self, decisions: Sequence[Decision]) -> None:
        """Put on record what people decided; on disk when it returns."""
        self.trail.record_surely(
            [
                person_decided(
                    self.node,
                    person=one.person,
                    instance=one.instance,
                    at=one.at,
                    code=one.code,
                    verb=one.verb,
                    detail=one.detail,
                )
                for one in decisions
            ]
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """What the rooms write into the trail with; None everywhere where none is kept."""

    desk: AuditRecorder | None = None
    part: NodeRecord | None = None
    door: DoorRecord | None = None

    @property
    def decided(self) -> Callable[[Sequence[Decision]], None] | None:
        """What the janitor writes decisions with."""
        return self.desk.decided if self.desk else None

    def delivery(self, destination: str, *, exports: bool) -> DeliveryRecord | None:
        """Return what the sender of `destination` writes with."""
        if self.desk is None:
            return None
        return DeliveryRecord(self.desk.trail.record, self.desk.node, destination, exports=exports)

    def trouble(self) -> str | None:
        """Return a code while messages are lost or do not get through, else None."""
        return self.desk.trail.trouble() if self.desk else None


def build_audit(
    options: AuditOptions,
    spool: Path,
    *,
    ae_title: str,
    new_uid: Callable[[str], str],
    metrics: Metrics,
    log: EventLog,
) -> Audit:
    """Return the audit trail that waits in the folder `spool`; raise `ConfigurationError`.

    `new_uid` makes the new UID of an original one.
    """
    match options:
        case NoAuditOptions():
            return Audit()
        case FileAuditOptions() | SyslogAuditOptions():
            host = socket.gethostname()
            node = NodeIdentity(ae_title, host)
            source = Source(options.source_id or f"{ae_title}@{host}", options.site_id)
            trail = AuditTrail(
                Outbox(spool / OUTBOX_NAME, most=options.most_waiting),
                build_target(options, source, host=host),
                metrics=metrics,
                log=log,
            )
            names_patient = options.patient == "original"
            return Audit(
                AuditRecorder(trail, node),
                NodeRecord(trail, node, user=system_user()),
                DoorRecord(trail.record, node, new_uid=new_uid, names_patient=names_patient),
            )
        case _:
            assert_never(options)


def check_audit(options: AuditOptions) -> None:
    """Check what `options` point to; raise `ConfigurationError` with the YAML path of a fault."""
    check_tls(options)
    match options:
        case NoAuditOptions():
            pass
        case FileAuditOptions():
            require_writable(options.file.parent, path="audit.file")
        case SyslogAuditOptions():
            require_resolvable(options.host, path="audit.host")
        case _:
            assert_never(options)


def check_tls(options: AuditOptions) -> None:
    """Check the files of TLS that `options` name; raise `ConfigurationError`."""
    match options:
        case NoAuditOptions() | FileAuditOptions():
            pass
        case SyslogAuditOptions():
            build_tls(options)
        case _:
            assert_never(options)


def certificates_of(options: AuditOptions) -> Sequence[Certificate]:
    """Return when the certificates for the repository expire; call it after `check_tls`."""
    match options:
        case NoAuditOptions() | FileAuditOptions():
            return ()
        case SyslogAuditOptions():
            return expiries(options.tls, "audit")
        case _:
            assert_never(options)
