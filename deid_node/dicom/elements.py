"""Elements as they lie in a file: how they are encoded, and what their headers say.

Nothing of a value is read. Headers are a few bytes each, so they are taken from a
window that is moved along the file.

Source: PS3.5 7.1, 7.5; PS3.6 (what is a sequence).
"""

import struct
from dataclasses import dataclass
from typing import Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from deid_node.dicom.bulk import Content
from deid_node.errors import MalformedDataset

ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
HEADER_BYTES: Final = 8
UNDEFINED: Final = 0xFFFFFFFF

LONG_VRS: Final = frozenset(f"{vr}" for vr in EXPLICIT_VR_LENGTH_32)
"""VRs whose length takes 32 bits in an explicit encoding (PS3.5 7.1.2)."""

_LONGEST_KNOWN_UN: Final = 0xFFFF
"""From this length on a known attribute that was sent as UN is left as bytes."""

_WINDOW_BYTES: Final = 1 << 13


@dataclass(frozen=True, slots=True)
class Element:
    """One element, its value stepped over: it lies from `start` to `stop`."""

    tag: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Coding:
    """How elements are encoded; `order` is that of the bytes, as `struct` writes it."""

    implicit: bool
    order: str = "<"


def coding_of(transfer_syntax: str) -> Coding:
    """Return how `transfer_syntax` encodes elements; deflated ones are inflated before."""
    return Coding(
        implicit=transfer_syntax == ImplicitVRLittleEndian,
        order=">" if transfer_syntax == ExplicitVRBigEndian else "<",
    )


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a value: `vr` is None where none is written, `start` behind it."""

    tag: int
    vr: str | None
    length: int
    start: int

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a sequence for whoever has the dictionary of the standard."""
        if self.vr == "SQ":
            return True
        told = self.vr is None or (self.vr == "UN" and self.length < _LONGEST_KNOWN_UN)
        return told and is_known(self.tag) and dictionary_VR(self.tag) == "SQ"

    @property
    def is_untold(self) -> bool:
        """Whether the file leaves open what the value is."""
        return self.vr == "UN" or (self.vr is None and not is_known(self.tag))


class Headers:
    """Reads headers in `content`, most of them one after the other."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._begin = 0
        self._window = b""

    def bytes_at(self, place: int, size: int = HEADER_BYTES) -> bytes:
        """Return `size` bytes from `place` on, fewer at the end."""
        at = place - self._begin
        if at < 0 or at + size > len(self._window):
            self._begin, at = place, 0
            self._window = bytes(self._content[place : place + _WINDOW_BYTES])
        return self._window[at : at + size]

    def at(self, place: int, stop: int, coding: Coding) -> Header:
        """Return the header at `place`.

        Raises
        ------
        MalformedDataset
            It does not end before `stop`, or what stands there is the header of no element.
        """
        order = coding.order
        head = self.bytes_at(place)
        if len(head) < HEADER_BYTES or place + HEADER_BYTES > stop:
            raise MalformedDataset("the file breaks off")
        group, number = struct.unpack_from(f"{order}HH", head)
        tag, start = group << 16 | number, place + HEADER_BYTES
        if group == ITEM >> 16:
            raise MalformedDataset("an item or a delimiter stands where an element should")
        if coding.implicit:
            return Header(tag, None, struct.unpack_from(f"{order}L", head, 4)[0], start)
        if not b"AA" <= head[4:6] <= b"ZZ":
            raise MalformedDataset("an element has no VR where VRs are explicit")
        vr = head[4:6].decode("latin-1")
        # What the plan says of a VR that nobody knows is not decided here.
        if vr not in LONG_VRS:
            return Header(tag, vr, struct.unpack_from(f"{order}H", head, 6)[0], start)
        length = self.bytes_at(start, 4)
        if len(length) < 4:
            raise MalformedDataset("the file breaks off")
        return Header(tag, vr, struct.unpack(f"{order}L", length)[0], start + 4)


def item_of(head: bytes, coding: Coding) -> tuple[int, int]:
    """Return tag and length of the header of an item or a delimiter."""
    group, number, length = struct.unpack(f"{coding.order}HHL", head)
    return group << 16 | number, length


def tag_bytes(tag: int, coding: Coding) -> bytes:
    """Return `tag` as it is encoded."""
    return struct.pack(f"{coding.order}HH", tag >> 16, tag & 0xFFFF)


def is_vr(two: bytes) -> bool:
    """Return whether two bytes may be a VR: upper-case letters."""
    return two.isalpha() and two.isupper()


def is_known(tag: int) -> bool:
    """Return whether the standard has an attribute `tag`."""
    return dictionary_has_tag(tag)
