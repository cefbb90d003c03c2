"""Files of the spool: written once, fsynced, renamed into place, never changed.

A file in ``partial`` counts for nothing: it is renamed into its folder only
together with the journal row that names it. A rename is on disk only after the
folder is fsynced; `sync_folder` does that once for many renames.
"""

import hashlib
import os
import shutil
from pathlib import Path

from deid_node.dicom.bulk import Bulk, pieces
from deid_node.dicom.new_file import NewFile
from deid_node.errors import BlobDamaged
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef


class Blobs:
    """The three folders of blobs below `root`, created with mode 0700; `files` are theirs."""

    def __init__(self, root: Path, files: BlobFiles = PLAIN) -> None:
        self.root = root
        self.files = files
        self.partial = root / "partial"
        self.received = root / "received"
        self.clean = root / "clean"
        self.aside = root / "aside"
        """What was found and is nobody's: made when there is something to lie in it."""

    def create_folders(self) -> None:
        """Create what is missing; raise `OSError` where that cannot be done."""
        for folder in (self.root, self.partial, self.received, self.clean):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(folder.parent)

    def set_aside(self, path: Path) -> None:
        """Move a file of ``received`` or ``clean`` out of the way; it is never removed.

        Raises `OSError`.
        """
        self.aside.mkdir(mode=0o700, exist_ok=True)
        target = self.aside / f"{path.parent.name}-{path.name}"
        number = 0
        while target.exists():
            number += 1
            target = self.aside / f"{path.parent.name}-{number}-{path.name}"
        path.rename(target)
        sync_folder(self.aside)
        sync_folder(self.root)

    def free_bytes(self) -> int:
        """Return how many bytes the spool's disk can still take."""
        return shutil.disk_usage(self.root).free


def verified(folder: Path, blob: BlobRef, files: BlobFiles = PLAIN) -> Path:
    """Return the path of `blob` in `folder` after reading it against its checksum.

    Raises `BlobDamaged` when the file is missing, unreadable, or not the bytes
    that were taken into custody.
    """
    path = folder / blob.name
    try:
        found = reference(path, files)
    except OSError:
        raise BlobDamaged("a blob of the spool cannot be read") from None
    if found.sha256 != blob.sha256:
        raise BlobDamaged("a blob of the spool does not match its checksum")
    return path


def intact(path: Path, sha256: str, files: BlobFiles = PLAIN) -> Bulk:
    """Return the content of the file at `path` after reading it against its checksum.

    Where it is not large it is held in memory, so that it is read no second time. Raises
    `BlobDamaged` as `verified` does.
    """
    try:
        content = files.open(path).held()
        found = _sha256(content)
    except OSError:
        raise BlobDamaged("a blob of the spool cannot be read") from None
    if found != sha256:
        raise BlobDamaged("a blob of the spool does not match its checksum")
    return content


def reference(path: Path, files: BlobFiles = PLAIN) -> BlobRef:
    """Return the reference of the content of the file at `path` by reading it.

    Size and checksum are those of the bytes that came or were cleaned, whether the file
    is encrypted or not. Raises `OSError`.
    """
    content = files.open(path)
    return BlobRef(path.name, len(content), _sha256(content))


class Hashing:
    """Makes new files, and knows the checksum of the last one when it is finished.

    What is sealed is what was written, not what a disk made of it: that is found before it
    is sent.
    """

    def __init__(self, files: BlobFiles = PLAIN) -> None:
        self._files = files
        self._file: _HashedFile | None = None

    def create(self, path: Path) -> NewFile:
        """Return the new file at `path`; raises `OSError`."""
        self._file = _HashedFile(self._files.create(path))
        return self._file

    def reference(self, name: str) -> BlobRef:
        """Return the reference of the last file under `name`, the one that it will have."""
        if self._file is None:
            raise ValueError("nothing was written")
        return BlobRef(name, self._file.tell(), self._file.digest.hexdigest())


class _HashedFile:
    """A `NewFile` whose bytes are hashed on their way to another."""

    def __init__(self, file: NewFile) -> None:
        self.digest = hashlib.sha256()
        self._file = file

    def write(self, piece: bytes | bytearray | memoryview, /) -> int:
        """Take `piece`."""
        self.digest.update(piece)
        return self._file.write(piece)

    def tell(self) -> int:
        """Return how many bytes were taken."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Refuse: nothing is written over."""
        return self._file.seek(offset, whence)

    def end(self) -> None:
        """Hand what is left to the system."""
        self._file.end()

    def finish(self) -> None:
        """Put it on disk and close."""
        self._file.finish()

    def close(self) -> None:
        """Close it as it is."""
        self._file.close()


def sync_file(path: Path) -> None:
    """Put the file's bytes on disk; raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def blob_name(instance: InstanceId) -> str:
    """Return the file name of an instance's blob, the same in every folder."""
    return f"{instance}.dcm"


def companion_name(instance: InstanceId) -> str:
    """Return the file name of the blob that lies beside an instance's clean one."""
    return f"{instance}.companion.dcm"


def _sha256(content: Bulk) -> str:
    digest = hashlib.sha256()
    for piece in pieces(content):
        digest.update(piece)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Put the folder's entries on disk; raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
