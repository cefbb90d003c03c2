"""Answers an archive's N-EVENT-REPORT, on whichever side of an association we are."""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.events import Event as Message

from deid_node.dicom.commitment import (
    ALL_CONFIRMED,
    PUSH_MODEL_INSTANCE,
    SOME_FAILED,
    parsed_report,
)
from deid_node.errors import CustodyError
from deid_node.values.confirmation import ConfirmationReport

_EVENTS: Final = frozenset({ALL_CONFIRMED, SOME_FAILED})


class ReportStatus(IntEnum):
    """Statuses of N-EVENT-REPORT-RSP that this node gives. Source: PS3.7 section 10.1.1.1.8."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_OBJECT_INSTANCE = 0x0112
    NO_SUCH_EVENT_TYPE = 0x0113
    INVALID_ARGUMENT_VALUE = 0x0115
    RESOURCE_LIMITATION = 0x0213


class ReportHandler:
    """A handler of pynetdicom for ``EVT_N_EVENT_REPORT``.

    `hear` records a report, on disk when it returns; it returns False for a
    transaction that is not ours, and may raise `CustodyError`.
    """

    def __init__(self, hear: Callable[[ConfirmationReport], bool]) -> None:
        self._hear = hear

    def __call__(self, message: Message) -> tuple[int, None]:
        """Return the status: Success only with the report in the journal."""
        try:
            return self._status(message), None
        except CustodyError:
            return ReportStatus.RESOURCE_LIMITATION, None
        # The boundary to the wire: the text of a foreign error may quote values.
        except Exception:  # noqa: BLE001
            return ReportStatus.PROCESSING_FAILURE, None

    def _status(self, message: Message) -> ReportStatus:
        request = message.request
        if not isinstance(request, N_EVENT_REPORT):
            raise TypeError("an event of another message")
        if request.AffectedSOPInstanceUID != PUSH_MODEL_INSTANCE:
            return ReportStatus.NO_SUCH_OBJECT_INSTANCE
        if message.event_type not in _EVENTS:
            return ReportStatus.NO_SUCH_EVENT_TYPE
        report = parsed_report(message.event_information)
        if report is None or not self._hear(report):
            return ReportStatus.INVALID_ARGUMENT_VALUE
        return ReportStatus.SUCCESS
