"""The marker segments of a JPEG 2000 codestream that could hold text.

Comments go, but for the line in which an encoder names itself and its version;
so does everything before and behind the codestream, such as the boxes of a JP2
file: PS3.5 allows the bare codestream only. The coded data is copied.

Source: ISO/IEC 15444-1 A.2, A.4.2 (SOT), A.7.1 (TLM), A.9.2 (COM), I (JP2);
PS3.5 8.2.4, A.4.4.
"""

import re
import struct
from typing import Final

from deid_node.errors import Undecodable

_START: Final = b"\xff\x4f\xff\x51"
_TILE_PART, _DATA, _END, _COMMENT, _LENGTHS = 0x90, 0x93, 0xD9, 0x64, 0x55
_LATIN: Final = b"\x00\x01"
_ENCODER: Final = re.compile(
    rb"(?:Created by:? |Creator: )?(?:GDCM/)?"
    rb"(?:OpenJPEG|OpenJPH|Kakadu|JasPer|JJ2000|Grok)"
    rb"[- ](?:v|Ver |version )?[0-9.]{1,12}",
    re.IGNORECASE,
)
_PSOT: Final = 6
"""Offset of the length of a tile-part in its first segment, marker included."""


def without_text(codestream: bytes) -> bytes:
    """Return `codestream` without comments and without what surrounds it.

    `codestream` itself comes back where there is nothing of the kind.

    Raises
    ------
    Undecodable
        Its segments do not follow each other up to its end marker.
    """
    begin = codestream.find(_START)
    if begin < 0:
        raise Undecodable("not a JPEG 2000 codestream")
    pieces = [codestream[begin : begin + 2]]
    position, dropped = begin + 2, False
    try:
        while codestream[position + 1] != _TILE_PART:
            position, dropped = _segment(codestream, position, pieces, dropped=dropped)
        tiles_dropped = False
        while codestream[position + 1] == _TILE_PART:
            position, fewer = _tile_part(codestream, position, pieces)
            tiles_dropped = tiles_dropped or fewer
        if codestream[position : position + 2] != bytes((0xFF, _END)):
            raise Undecodable("a JPEG 2000 codestream that is cut short")
    except (IndexError, struct.error):
        raise Undecodable("a JPEG 2000 codestream that is cut short") from None
    pieces.append(codestream[position : position + 2])
    if tiles_dropped:
        # The lengths of tile-parts are given twice; the second list may be left out.
        pieces = [piece for piece in pieces if not piece.startswith(bytes((0xFF, _LENGTHS)))]
    tail = codestream[position + 2 :]
    changed = dropped or tiles_dropped or begin > 0 or bool(tail.strip(b"\x00\xff"))
    return b"".join(pieces) if changed else codestream


def _segment(
    codestream: bytes, position: int, pieces: list[bytes], *, dropped: bool
) -> tuple[int, bool]:
    """Add the segment at `position` to `pieces` unless it is a comment; return what follows."""
    start, marker, length = struct.unpack_from(">BBH", codestream, position)
    stop = position + 2 + length
    if start != 0xFF or length < 2 or stop > len(codestream):
        raise Undecodable("a JPEG 2000 codestream that is cut short")
    body = codestream[position + 4 : stop]
    named = body.startswith(_LATIN) and _ENCODER.fullmatch(body[len(_LATIN) :].rstrip(b"\x00"))
    if marker == _COMMENT and not named:
        return stop, True
    pieces.append(codestream[position:stop])
    return stop, dropped


def _tile_part(codestream: bytes, position: int, pieces: list[bytes]) -> tuple[int, bool]:
    """Add the tile-part at `position` to `pieces`; return what follows and whether it shrank."""
    (length,) = struct.unpack_from(">L", codestream, position + _PSOT)
    # No length: the last tile-part, up to the end marker.
    stop = position + length if length else codestream.rindex(bytes((0xFF, _END)), position)
    own: list[bytes] = []
    head, dropped = position, False
    while codestream[head + 1] != _DATA:
        head, dropped = _segment(codestream, head, own, dropped=dropped)
    if not head < stop <= len(codestream):
        raise Undecodable("a JPEG 2000 codestream that is cut short")
    own.append(codestream[head:stop])
    if dropped and length:
        first = own[0]
        size = struct.pack(">L", sum(map(len, own)))
        own[0] = first[:_PSOT] + size + first[_PSOT + len(size) :]
    pieces += own
    return stop, dropped
