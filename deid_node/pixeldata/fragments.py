"""Encapsulated Pixel Data: which bytes belong to which frame, and back.

The lengths in it come from outside and may lie, so every one is checked against
the bytes that are there. A frame that cannot be told from its neighbour is an
error: a guess would show the finder half a frame.

Source: PS3.5 A.4; PS3.3 C.7.6.3.1.8 (Extended Offset Table).
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deid_node.dicom.bulk import Content, pieces
from deid_node.dicom.scratch import Scratch
from deid_node.errors import MalformedDataset, Undecodable

_ITEM: Final = b"\xfe\xff\x00\xe0"
_END: Final = b"\xfe\xff\xdd\xe0"
_HEADER_BYTES: Final = 8
_MAX_BASIC_OFFSET: Final = 2**32 - 1
# JPEG and JPEG-LS start of image; JPEG 2000 start of codestream; JP2 signature.
_STARTS: Final = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Where the bytes of one fragment lie; `item` is the offset of its item tag."""

    item: int
    start: int
    stop: int


def split(
    content: Content, frames: int, extended_offsets: Sequence[int] = ()
) -> tuple[tuple[Fragment, ...], ...]:
    """Return the fragments of each of `frames` frames in encapsulated `content`, in order.

    The offset table decides, extended or basic; without one, or where all its offsets
    are zero, one fragment a frame; else a frame begins where a codestream begins.
    No frame has two codestreams.

    Raises
    ------
    Undecodable
        The items do not follow each other, end too soon, or hold fewer frames.
    MalformedDataset
        They hold more frames than Number of Frames says.
    """
    every = tuple(_items(content))
    if not every:
        raise Undecodable("Pixel Data holds no offset table")
    table, fragments = every[0], every[1:]
    if not fragments:
        raise Undecodable("Pixel Data holds no fragment")
    offsets = extended_offsets or _basic_offsets(content, table)
    if frames > 1 and not any(offsets):
        # Some writers leave the table empty by zeros, one for each frame or only one.
        offsets = ()
    groups = _grouped(content, fragments, offsets, frames)
    for group in groups:
        if any(_begins(content, fragment) for fragment in group[1:]):
            raise MalformedDataset("Pixel Data holds more frames than NumberOfFrames says")
    return groups


def _grouped(
    content: Content, fragments: tuple[Fragment, ...], offsets: Sequence[int], frames: int
) -> tuple[tuple[Fragment, ...], ...]:
    if frames == 1 and len(offsets) <= 1:
        return (fragments,)
    if offsets:
        return _by_offsets(fragments, offsets, frames)
    if len(fragments) == frames:
        return tuple((fragment,) for fragment in fragments)
    if len(fragments) < frames:
        raise Undecodable("Pixel Data holds fewer fragments than frames")
    return _by_starts(content, fragments, frames)


def _begins(content: Content, fragment: Fragment) -> bool:
    """Return whether a codestream begins with `fragment`."""
    return bytes(content[fragment.start : fragment.start + 6]).startswith(_STARTS)


def joined(content: Content, fragments: Sequence[Fragment]) -> bytes:
    """Return the bytes of `fragments`, one after the other."""
    return b"".join(content[fragment.start : fragment.stop] for fragment in fragments)


class Encapsulation:
    """Encapsulated Pixel Data in the making, one fragment a frame.

    The sequence delimiter is left out, as in pydicom: its writer adds it.

    Parameters
    ----------
    frames
        How many will be added.
    extended
        The caller writes an Extended Offset Table, so the basic one stays empty.
    scratch_dir
        See `Scratch`.
    """

    def __init__(self, frames: int, *, extended: bool, scratch_dir: Path | None) -> None:
        self._scratch = Scratch(scratch_dir)
        self._begin = _HEADER_BYTES + (0 if extended else 4 * frames)
        # Room for the Basic Offset Table, which is known at the end.
        self._scratch.add(_item(self._begin - _HEADER_BYTES) + bytes(self._begin - _HEADER_BYTES))
        self.offsets: list[int] = []
        self.lengths: list[int] = []

    def add(self, codestream: bytes) -> None:
        """Take the codestream of the next frame; raises `OSError` where the disk is full."""
        length = -(-len(codestream) // 2) * 2
        self.offsets.append(len(self._scratch) - self._begin)
        self.lengths.append(length)
        self._scratch.add(_item(length))
        self._scratch.add(codestream.ljust(length, b"\x00"))

    def content(self) -> Content:
        """Return everything; the basic table is empty too where an offset does not fit 32 bits."""
        if self._begin == _HEADER_BYTES or self.offsets[-1] <= _MAX_BASIC_OFFSET:
            if self._begin > _HEADER_BYTES:
                table = struct.pack(f"<{len(self.offsets)}L", *self.offsets)
                self._scratch.put(_HEADER_BYTES, table)
            return self._scratch.content()
        self._scratch.put(self._begin - _HEADER_BYTES, _item(0))
        return self._scratch.content(self._begin - _HEADER_BYTES)


def _item(length: int) -> bytes:
    return _ITEM + struct.pack("<L", length)


def _items(content: Content) -> Iterator[Fragment]:
    position, size = 0, len(content)
    while position < size:
        header = bytes(content[position : position + _HEADER_BYTES])
        if header[:4] == _END:
            if any(map(any, pieces(content, position + _HEADER_BYTES))):
                raise Undecodable("bytes follow the end of Pixel Data")
            return
        if header[:4] != _ITEM or len(header) < _HEADER_BYTES:
            # The delimiter itself is often left out by the reader; padding is not a frame.
            if position and not any(map(any, pieces(content, position))):
                return
            raise Undecodable("Pixel Data is not a sequence of items")
        (length,) = struct.unpack_from("<L", header, 4)
        start = position + _HEADER_BYTES
        if start + length > size:
            raise Undecodable("a fragment is longer than Pixel Data")
        yield Fragment(position, start, start + length)
        position = start + length


def _basic_offsets(content: Content, table: Fragment) -> tuple[int, ...]:
    length = table.stop - table.start
    if length % 4:
        raise Undecodable("the Basic Offset Table is not of whole entries")
    return struct.unpack(f"<{length // 4}L", content[table.start : table.stop])


def _by_offsets(
    fragments: Sequence[Fragment], offsets: Sequence[int], frames: int
) -> tuple[tuple[Fragment, ...], ...]:
    if len(offsets) != frames:
        raise MalformedDataset("the offset table contradicts NumberOfFrames")
    first = fragments[0].item
    starts = {fragment.item - first: index for index, fragment in enumerate(fragments)}
    if any(offset not in starts for offset in offsets):
        raise Undecodable("the offset table points between fragments")
    begins = [starts[offset] for offset in offsets]
    if begins[0] != 0 or sorted(set(begins)) != begins:
        raise Undecodable("the offset table is not in the order of the frames")
    ends = [*begins[1:], len(fragments)]
    return tuple(tuple(fragments[a:b]) for a, b in zip(begins, ends, strict=True))


def _by_starts(
    content: Content, fragments: Sequence[Fragment], frames: int
) -> tuple[tuple[Fragment, ...], ...]:
    groups: list[list[Fragment]] = []
    for fragment in fragments:
        if _begins(content, fragment):
            groups.append([fragment])
        elif groups:
            groups[-1].append(fragment)
        else:
            raise Undecodable("Pixel Data does not begin with a codestream")
    if len(groups) > frames:
        raise MalformedDataset("Pixel Data holds more frames than NumberOfFrames says")
    if len(groups) < frames:
        raise Undecodable("the frames of Pixel Data cannot be told apart")
    return tuple(tuple(group) for group in groups)
