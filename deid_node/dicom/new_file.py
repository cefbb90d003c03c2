"""A file in the making: written from its beginning to its end, then put on disk for good.

What is written comes as a dataset is encoded, in one go: nothing is written over,
so that a file may be encrypted while it is written.
"""

import io
import os
from pathlib import Path
from typing import Final, Protocol

_BUFFER_BYTES: Final = 1 << 17


class NewFile(Protocol):
    """Takes the bytes of a file that did not exist before.

    Promise:

    * what was written is whole and on disk once `finish` has returned, its folder not;
    * without `finish`, what lies there counts for nothing;
    * `end`, `finish` and `close` may be called again.
    """

    def write(self, piece: bytes | bytearray | memoryview, /) -> int:
        """Take `piece` and return its length; raises `OSError`."""
        ...

    def tell(self) -> int:
        """Return how many bytes were taken."""
        ...

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Refuse with `OSError`: nothing can be written over any more."""
        ...

    def end(self) -> None:
        """Hand what is left to the system, where a full disk shows; nothing follows.

        Raises `OSError`.
        """
        ...

    def finish(self) -> None:
        """End it where nobody has, put it on disk and close; raises `OSError`."""
        ...

    def close(self) -> None:
        """Close the file as it is; raises `OSError`."""
        ...


class PlainFile:
    """The new file at `path`, its bytes as they are; a `NewFile`.

    `mode` is what the umask leaves something of. Raises `OSError`, also where there is
    such a file.
    """

    def __init__(self, path: Path, mode: int = 0o666) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        self._file: Final = os.fdopen(descriptor, "wb", _BUFFER_BYTES)
        self._size = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return self._file.closed

    def write(self, piece: bytes | bytearray | memoryview, /) -> int:
        """Take `piece`."""
        self._size += len(piece)
        return self._file.write(piece)

    def tell(self) -> int:
        """Return how many bytes were taken."""
        return self._size

    def seek(self, _offset: int, _whence: int = os.SEEK_SET, /) -> int:
        """Refuse: nothing is written over."""
        raise io.UnsupportedOperation("a new file is written in one go")

    def end(self) -> None:
        """Hand what is left to the system."""
        if not self._file.closed:
            self._file.flush()

    def finish(self) -> None:
        """Put it on disk and close."""
        if not self._file.closed:
            self.end()
            os.fsync(self._file.fileno())
            self._file.close()

    def close(self) -> None:
        """Close; what the buffer holds is written back first."""
        self._file.close()
