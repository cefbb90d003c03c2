"""Where the elements of an encoded dataset lie, so that damage can be aimed at one of them.

It believes every length and gives up where one makes no sense: what is walked is
sound, the damage comes afterwards.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PREAMBLE_BYTES: Final = 132
UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)


@dataclass(frozen=True, slots=True)
class Element:
    """One element or item: offsets into the file, end excluded; an empty VR is an implicit one."""

    tag: int
    start: int
    vr: bytes
    length_at: int
    length_bytes: int
    value: int
    end: int
    depth: int

    @property
    def name(self) -> str:
        """The tag as it is written in the Standard."""
        return f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})"


def walk(
    content: bytes,
    start: int,
    end: int,
    *,
    implicit: bool,
    byte_order: str = "<",
    depth: int = 0,
) -> Iterator[Element]:
    """Yield the elements of `content` from `start` to `end`, at every depth, in their order."""
    at = start
    while at + 8 <= end:
        element = _element(content, at, implicit=implicit, byte_order=byte_order, depth=depth)
        if element is None or element.end > end:
            return
        yield element
        if element.vr == b"SQ" or element.tag == ITEM or _is_open(content, element, byte_order):
            yield from walk(
                content,
                element.value,
                element.end,
                implicit=implicit,
                byte_order=byte_order,
                depth=depth + 1,
            )
        at = element.end


def _element(
    content: bytes, at: int, *, implicit: bool, byte_order: str, depth: int
) -> Element | None:
    group, number = struct.unpack_from(byte_order + "HH", content, at)
    vr = content[at + 4 : at + 6]
    if implicit or group == 0xFFFE:
        vr, length_at, length_bytes = b"", at + 4, 4
    elif vr in _LONG_VRS:
        length_at, length_bytes = at + 8, 4
    else:
        length_at, length_bytes = at + 6, 2
    value = length_at + length_bytes
    if value > len(content):
        return None
    code = byte_order + ("L" if length_bytes == 4 else "H")
    (length,) = struct.unpack_from(code, content, length_at)
    end = value + length
    if length == UNDEFINED and length_bytes == 4:
        # What is inside is walked later; here only the end is wanted, and the last one will do.
        end = _closed(content, value, byte_order)
    return Element((group << 16) | number, at, vr, length_at, length_bytes, value, end, depth)


def _is_open(content: bytes, element: Element, byte_order: str) -> bool:
    if element.length_bytes != 4:
        return False
    (length,) = struct.unpack_from(byte_order + "L", content, element.length_at)
    return bool(length == UNDEFINED)


def _closed(content: bytes, value: int, byte_order: str) -> int:
    mark = struct.pack(byte_order + "HHL", 0xFFFE, 0xE0DD, 0)
    found = content.find(mark, value)
    return len(content) if found < 0 else found + len(mark)
