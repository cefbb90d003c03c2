"""The files below an input, one at a time: what a folder of millions holds is never held here.

Links to files are followed, links to folders are not: they may lead in circles.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deid_node.errors import InputError

_INDEX_NAME: Final = "DICOMDIR"
_SEPARATOR: Final = os.sep.encode()


@dataclass(frozen=True, slots=True)
class Found:
    """One input, as a file system tells of it; `size_bytes` and `changed_ns` tell a change.

    `key` is its path below the input, and sorts as paths do: part by part. It may hold a
    patient's name.
    """

    key: bytes
    size_bytes: int
    changed_ns: int


class Walk:
    """Finds what is below `root`, in no order.

    `without` are files and folders that are no inputs: what the command itself writes. A folder
    that cannot be listed is found in the place of what it holds, so that it is withheld and not
    overlooked.

    Raises `InputError` where there is nothing at `root`, or it is one of `without`.
    """

    def __init__(self, root: Path, without: Collection[Path] = ()) -> None:
        if not root.exists():
            raise InputError(f"{root} does not exist")
        self._is_file = not root.is_dir()
        self._root = Path(os.path.realpath(root))
        self._without = {os.fsencode(os.path.realpath(path)) for path in without}
        if os.fsencode(self._root) in self._without:
            raise InputError(f"{root} is where the results would go")
        self.folder = root.parent if self._is_file else root
        """What keys are below of, as the caller gave it."""
        self._name = root.name
        self.indices = 0
        """How many DICOMDIR files were passed over: an index of a folder is no instance."""
        self.passed_over = 0
        """How many links to folders, and how many things that are no files."""

    def path_of(self, key: bytes) -> Path:
        """Return the path of an input, as the caller would write it."""
        return self.folder / os.fsdecode(key.replace(b"\0", _SEPARATOR))

    def __iter__(self) -> Iterator[Found]:
        """Yield every file once; raises `InputError` where the list of a folder breaks off."""
        if self._is_file:
            status = self._root.stat()
            yield Found(os.fsencode(self._name), status.st_size, status.st_mtime_ns)
            return
        root = os.fsencode(self._root)
        start = len(root.rstrip(_SEPARATOR)) + 1
        with ExitStack() as open_folders:
            # Deep, not broad: as many folders are open as they are nested, and none is held.
            levels = [open_folders.enter_context(os.scandir(root))]
            while levels:
                entry = _next(levels[-1])
                if entry is None:
                    levels.pop().close()
                elif entry.path in self._without:
                    continue
                elif entry.is_dir(follow_symlinks=False):
                    try:
                        levels.append(open_folders.enter_context(os.scandir(entry.path)))
                    except OSError:
                        yield _found(entry, start)
                elif not _is_file(entry):
                    self.passed_over += 1
                elif entry.name.upper() == _INDEX_NAME.encode():
                    self.indices += 1
                else:
                    yield _found(entry, start)


def _next(entries: "Iterator[os.DirEntry[bytes]]") -> "os.DirEntry[bytes] | None":
    try:
        return next(entries, None)
    except OSError as error:
        raise InputError(f"a folder below INPUT cannot be listed: {error.strerror}") from None


def _is_file(entry: "os.DirEntry[bytes]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        # A link that cannot be followed: an input that will fail, and not one to be overlooked.
        return True


def _found(entry: "os.DirEntry[bytes]", start: int) -> Found:
    key = entry.path[start:].replace(_SEPARATOR, b"\0")
    try:
        status = entry.stat()
    except OSError:
        # It goes in this moment, or cannot be looked at: an input that will fail.
        return Found(key, 0, 0)
    return Found(key, status.st_size, status.st_mtime_ns)
