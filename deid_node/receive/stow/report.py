"""What became of the instances of a request: what the answer says, and with which status.

The status is for those who look no further: what was stored stands in the answer by name,
and a sender goes by that. Something of everything is 202; nothing at all is told by the
failure that says most about coming again.
"""

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from deid_node.dicom.web.store_answer import NotStored, StoreAnswer, Stored
from deid_node.receive.status import StoreStatus
from deid_node.receive.stow.refusal import OUT_OF_RESOURCES, Headers

_NOTHING_TO_RETRIEVE: Final = ""
_UID: Final = re.compile(r"[0-9][0-9.]{0,63}")
_OF_NOTHING_STORED: Final = (
    # The house is in trouble: the same again later may be stored.
    (StoreStatus.OUT_OF_RESOURCES, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreStatus.PROCESSING_FAILURE, HTTPStatus.INTERNAL_SERVER_ERROR),
)


@dataclass(frozen=True, slots=True)
class SopReference:
    """The UIDs by which a sender knows an instance."""

    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether both are UIDs by their characters, so that they can be said again."""
        return all(_UID.fullmatch(one) for one in (self.sop_class_uid, self.sop_instance_uid))


@dataclass(slots=True)
class Report:
    """The instances that are in custody, those that are not, and failures without a name."""

    stored: list[Stored] = field(default_factory=list)
    failed: list[NotStored] = field(default_factory=list)
    others: list[int] = field(default_factory=list)

    @property
    def reasons(self) -> tuple[int, ...]:
        """Every reason of a failure."""
        return (*(one.reason for one in self.failed if one.reason is not None), *self.others)

    def succeed(self, reference: SopReference) -> None:
        """Add an instance that is in custody."""
        self.stored.append(
            Stored(
                reference.sop_class_uid,
                reference.sop_instance_uid,
                retrieve_url=_NOTHING_TO_RETRIEVE,
            )
        )

    def fail(self, reference: SopReference | None, reason: int) -> None:
        """Add a failure, under the name of the instance where it has one."""
        if reference is None or not reference.is_plain:
            self.others.append(reason)
        else:
            self.failed.append(
                NotStored(reference.sop_class_uid, reference.sop_instance_uid, reason)
            )

    def answer(self) -> StoreAnswer:
        """Return the answer."""
        return StoreAnswer(
            tuple(self.stored), tuple(self.failed), _NOTHING_TO_RETRIEVE, tuple(self.others)
        )

    def status(self, trouble: HTTPStatus | None) -> HTTPStatus:
        """Return the status of the answer; `trouble` is what was wrong with the body itself.

        Source
        ------
        PS3.18 Table 10.5.3-1.
        """
        if self.stored:
            return HTTPStatus.ACCEPTED if self.reasons else HTTPStatus.OK
        for reason, status in _OF_NOTHING_STORED:
            if reason in self.reasons:
                return status
        if trouble is not None:
            return trouble
        return HTTPStatus.CONFLICT if self.reasons else HTTPStatus.BAD_REQUEST


def headers_of(status: HTTPStatus) -> Headers:
    """Return what an answer of `status` says beside its data set."""
    return OUT_OF_RESOURCES if status is HTTPStatus.SERVICE_UNAVAILABLE else ()
