"""The body of a STOW-RS request, as it goes out: read from the blobs while it is sent.

Its length is known before the first byte, so that the archive can refuse what is too
large, and a body that was cut is never taken for a whole one.

Source: PS3.18 8.6.1.2.1; RFC 2046 section 5.1; RFC 2387.
"""

import secrets
from collections.abc import Iterator, Sequence
from typing import Final

from deid_node.dicom.bulk import Bulk
from deid_node.errors import BlobDamaged

# A piece that is sent at once: large enough for few system calls, small enough for memory.
_PIECE_BYTES: Final = 1 << 18
_HEAD: Final = "--{}\r\nContent-Type: application/dicom\r\n\r\n"
_BETWEEN: Final = b"\r\n"
_END: Final = "--{}--\r\n"


class MultipartBody:
    """Part 10 files, one a part; each in one or more pieces of bytes that lie somewhere."""

    def __init__(self, files: Sequence[Sequence[Bulk | bytes]]) -> None:
        # 128 random bits: that they stand in a file by chance is not to be expected.
        self._boundary = secrets.token_hex(16)
        self._files = files
        head, end = self._head, self._end
        between = len(head) + len(_BETWEEN)
        self.length = len(end) + sum(between + sum(len(piece) for piece in file) for file in files)

    @property
    def content_type(self) -> str:
        """The value of Content-Type."""
        return f'multipart/related; type="application/dicom"; boundary={self._boundary}'

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning, `length` of them in all.

        Raises `BlobDamaged` where a blob cannot be read to its end.
        """
        held: list[bytes] = []
        size = 0
        for piece in self._pieces():
            held.append(piece)
            size += len(piece)
            if size >= _PIECE_BYTES:
                yield b"".join(held)
                held, size = [], 0
        yield b"".join(held)

    @property
    def _head(self) -> bytes:
        return _HEAD.format(self._boundary).encode("ascii")

    @property
    def _end(self) -> bytes:
        return _END.format(self._boundary).encode("ascii")

    def _pieces(self) -> Iterator[bytes]:
        for file in self._files:
            yield self._head
            for content in file:
                for begin in range(0, len(content), _PIECE_BYTES):
                    try:
                        yield content[begin : begin + _PIECE_BYTES]
                    except OSError:
                        raise BlobDamaged("a clean file cannot be read") from None
            yield _BETWEEN
        yield self._end
