"""Values too large to hold: they stay in a file and are read by the piece.

The library writes such a value by the piece as well, since it is a buffer. It is
cut like bytes, ``content[start:stop]``, so that whoever reads frames need not
know where they lie. The file stays open as long as a value of it is in use, and
may have lost its name meanwhile.
"""

import io
import os
from collections.abc import Iterator
from typing import Final, Protocol, TypeAlias

LARGE_BYTES: Final = 8 << 20
"""Values of up to this length are held in memory."""

_PIECE_BYTES: Final = 4 << 20


class Source(Protocol):
    """What values lie in: bytes that can be read at any place, and do not change."""

    def read_at(self, place: int, size: int) -> bytes:
        """Return up to `size` bytes from `place` on, none only at the end; raises `OSError`."""
        ...


class Descriptor:
    """An open file of our own, closed with the last value that lies in it.

    `number` is that of a file that is open; a second one is made of it, so the caller
    closes his own.
    """

    def __init__(self, number: int) -> None:
        self.number: Final = os.dup(number)

    def read_at(self, place: int, size: int) -> bytes:
        """Return up to `size` bytes from `place` on."""
        return os.pread(self.number, size, place)

    def __del__(self) -> None:
        """Close the file."""
        os.close(self.number)


class Memory:
    """Bytes that are held, to be read as a file is."""

    def __init__(self, content: bytes) -> None:
        self._content: Final = content

    def read_at(self, place: int, size: int) -> bytes:
        """Return up to `size` bytes from `place` on."""
        return self._content[place : place + size]


class Bulk(io.BufferedIOBase):
    """The bytes ``start <= place < start + length`` of an open file.

    Each piece that is asked for is read anew, so nothing of it is held. The file
    must not change any more.
    """

    def __init__(self, source: Source, start: int, length: int) -> None:
        self._source = source
        self._start = start
        self._length = length
        self._position = 0

    def __len__(self) -> int:
        """Return the length in bytes."""
        return self._length

    def __getitem__(self, part: slice) -> bytes:
        """Return the bytes of `part`, cut at the ends as with bytes.

        Raises
        ------
        OSError
            The file cannot be read, or is shorter than it was.
        """
        start, stop, step = part.indices(self._length)
        if step != 1:
            raise ValueError("a piece is read without leaving anything out")
        content = bytearray()
        while len(content) < stop - start:
            missing = stop - start - len(content)
            more = self._source.read_at(self._start + start + len(content), missing)
            if not more:
                raise OSError("a file is shorter than it was")
            content += more
        return bytes(content)

    def within(self, start: int, length: int) -> "Bulk":
        """Return the `length` bytes from `start` on as a value of its own."""
        return Bulk(self._source, self._start + start, length)

    def held(self) -> "Bulk":
        """Return the same bytes in memory, read once, where they are not `LARGE_BYTES`."""
        if self._length > LARGE_BYTES or isinstance(self._source, Memory):
            return self
        return Bulk(Memory(self[:]), 0, self._length)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes from the position on; all the rest without a size."""
        stop = self._length if size is None or size < 0 else self._position + size
        content = self[self._position : stop]
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position


Content: TypeAlias = bytes | memoryview | Bulk
"""A value, wherever it lies: has a length, and is cut by ``content[start:stop]``."""


def pieces(content: Content, start: int = 0) -> Iterator[bytes | memoryview]:
    """Yield `content` from `start` on, a few megabytes at a time."""
    for begin in range(start, len(content), _PIECE_BYTES):
        yield content[begin : begin + _PIECE_BYTES]


def file_at(path: "os.PathLike[str] | str") -> Bulk:
    """Return the file at `path`, opened; raises `OSError`."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return Bulk(Descriptor(file.fileno()), 0, os.fstat(file.fileno()).st_size)
