"""A scanner that asks for storage commitment, played by pynetdicom."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_context, evt
from pynetdicom.association import Association

PUSH_MODEL = "1.2.840.10008.1.20.1"
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"


@dataclass
class Reports:
    """The reports that were heard, in order; `status_for` answers the n-th, from 0."""

    port: int = 0
    heard: list[tuple[int, Dataset]] = field(default_factory=list)
    statuses: Sequence[int] = ()

    def take(self, event: Any) -> tuple[int, None]:
        """Hear a report."""
        number = len(self.heard)
        self.heard.append((event.event_type, event.event_information))
        return (self.statuses[number] if number < len(self.statuses) else 0x0000), None

    def confirmed(self, number: int = -1) -> list[str]:
        """The SOP Instance UIDs that a report confirms."""
        return _uids(self.heard[number][1].get("ReferencedSOPSequence"))

    def failed(self, number: int = -1) -> dict[str, int]:
        """The SOP Instance UIDs that a report does not confirm, with the reasons."""
        items = self.heard[number][1].get("FailedSOPSequence") or ()
        return {str(item.ReferencedSOPInstanceUID): item.FailureReason for item in items}


def calling(
    port: int, reports: Reports, *, title: str = "SCANNER", called: str = "DEIDNODE"
) -> Association:
    """Open an association with contexts for CT images and storage commitment."""
    entity = AE(title)
    entity.requested_contexts = [
        build_context(CT, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]),
        build_context(PUSH_MODEL, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]),
    ]
    return entity.associate(
        "127.0.0.1",
        port,
        ae_title=called,
        evt_handlers=[(evt.EVT_N_EVENT_REPORT, reports.take)],
    )


def ask(
    association: Association,
    references: Sequence[tuple[str, str]],
    *,
    transaction: str | None = None,
    action: int = 1,
    instance: str = PUSH_MODEL_INSTANCE,
) -> int:
    """Ask for pairs of SOP Class and Instance UID; return the status of N-ACTION-RSP."""
    content = Dataset()
    if transaction != "":
        content.TransactionUID = transaction or generate_uid(prefix=None)
    items = []
    for sop_class, sop_instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
        items.append(item)
    content.ReferencedSOPSequence = items
    status, _ = association.send_n_action(content, action, PUSH_MODEL, instance)
    return int(status.Status)


@contextmanager
def waiting_user(reports: Reports, *, title: str = "SCANNER", port: int = 0) -> Iterator[Reports]:
    """Wait on a port of the loopback for reports, for the length of a ``with`` block."""
    entity = AE(title)
    entity.add_supported_context(PUSH_MODEL, scu_role=False, scp_role=True)

    server = entity.start_server(
        ("127.0.0.1", port),
        block=False,
        evt_handlers=[(evt.EVT_N_EVENT_REPORT, reports.take)],
    )
    assert server is not None
    reports.port = int(server.server_address[1])
    try:
        yield reports
    finally:
        server.shutdown()


def _uids(items: Any) -> list[str]:
    return [str(item.ReferencedSOPInstanceUID) for item in items or ()]
