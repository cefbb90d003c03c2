"""A body of many parts, taken apart while it comes.

The parser of python-multipart is made for forms; what it does with boundaries and headers
is the same for ``multipart/related``. It keeps of a part what may be half a boundary, and
nothing else. How the body is cut on its way makes no difference to what comes out.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

MOST_PARTS: Final = 100_000
_MOST_HEADERS: Final = 16
_LONGEST_HEADER_BYTES: Final = 4096


class MalformedBody(Exception):
    """The body is not what its boundary says; parts that ended before are as they were."""


class Parts(Protocol):
    """Takes the parts of a body, one after the other."""

    def begin(self, headers: Mapping[str, str]) -> None:
        """Begin a part; the names of `headers` are in lower case."""
        ...

    def write(self, piece: memoryview) -> None:
        """Take the next bytes of the part; they may be written over afterwards."""
        ...

    def end(self) -> None:
        """End the part, which is whole: the delimiter behind it has come."""
        ...


class Multipart:
    """Hands the parts of a body to `parts`; `feed` it with the body as it comes.

    Source
    ------
    RFC 2046 section 5.1.1.
    """

    def __init__(self, boundary: str, parts: Parts) -> None:
        self._parts = parts
        self._name = bytearray()
        self._value = bytearray()
        self._headers: dict[str, str] = {}
        self._count = 0
        self.is_complete = False
        """Whether the delimiter that closes the body has come."""
        self._parser = MultipartParser(
            boundary.encode("ascii"),
            {
                "on_part_begin": self._begun,
                "on_header_begin": self._header_begun,
                "on_header_field": self._named,
                "on_header_value": self._valued,
                "on_header_end": self._header_ended,
                "on_headers_finished": self._headed,
                "on_part_data": self._written,
                "on_part_end": parts.end,
                "on_end": self._ended,
            },
            max_header_count=_MOST_HEADERS,
            max_header_size=_LONGEST_HEADER_BYTES,
        )

    def feed(self, piece: bytes | bytearray) -> None:
        """Take the next bytes of the body; raise `MalformedBody`."""
        try:
            self._parser.write(bytes(piece))
        except FormParserError:
            # Its text may quote what came.
            raise MalformedBody("the body is not what its boundary says") from None

    def _begun(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise MalformedBody("the body has too many parts")
        self._headers = {}

    def _header_begun(self) -> None:
        self._name.clear()
        self._value.clear()

    def _named(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _valued(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ended(self) -> None:
        name = self._name.decode("latin-1").lower()
        self._headers[name] = self._value.decode("latin-1").strip()

    def _headed(self) -> None:
        self._parts.begin(self._headers)

    def _written(self, data: bytes, start: int, end: int) -> None:
        self._parts.write(memoryview(data)[start:end])

    def _ended(self) -> None:
        self.is_complete = True
