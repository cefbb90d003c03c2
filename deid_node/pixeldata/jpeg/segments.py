"""The marker segments of a JPEG or JPEG-LS codestream, and the data between them.

Segments other than those that a decoder needs may hold anything: a comment with
the name of the patient, an EXIF block, a thumbnail of the picture before it was
cleaned. The entropy coded data is copied, never touched, so what is decoded
stays bit for bit.

Source: ISO/IEC 10918-1 B.1, B.2; 10918-5 (JFIF); 10918-6 6 (Adobe); 14495-1 C.2.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

from deid_node.errors import Undecodable

START, END, SCAN = 0xD8, 0xD9, 0xDA
FRAME_BASELINE, FRAME_EXTENDED = 0xC0, 0xC1
HUFFMAN, QUANTISATION, RESTART = 0xC4, 0xDB, 0xDD

_ALONE: Final = frozenset({0x01, *range(0xD0, 0xDA)})
_COMMENT: Final = 0xFE
_APPLICATION: Final = range(0xE0, 0xF0)
_EXTENSION: Final = frozenset({*range(0xF0, 0xF7), *range(0xF9, 0xFE)})
# A marker is 0xFF and a code; in the data of a scan 0xFF 0x00 is a byte of data (JPEG), or
# 0xFF and a byte below 0x80 (JPEG-LS), and restart markers belong to it.
_BEHIND_SCAN: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_BEHIND_LS_SCAN: Final = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]")
_ANY: Final = re.compile(rb"\xff+[^\x00\xff]")

_JFIF: Final = b"JFIF\x00"
_JFIF_BYTES: Final = 14
_ADOBE_BYTES: Final = 12
_LS_TRANSFORM_BYTES: Final = 5
_CODE_LENGTHS: Final = 16
_AC_TABLES: Final = 0x10


@dataclass(frozen=True, slots=True)
class Part:
    """One marker and what belongs to it, as offsets into the codestream.

    `start` is that of the marker with its fill bytes; the body of a segment lies
    from `body` to `data`; the entropy coded data of a scan from `data` to `stop`.
    """

    marker: int
    start: int
    body: int
    data: int
    stop: int


def parts_of(codestream: bytes, *, is_ls: bool = False) -> tuple[Part, ...]:
    """Return the parts of `codestream` from its start to its end marker.

    Bytes that belong to no part are skipped as decoders skip them. `is_ls` says
    that it is JPEG-LS.

    Raises
    ------
    Undecodable
        It does not begin and end as one, or a segment is longer than what is left.
    """
    if not codestream.startswith(b"\xff\xd8"):
        raise Undecodable("not a JPEG codestream")
    behind_scan = _BEHIND_LS_SCAN if is_ls else _BEHIND_SCAN
    parts: list[Part] = []
    position = 0
    while True:
        found = _ANY.search(codestream, position)
        if found is None:
            raise Undecodable("a JPEG codestream that is cut short")
        body = found.end()
        marker = codestream[body - 1]
        data = body
        if marker not in _ALONE:
            if body + 2 > len(codestream):
                raise Undecodable("a JPEG segment that is cut short")
            (length,) = struct.unpack_from(">H", codestream, body)
            data, body = body + length, body + 2
            if length < 2 or data > len(codestream):
                raise Undecodable("a JPEG segment that is cut short")
        stop = data
        if marker == SCAN:
            behind = behind_scan.search(codestream, data)
            if behind is None:
                raise Undecodable("a JPEG codestream that is cut short")
            stop = behind.start()
        parts.append(Part(marker, found.start(), body, data, stop))
        if marker == END:
            return tuple(parts)
        position = stop


def without_text(codestream: bytes, *, is_ls: bool = False) -> bytes:
    """Return `codestream` without segments that could hold text or a second picture.

    Comments and application segments go, but for what tells decoders of colour:
    JFIF without its thumbnail, Adobe's, and the transformation of JPEG-LS. So do
    bytes between segments and behind the end marker. `codestream` itself comes
    back where there is nothing of the kind.

    Raises
    ------
    Undecodable
        See `parts_of`.
    """
    parts = parts_of(codestream, is_ls=is_ls)
    kept = [piece for part in parts for piece in _kept(codestream, part, is_ls=is_ls)]
    result = b"".join(kept)
    # Padding to an even length, or to a multiple of four by some writers.
    if codestream.startswith(result) and not codestream[len(result) :].strip(b"\x00\xff"):
        return codestream
    return result


def names_every_table(codestream: bytes) -> bool:
    """Return whether the scans of a lossless JPEG name every Huffman table that it defines.

    libjpeg-turbo 3.1 codes chroma by a second table and names the first one: decoders
    that keep to the standard make noise of it, others the picture.

    Raises
    ------
    Undecodable
        See `parts_of`.
    """
    defined: set[int] = set()
    named: set[int] = set()
    for part in parts_of(codestream):
        body = codestream[part.body : part.data]
        if part.marker == HUFFMAN:
            place = 0
            while place < len(body):
                defined.add(body[place])
                place += 1 + _CODE_LENGTHS + sum(body[place + 1 : place + 1 + _CODE_LENGTHS])
        elif part.marker == SCAN:
            named.update(number >> 4 for number in body[2:-3:2])
    # Tables from 16 on are those of AC coefficients: a lossless scan has none.
    return {number for number in defined if number < _AC_TABLES} <= named


def segment(marker: int, body: bytes) -> bytes:
    """Return a marker segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _kept(codestream: bytes, part: Part, *, is_ls: bool) -> tuple[bytes, ...]:
    whole = codestream[part.start : part.stop]
    if part.marker in _EXTENSION or part.marker == _COMMENT:
        return ()
    if part.marker not in _APPLICATION:
        return (whole,)
    body = codestream[part.body : part.data]
    kind = part.marker - _APPLICATION.start
    if kind == 0 and body.startswith(_JFIF) and len(body) >= _JFIF_BYTES:
        plain = body[: _JFIF_BYTES - 2] + b"\x00\x00"
        return (whole,) if body == plain else (segment(part.marker, plain),)
    if kind == 14 and body.startswith(b"Adobe"):
        return (whole,) if len(body) <= _ADOBE_BYTES else (segment(0xEE, body[:_ADOBE_BYTES]),)
    if is_ls and kind == 8 and body.startswith(b"mrfx") and len(body) == _LS_TRANSFORM_BYTES:
        return (whole,)
    return ()
