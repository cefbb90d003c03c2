"""What the header of a codestream says of itself, before it is decoded.

The DICOM attributes and the codestream may contradict each other. Size and
number of components must agree, or nothing is decoded: a decoder that trusts a
header of 65,535 x 65,535 takes the worker's memory. Colour is taken from the
codestream where it speaks plainly.

Source: ISO/IEC 10918-1 B.2, 10918-6 6 (Adobe), T.871 (JFIF); 14495-1 C.2;
15444-1 A.5, A.6.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from deid_node.errors import Undecodable

_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_ALONE: Final = frozenset(range(0xD0, 0xD8)) | {0x01, 0xD8}
_MAX_BEHIND_BYTES: Final = 16
_BLOCK: Final = 8
_RGB_IDS: Final = (b"RGB", b"rgb")
_JPEG_START: Final = b"\xff\xd8\xff"
_END: Final = b"\xff\xd9"
_JPEG_2000_START: Final = b"\xff\x4f\xff\x51"
_HEAD_BYTES: Final = 1 << 18
"""Where the header of a frame ends at the latest, application segments before it included."""


@dataclass(frozen=True, slots=True)
class Codestream:
    """Header of one frame; `colour` is RGB or YBR_FULL where it says so, else None.

    `reversible` is None where the header does not tell. `mcu` is rows and columns
    of pixels that are coded together in a JPEG: more than 8 where chroma is
    subsampled. It may differ from frame to frame.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    colour: str | None = None
    reversible: bool | None = None
    mcu: tuple[int, int] = field(default=(8, 8), compare=False)

    @property
    def subsampled(self) -> bool:
        """Whether components of a JPEG differ in size."""
        return max(self.mcu) > _BLOCK


def jpeg_header(codestream: bytes) -> Codestream:
    """Return what a JPEG or JPEG-LS codestream says of itself.

    Raises
    ------
    Undecodable
        It is none, or ends before its frame header.
    """
    position, jfif, transform = 0, False, None
    while position + 4 <= len(codestream):
        if codestream[position] != 0xFF:
            raise Undecodable("not a JPEG codestream")
        marker = codestream[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _ALONE:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", codestream, position + 2)
        body = codestream[position + 4 : position + 2 + length]
        if marker == 0xE0 and body.startswith(b"JFIF\x00"):
            jfif = True
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            transform = body[11]
        elif marker in _SOF:
            return _frame_header(body, marker, jfif=jfif, transform=transform)
        elif marker in {0xD9, 0xDA}:
            break
        position += 2 + length
    raise Undecodable("a JPEG codestream without frame header")


def _frame_header(body: bytes, marker: int, *, jfif: bool, transform: int | None) -> Codestream:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise Undecodable("a JPEG frame header that is cut short")
    precision, rows, columns, samples = struct.unpack(">BHHB", body[:6])
    ids = bytes(body[6 + 3 * index] for index in range(samples))
    colour = None
    if samples == 3:
        if ids in _RGB_IDS:
            colour = "RGB"
        elif marker != 0xC3 and transform is not None:
            colour = "YBR_FULL" if transform == 1 else "RGB"
        elif marker != 0xC3 and jfif:
            colour = "YBR_FULL"
    return Codestream(
        rows=rows,
        columns=columns,
        samples=samples,
        precision=precision,
        colour=colour,
        reversible=True if marker == 0xC3 else None if marker == 0xF7 else False,
        mcu=_mcu(body[7 : 6 + 3 * samples : 3]),
    )


def _mcu(factors: bytes) -> tuple[int, int]:
    """Return rows and columns of an MCU; one component alone has one block in it (A.2.2)."""
    if len(factors) <= 1:
        return _BLOCK, _BLOCK
    down, across = max(f & 15 for f in factors), max(f >> 4 for f in factors)
    return _BLOCK * max(1, down), _BLOCK * max(1, across)


def require_end(codestream: bytes) -> None:
    """Check that a JPEG or JPEG-LS codestream ends with its end marker, padding aside.

    CharLS computes for many seconds on the missing rest of a short stream, and
    libjpeg paints it grey.

    Raises
    ------
    Undecodable
        It was cut short.
    """
    if b"\xff\xd9" not in codestream.rstrip(b"\x00\xff")[-_MAX_BEHIND_BYTES:]:
        raise Undecodable("a JPEG codestream that is cut short")


def holds_another(codestream: bytes, header: Codestream) -> bool:
    """Return whether a second codestream, of the size in `header`, begins behind an end marker.

    One of another size is a preview, which is removed with what surrounds the coded data.
    Coded data of a JPEG holds no marker (10918-1 B.1.1.5); in that of JPEG 2000 the four
    bytes may stand by chance, and are then no header of that size.
    """
    end = codestream.find(_END)
    for start, read in ((_JPEG_START, jpeg_header), (_JPEG_2000_START, jpeg_2000_header)):
        place = end
        while place >= 0 and (place := codestream.find(start, place + 1)) >= 0:
            try:
                other = read(codestream[place : place + _HEAD_BYTES])
            except (Undecodable, struct.error):
                continue
            if (other.rows, other.columns) == (header.rows, header.columns):
                return True
    return False


def jpeg_2000_header(codestream: bytes) -> Codestream:
    """Return what a JPEG 2000 or HTJ2K codestream (bare or in a JP2 box) says of itself.

    `colour` is RGB where a component transformation is on: decoders undo it.

    Raises
    ------
    Undecodable
        It is none, or its components differ in size or depth.
    """
    start = codestream.find(_JPEG_2000_START, 0, 4096)
    if start < 0 or len(codestream) < start + 44:
        raise Undecodable("not a JPEG 2000 codestream")
    right, bottom, left, top = struct.unpack_from(">4L", codestream, start + 8)
    (samples,) = struct.unpack_from(">H", codestream, start + 40)
    components = codestream[start + 42 : start + 42 + 3 * samples]
    if not 1 <= samples <= 4 or len(components) < 3 * samples:
        raise Undecodable("a JPEG 2000 header that is cut short")
    if any(components[3 * n : 3 * n + 3] != components[:3] for n in range(samples)):
        raise Undecodable("JPEG 2000 components that differ in depth or sampling")
    transformed, reversible = _coding_style(codestream, start + 42 + 3 * samples)
    return Codestream(
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        precision=(components[0] & 0x7F) + 1,
        signed=bool(components[0] & 0x80),
        colour="RGB" if transformed and samples == 3 else None,
        reversible=reversible,
    )


def _coding_style(codestream: bytes, position: int) -> tuple[bool, bool | None]:
    while position + 4 <= len(codestream) and codestream[position] == 0xFF:
        marker = codestream[position + 1]
        (length,) = struct.unpack_from(">H", codestream, position + 2)
        if marker == 0x52 and position + 14 <= len(codestream):
            # COD: Scod, progression (1), layers (2), transformation (1), levels, block, style, 5/3?
            return bool(codestream[position + 8]), codestream[position + 13] == 1
        if marker in {0x90, 0x93}:
            break
        position += 2 + length
    return False, None
