"""What one request brings: its parts go into custody one after the other, and a report is kept.

Each part is in custody, on disk, before the next one is looked at; so what was whole
stands in the answer, whatever becomes of the rest.
"""

from collections.abc import Callable, Mapping
from typing import Final

from deid_node.errors import DatasetUnreadable, ReceiveError
from deid_node.receive.intake import Intake, Refused
from deid_node.receive.status import StoreStatus
from deid_node.receive.stow.multipart import MalformedBody
from deid_node.receive.stow.part_ten import PartTen
from deid_node.receive.stow.report import Report
from deid_node.values.origin import Origin

DICOM: Final = "application/dicom"
_PLAIN_ENCODINGS: Final = frozenset({"", "binary", "8bit", "7bit", "identity"})
_MOST_UNNAMED: Final = 100
"""Parts that nobody can make sense of: after so many the request is not listened to."""


class Reception:
    """Takes the parts of a request; a `Parts`. `report` says what became of each."""

    def __init__(
        self,
        intake: Intake,
        origin_of: Callable[[str], Origin],
        *,
        study_instance_uid: str,
    ) -> None:
        self._intake = intake
        self._origin_of = origin_of
        self._study_instance_uid = study_instance_uid
        self._part: PartTen | None = None
        self.report = Report()

    def begin(self, headers: Mapping[str, str]) -> None:
        """Begin a part; one of another kind than Part 10 files is stepped over and told."""
        self._part = PartTen(
            self._intake,
            self._origin_of,
            study_instance_uid=self._study_instance_uid,
            fault=_fault_of(headers),
        )

    def write(self, piece: memoryview) -> None:
        """Take the next bytes of the part."""
        if self._part is not None:
            self._part.write(piece)

    def end(self) -> None:
        """Take the part into custody; raise `MalformedBody` where too many could not be read."""
        part, self._part = self._part, None
        if part is None:
            return
        result, reference = part.end(), part.reference
        if isinstance(result, Refused):
            self.report.fail(reference, result.status)
        elif reference is not None:
            self.report.succeed(reference)
        if len(self.report.others) > _MOST_UNNAMED:
            raise MalformedBody("too many parts make no sense")

    def break_off(self) -> None:
        """Let go of the part that is not whole, and tell of it."""
        part, self._part = self._part, None
        reference = None
        if part is not None:
            part.discard()
            reference = part.reference
        self.report.fail(reference, StoreStatus.CANNOT_UNDERSTAND)

    def discard(self) -> None:
        """Let go of what is not in custody; may be called again."""
        part, self._part = self._part, None
        if part is not None:
            part.discard()


def _fault_of(headers: Mapping[str, str]) -> ReceiveError | None:
    """Return why a part with such headers is not taken; one that names no type is of the root's."""
    kind = headers.get("content-type", DICOM).partition(";")[0].strip().lower()
    if kind != DICOM:
        return DatasetUnreadable("the part is not application/dicom")
    for name in ("content-transfer-encoding", "content-encoding"):
        if headers.get(name, "").lower() not in _PLAIN_ENCODINGS:
            return DatasetUnreadable("the part is encoded in a way that is not taken")
    return None
