"""A value in the making: in memory while it is small, then in a file that nobody else can read."""

import io
from pathlib import Path

from deid_node.dicom.bulk import LARGE_BYTES, Bulk, Content, Memory
from deid_node.dicom.passing_file import PassingFile


class Scratch:
    """Takes the bytes of one value, piece after piece.

    Parameters
    ----------
    folder
        Where the file lies, if there is to be one; None takes the system's folder for
        temporary files. It has no name there and its key lies in memory alone, so nothing
        is left of it after a crash.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._held: io.BytesIO | PassingFile = io.BytesIO()
        self._length = 0

    def __len__(self) -> int:
        """Return how many bytes there are so far."""
        return self._length

    def add(self, piece: bytes | memoryview) -> None:
        """Put `piece` behind what is there; raises `OSError` where the disk does not take it."""
        self.put(self._length, piece)

    def put(self, place: int, piece: bytes | memoryview) -> None:
        """Put `piece` over what begins at `place`; raises `OSError` as `add` does."""
        self._length = max(self._length, place + len(piece))
        if self._length > LARGE_BYTES and isinstance(self._held, io.BytesIO):
            self._held = self._moved(self._held)
        if isinstance(self._held, PassingFile):
            self._held.write_at(place, piece)
        else:
            self._held.seek(place)
            self._held.write(piece)

    def part(self, start: int, stop: int) -> bytes:
        """Return the bytes ``start <= place < stop`` of what is there so far."""
        if isinstance(self._held, PassingFile):
            return Bulk(self._held, 0, self._length)[start:stop]
        with self._held.getbuffer() as view:
            return bytes(view[start:stop])

    def content(self, start: int = 0) -> Content:
        """Return everything from `start` on; nothing may be put any more while it is used."""
        if isinstance(self._held, PassingFile):
            return Bulk(self._held, start, self._length - start)
        return self._held.getvalue()[start:]

    def bulk(self, start: int = 0) -> Bulk:
        """Return everything from `start` on as an open file, as `content` does."""
        if isinstance(self._held, PassingFile):
            return Bulk(self._held, start, self._length - start)
        return Bulk(Memory(self._held.getvalue()), start, self._length - start)

    def _moved(self, memory: io.BytesIO) -> PassingFile:
        file = PassingFile(self._folder)
        with memory.getbuffer() as view:
            file.write_at(0, view)
        return file


class ScratchFile:
    """A scratch as the library writes to it: from the beginning to the end, in one go."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def write(self, piece: bytes | bytearray | memoryview, /) -> int:
        """Take `piece` and return its length; raises `OSError`."""
        self._scratch.add(memoryview(piece))
        return len(piece)

    def tell(self) -> int:
        """Return how many bytes there are so far."""
        return len(self._scratch)

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        """Refuse: nothing is written over."""
        raise io.UnsupportedOperation("a dataset is written in one go")
