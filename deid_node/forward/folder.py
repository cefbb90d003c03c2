"""A folder as destination: one Part 10 file an object, named by the new UIDs."""

import os
import re
from collections.abc import Generator, Sequence
from pathlib import Path

from deid_node.dicom.bulk import Bulk, file_at, pieces
from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import AssociationCounts, Parcel
from deid_node.spool.blobs import sync_folder
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.instance import CleanInstance, Sealed

# Stricter than a path needs: digits and single dots cannot climb out of the folder.
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


class FolderDestination:
    """Writes ``dir/<Study UID>/<Series UID>/<SOP UID>.dcm``; a `Destination`.

    A file appears under its name only when its bytes are on disk. One that is
    there already counts as delivered when its bytes are the same, and is never
    overwritten when they are not. `files` opens what the spool holds; what is written
    here is never encrypted.
    """

    concurrency = 1

    def __init__(self, name: str, folder: Path, files: BlobFiles = PLAIN) -> None:
        self.name = name
        self._folder = folder
        self._files = files

    def deliver(self, batch: Sequence[Parcel]) -> Generator[Receipt, None, None]:
        """Write `batch`; the disk's trouble is `DestinationUnavailable`."""
        for parcel in batch:
            try:
                result = self._delivered(parcel)
            except OSError as error:
                raise DestinationUnavailable(
                    f"the folder cannot be written ({type(error).__name__})"
                ) from None
            yield Receipt(parcel.instance.id, self.name, result, None)

    @property
    def associations(self) -> AssociationCounts:
        """There are none."""
        return AssociationCounts()

    def release_idle(self) -> None:
        """Nothing is kept open."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _delivered(self, parcel: Parcel) -> DeliveryResult:
        for content, path in parcel.contents:
            result = self._written(parcel.instance, content, path)
            if result is not DeliveryResult.DELIVERED:
                return result
        return DeliveryResult.DELIVERED

    def _written(self, instance: CleanInstance, content: Sealed, path: Path) -> DeliveryResult:
        uids = (
            instance.study_instance_uid,
            content.series_instance_uid,
            content.sop_instance_uid,
        )
        if not all(_UID.fullmatch(uid) for uid in uids):
            return DeliveryResult.REFUSED
        study, series, sop = uids
        folder = self._folder / study / series
        final = folder / f"{sop}.dcm"
        sealed = self._files.open(path)
        if final.exists():
            same = _are_same(sealed, file_at(final))
            return DeliveryResult.DELIVERED if same else DeliveryResult.REFUSED
        self._make(folder)
        # One name an instance: what a crash left behind is overwritten by the next attempt.
        partial = folder / f".{instance.id}.partial"
        try:
            with partial.open("wb") as target:
                for piece in pieces(sealed):
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            partial.rename(final)
        finally:
            partial.unlink(missing_ok=True)
        # The rename itself is not on disk before the folder is.
        sync_folder(folder)
        return DeliveryResult.DELIVERED

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        folder.mkdir(parents=True, exist_ok=True)
        for made in (folder.parent, self._folder, self._folder.parent):
            sync_folder(made)


def _are_same(one: Bulk, other: Bulk) -> bool:
    if len(one) != len(other):
        return False
    return all(ours == theirs for ours, theirs in zip(pieces(one), pieces(other), strict=True))
