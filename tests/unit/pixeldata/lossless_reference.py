"""An encoder of lossless JPEG, written for clearness alone, with every freedom of the standard.

It shares no code with the package or a codec library. Source: ISO/IEC 10918-1 B.2, H.1.2.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tests.unit.pixeldata.instances import Array

# All codes of a table have one length; the tables differ in it, so no two can be confused.
CODE_BITS = (5, 6, 7)
_SYMBOLS = 17


@dataclass(frozen=True)
class Freedom:
    """What an encoder may choose; `tables` is by component, `restart_rows` 0 means none."""

    predictor: int = 1
    tables: Sequence[int] = (0, 0, 0)
    interleaved: bool = True
    restart_rows: int = 0


def encoded(samples: Array, precision: int, freedom: Freedom) -> bytes:
    """Return ``(rows, columns, components)`` samples as a codestream."""
    rows, columns, count = samples.shape
    frame = struct.pack(">BHHB", precision, rows, columns, count)
    frame += b"".join(bytes([n + 1, 0x11, 0]) for n in range(count))
    pieces = [b"\xff\xd8", _segment(0xC3, frame)]
    for number in sorted(set(freedom.tables[:count])):
        counts = [_SYMBOLS if bits + 1 == CODE_BITS[number] else 0 for bits in range(16)]
        pieces.append(_segment(0xC4, bytes([number, *counts, *range(_SYMBOLS)])))
    if freedom.restart_rows:
        pieces.append(_segment(0xDD, struct.pack(">H", freedom.restart_rows * columns)))
    every = list(range(count))
    for scan in [every] if freedom.interleaved else [[n] for n in every]:
        chosen = b"".join(bytes([n + 1, freedom.tables[n] << 4]) for n in scan)
        tail = bytes([freedom.predictor, 0, 0])
        pieces.append(_segment(0xDA, bytes([len(scan)]) + chosen + tail))
        pieces.append(_scan(samples, precision, scan, freedom))
    return b"".join(pieces) + b"\xff\xd9"


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _scan(samples: Array, precision: int, scan: Sequence[int], freedom: Freedom) -> bytes:
    rows, columns = samples.shape[:2]
    height = freedom.restart_rows or rows
    pieces = []
    for number, top in enumerate(range(0, rows, height)):
        bits = ""
        for y in range(top, min(rows, top + height)):
            for x in range(columns):
                for n in scan:
                    near = _predicted(samples[..., n], y, x, top, precision, freedom.predictor)
                    bits += _coded(int(samples[y, x, n]) - near, CODE_BITS[freedom.tables[n]])
        bits += "1" * (-len(bits) % 8)
        data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
        pieces += [bytes([0xFF, 0xD0 + (number - 1) % 8])] if number else []
        pieces.append(data)
    return b"".join(pieces)


def _predicted(plane: Array, y: int, x: int, top: int, precision: int, predictor: int) -> int:
    if y == top:
        return int(plane[y, x - 1]) if x else 1 << (precision - 1)
    if x == 0:
        return int(plane[y - 1, 0])
    a, b, c = int(plane[y, x - 1]), int(plane[y - 1, x]), int(plane[y - 1, x - 1])
    every = (a, b, c, a + b - c, a + (b - c >> 1), b + (a - c >> 1), a + b >> 1)
    return every[predictor - 1]


def _coded(difference: int, code_bits: int) -> str:
    difference = (difference + 0x8000) % 0x10000 - 0x8000
    size = abs(difference).bit_length()
    if size == 16:
        return f"{size:0{code_bits}b}"
    raw = difference if difference >= 0 else difference + (1 << size) - 1
    return f"{size:0{code_bits}b}" + (f"{raw:0{size}b}" if size else "")
