"""What an order points at, as it was sent: its own bytes, and those of others that bear on it.

Read for the corridor, and never written. Nothing of another instance is a reason to stop one,
but for a rival of its UID.
"""

import errno
from pathlib import Path
from typing import Final

from pydicom import Dataset

from deid_node.dicom import part10
from deid_node.dicom.bare import whole
from deid_node.dicom.bulk import Bulk
from deid_node.dicom.identity import require_one_identity
from deid_node.errors import CleaningError, UidConflict
from deid_node.leaks.spoken import HeaderMatch
from deid_node.pixeldata.attributes import numbers, text
from deid_node.pixeldata.content import content_sha256
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.slices_beside import OpenSlice, ShownSlice, StackBeside
from deid_node.pixels.stack import is_beside, place_of
from deid_node.spool.blobs import intact
from deid_node.spool.files import BlobFiles
from deid_node.spool.series_options import WaitForSeriesOptions
from deid_node.values.order import MAX_STARTS, WorkOrder
from deid_node.values.outcome import Waiting
from deid_node.values.series import BlobBeside

_MOST_EXPECTED: Final = 2**31
_OURS: Final = frozenset(
    (errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)
)
"""What the system lacks, and no slice can help: this start fails, so that the next is the same."""


class Originals:
    """Reads blobs of the spool, or files of a caller."""

    def __init__(self, files: BlobFiles) -> None:
        self._files = files

    def of(self, order: WorkOrder) -> Dataset:
        """Return the instance of `order`; raise `CleaningError`, `BlobDamaged` or `OSError`."""
        return part10.read(self._bytes(order), scratch_dir=order.output.parent)

    def content(self, order: WorkOrder, original: Dataset, *, compares: bool) -> str | None:
        """Return the checksum of what the one object in `original` says, where it is wanted."""
        if order.sop_instance_uid is not None:
            require_one_identity(original, sop_instance_uid=order.sop_instance_uid)
        return content_sha256(original) if compares or order.rivals else None

    def is_repeat(self, order: WorkOrder, content: str | None) -> bool:
        """Return whether it says what another said before under its UID.

        False where no other came; raises `UidConflict` where all of them say something else.
        """
        for rival in order.rivals:
            known = rival.content_sha256 or self._content_of(rival.blob, order.output.parent)
            if content is not None and content == known:
                return True
        if order.rivals:
            raise UidConflict
        return False

    def beside(
        self, order: WorkOrder, original: Dataset, cleaner: PixelCleaner
    ) -> StackBeside | None:
        """Return the slices beside `original`, which `cleaner` opens and looks at when asked.

        None where the order names no series. Its last start goes without them: one that takes
        a worker down shall not have others withheld.
        """
        series = order.series
        if series is None:
            return None
        if order.attempt >= MAX_STARTS:
            return StackBeside(series.number, (), ())

        def opener(one: BlobBeside) -> OpenSlice:
            return lambda: self._shown(one, original, cleaner, order.output.parent)

        return StackBeside(
            series.number, [opener(one) for one in series.before], [*map(opener, series.after)]
        )

    def _shown(
        self, one: BlobBeside, original: Dataset, cleaner: PixelCleaner, scratch_dir: Path
    ) -> ShownSlice | None:
        """Return the slice; None where it is not one that may be looked at."""
        try:
            other = part10.read(intact(one.blob, one.sha256, self._files), scratch_dir=scratch_dir)
            if not is_beside(original, other):
                return None
            return cleaner.slice_of(
                other,
                one.sha256,
                names_patient=HeaderMatch(other).says,
                scratch_dir=scratch_dir,
            )
        except MemoryError:
            raise
        except OSError as error:
            if error.errno in _OURS:
                raise
            return None
        # Whatever is wrong with another instance is no fault of this one: it is not looked at.
        except Exception:  # noqa: BLE001
            return None

    def _bytes(self, order: WorkOrder) -> Bulk:
        """Return what came into custody, read against its checksum where there is one.

        A file that nobody sent may lack what the door puts before a data set.
        """
        if order.blob_sha256 is None:
            return whole(self._files.open(order.blob))
        return intact(order.blob, order.blob_sha256, self._files)

    def _content_of(self, blob: Path | None, scratch_dir: Path) -> str | None:
        if blob is None:
            return None
        try:
            return content_sha256(part10.read(self._files.open(blob), scratch_dir=scratch_dir))
        except (CleaningError, OSError):
            # It went in this moment, or cannot be read: then nobody can say that it is the same.
            return None


def waiting_of(original: Dataset, treatment: str, waits: WaitForSeriesOptions) -> Waiting | None:
    """Return that `original` waits for its series; None for what no other could be beside.

    Raises `MalformedDataset`.
    """
    if text(original, "Modality") not in waits.only:
        return None
    place = place_of(original)
    if place is None:
        return None
    said = numbers(original, "NumberOfSeriesRelatedInstances")
    expected = int(said[0]) if len(said) == 1 and 1 <= said[0] < _MOST_EXPECTED else None
    return Waiting(treatment, waits.limits, place, expected)
