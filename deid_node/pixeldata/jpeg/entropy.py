"""The entropy coded data of a sequential scan: where each block begins, and its DC.

Nothing is decoded that is not needed: a block is walked over symbol by symbol
only to find its end. What the next 16 bits are at each bit is computed beforehand
for many bits at once, and what they mean stands in tables, for all symbols that lie
in them together, so that the walk itself is three look-ups and two additions for two
or three symbols.

Source: ISO/IEC 10918-1 F.1.2, F.2.2 (Huffman decoding), F.1.1.5.1 (DC prediction),
F.1.2.3 (stuffing and padding).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.jpeg.huffman import CODE_BITS, Huffman, NotEditable

BLOCK: Final = 64
ZERO_RUN: Final = 0xF0
END_OF_BLOCK: Final = 0x00
# Of samples of 12 bits (F.1.2.1.2, F.1.2.2.1); those of 8 have four less.
_MOST_DC_BITS: Final = 15
_MOST_AC_BITS: Final = 14
_EXTRA: Final = 0x0F

# What a symbol adds to the index of the coefficient; sums tell how a block ended.
_ENDS: Final = 128
_WRONG: Final = 255
_LAST_ENDED: Final = BLOCK - 1 + _ENDS

_TABLES_HELD: Final = 8
_CHUNK_BYTES: Final = 1 << 16
# A block has at most 64 symbols of 31 bits; ten blocks make the largest MCU.
_MARGIN_BYTES: Final = 10 * BLOCK * 31 // 8 + 8


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one component in one scan."""

    dc: Huffman
    ac: Huffman


def plain_of(data: bytes) -> bytes:
    """Return entropy coded data without the bytes that are stuffed behind 0xFF."""
    return data.replace(b"\xff\x00", b"\xff")


def stuffed(plain: bytes) -> bytes:
    """Return entropy coded data with a zero byte behind each 0xFF."""
    return plain.replace(b"\xff", b"\xff\x00")


def block_starts(plain: bytes, plan: Sequence[Tables], mcus: int) -> NDArray[np.int64]:
    """Return the bit at which each block begins, and the bit behind the last one.

    Parameters
    ----------
    plain
        Data of one restart interval, not stuffed.
    plan
        The tables of each block of an MCU, in order.
    mcus
        Number of MCUs in `plain`.

    Raises
    ------
    NotEditable
        A code that no table has, a block of more than 64 coefficients, or less
        data than blocks.
    """
    starts: list[int] = []
    position = base = 0
    steps = [(_dc_steps(tables.dc), *_ac_steps(tables.ac)) for tables in plan]
    windows = memoryview(b"")
    limit = -1
    for _ in range(mcus):
        if position >= limit:
            base += position // 8
            position, limit = position % 8, 8 * _CHUNK_BYTES
            windows = _windows(plain[base : base + _CHUNK_BYTES + _MARGIN_BYTES])
        for dc_bits, one, several in steps:
            starts.append(8 * base + position)
            try:
                position += dc_bits[windows[position]]
                index = 1
                while index < BLOCK:
                    window = windows[position]
                    after = index + several.runs[window]
                    if after <= BLOCK or _ENDS < after <= _LAST_ENDED:
                        index = after
                        position += several.bits[window]
                    else:
                        # The block ends before the last of them, or there is something wrong.
                        index += one.runs[window]
                        position += one.bits[window]
            except IndexError:
                raise NotEditable from None
            if index > BLOCK and not _ENDS < index <= _LAST_ENDED:
                raise NotEditable
    starts.append(8 * base + position)
    if starts[-1] > 8 * len(plain):
        raise NotEditable
    return np.array(starts, dtype=np.int64)


def windows_at(plain: bytes, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the 16 bits that follow each bit of `positions`, ones behind the end."""
    octets = np.frombuffer(plain + b"\xff\xff\xff", np.uint8).astype(np.int64)
    first = np.minimum(positions >> 3, len(plain))
    wide = octets[first] << 16 | octets[first + 1] << 8 | octets[first + 2]
    result: NDArray[np.int64] = wide >> (8 - (positions & 7)) & 0xFFFF
    return result


def dc_at(
    plain: bytes, starts: NDArray[np.int64], table: Huffman
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the DC difference of each block, and the bit behind it.

    Raises
    ------
    NotEditable
        A code that the table does not have.
    """
    windows = windows_at(plain, starts)
    lengths, symbols = (part.astype(np.int64) for part in table.by_window)
    bits = symbols[windows]
    if not lengths[windows].all() or (bits > _MOST_DC_BITS).any():
        raise NotEditable
    behind_code = starts + lengths[windows]
    extra = windows_at(plain, behind_code) >> (CODE_BITS - bits)
    negative = extra < (1 << bits) >> 1
    return np.where(negative, extra - (1 << bits) + 1, extra), behind_code + bits


def _windows(part: bytes) -> memoryview:
    """Return the 16 bits that follow each bit of `part`."""
    octets = np.frombuffer(part + b"\xff\xff", np.uint8).astype(np.uint32)
    wide = octets[:-2] << 16 | octets[1:-1] << 8 | octets[2:]
    shifts = np.arange(8, 0, -1, dtype=np.uint32)
    return (wide[:, None] >> shifts).astype(np.uint16).reshape(-1).data


# Most frames of a cine, and both chroma components of each, share their tables.
@lru_cache(maxsize=_TABLES_HELD)
def _dc_steps(table: Huffman) -> bytes:
    lengths, symbols = table.by_window
    right = (lengths > 0) & (symbols <= _MOST_DC_BITS)
    return np.where(right, lengths + symbols, _WRONG).astype(np.uint8).tobytes()


@dataclass(frozen=True, slots=True)
class _Steps:
    """What the symbols at the beginning of each window of 16 bits add, to bit and to index."""

    bits: bytes
    runs: bytes


@lru_cache(maxsize=_TABLES_HELD)
def _ac_steps(table: Huffman) -> tuple[_Steps, _Steps]:
    """Return the steps of the first symbol of a window, and of all whose codes lie in it."""
    lengths, symbols = table.by_window
    extra = symbols & _EXTRA
    ends = symbols == END_OF_BLOCK
    runs = np.where(ends, _ENDS, (symbols >> 4) + 1)
    right = (lengths > 0) & ((extra > 0) | ends | (symbols == ZERO_RUN)) & (extra <= _MOST_AC_BITS)
    bits = np.where(right, lengths + extra, 1).astype(np.int64)
    runs = np.where(right, runs, _WRONG).astype(np.int64)
    windows = np.arange(1 << CODE_BITS)
    all_bits, all_runs = bits.copy(), runs.copy()
    while True:
        following = windows << all_bits & (1 << CODE_BITS) - 1
        whole = all_bits + lengths[following] <= CODE_BITS
        more = whole & right[following] & (all_runs < BLOCK)
        if not more.any():
            break
        all_bits[more] += bits[following[more]]
        all_runs[more] += runs[following[more]]
    return _steps(bits, runs), _steps(all_bits, all_runs)


def _steps(bits: NDArray[np.int64], runs: NDArray[np.int64]) -> _Steps:
    return _Steps(bits.astype(np.uint8).tobytes(), runs.astype(np.uint8).tobytes())
