"""Encapsulated Pixel Data: which bytes belong to which frame, and back.

The lengths in it come from outside and may lie, so every one is checked against
the bytes that are there. A frame that cannot be told from its neighbour is an
error: a guess would show the finder half a frame.

Source: PS3.5 A.4; PS3.3 C.7.6.3.1.8 (Extended Offset Table).
"""

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

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
    encapsulated: bytes | memoryview, frames: int, extended_offsets: Sequence[int] = ()
) -> tuple[tuple[Fragment, ...], ...]:
    """Return the fragments of each of `frames` frames, in order.

    The offset table decides, extended or basic; without one, one fragment a
    frame; else a frame begins where a codestream begins.

    Raises
    ------
    Undecodable
        The items do not follow each other, end too soon, or hold fewer frames.
    MalformedDataset
        They hold more frames than Number of Frames says.
    """
    view = memoryview(encapsulated)
    every = tuple(_items(view))
    if not every:
        raise Undecodable("Pixel Data holds no offset table")
    table, fragments = every[0], every[1:]
    if not fragments:
        raise Undecodable("Pixel Data holds no fragment")
    offsets = extended_offsets or _basic_offsets(view, table)
    if frames == 1 and len(offsets) <= 1:
        return (fragments,)
    if offsets:
        return _by_offsets(fragments, offsets, frames)
    if len(fragments) == frames:
        return tuple((fragment,) for fragment in fragments)
    if len(fragments) < frames:
        raise Undecodable("Pixel Data holds fewer fragments than frames")
    return _by_starts(view, fragments, frames)


def joined(encapsulated: bytes | memoryview, fragments: Sequence[Fragment]) -> bytes:
    """Return the bytes of `fragments`, one after the other."""
    view = memoryview(encapsulated)
    return b"".join(view[fragment.start : fragment.stop] for fragment in fragments)


def encapsulated(
    frames: int, codestream: Callable[[int], bytes], *, extended: bool
) -> tuple[bytes, tuple[int, ...], tuple[int, ...]]:
    """Return Pixel Data with one fragment a frame, and each frame's offset and length.

    `codestream` gives that of each of `frames` frames, and is asked twice. The
    sequence delimiter is left out, as in pydicom: its writer adds it. The
    Basic Offset Table is filled unless `extended` says that the caller writes an
    Extended Offset Table, or an offset does not fit 32 bits.
    """
    lengths = [-(-len(codestream(index)) // 2) * 2 for index in range(frames)]
    offsets, position = [], 0
    for length in lengths:
        offsets.append(position)
        position += _HEADER_BYTES + length
    basic = b""
    if not extended and offsets[-1] <= _MAX_BASIC_OFFSET:
        basic = struct.pack(f"<{len(offsets)}L", *offsets)
    content = io.BytesIO()
    content.write(_ITEM + struct.pack("<L", len(basic)) + basic)
    for index, length in enumerate(lengths):
        content.write(_ITEM + struct.pack("<L", length))
        content.write(codestream(index).ljust(length, b"\x00"))
    return content.getvalue(), tuple(offsets), tuple(lengths)


def _items(view: memoryview) -> Iterator[Fragment]:
    position, size = 0, len(view)
    while position < size:
        tag = bytes(view[position : position + 4])
        if tag == _END:
            if any(view[position + _HEADER_BYTES :]):
                raise Undecodable("bytes follow the end of Pixel Data")
            return
        if tag != _ITEM or position + _HEADER_BYTES > size:
            # The delimiter itself is often left out by the reader; padding is not a frame.
            if position and not any(view[position:]):
                return
            raise Undecodable("Pixel Data is not a sequence of items")
        (length,) = struct.unpack_from("<L", view, position + 4)
        start = position + _HEADER_BYTES
        if start + length > size:
            raise Undecodable("a fragment is longer than Pixel Data")
        yield Fragment(position, start, start + length)
        position = start + length


def _basic_offsets(view: memoryview, table: Fragment) -> tuple[int, ...]:
    length = table.stop - table.start
    if length % 4:
        raise Undecodable("the Basic Offset Table is not of whole entries")
    return struct.unpack(f"<{length // 4}L", view[table.start : table.stop])


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
    view: memoryview, fragments: Sequence[Fragment], frames: int
) -> tuple[tuple[Fragment, ...], ...]:
    groups: list[list[Fragment]] = []
    for fragment in fragments:
        if bytes(view[fragment.start : fragment.start + 6]).startswith(_STARTS):
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
