"""Quantised coefficients to bits, as a baseline scan holds them.

Source: ISO/IEC 10918-1 F.1.2.1 (DC), F.1.2.2 (AC), A.3.6 (zigzag).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.jpeg.entropy import BLOCK, END_OF_BLOCK, ZERO_RUN
from deid_node.pixels.jpeg.huffman import Huffman

_LONGEST_RUN: Final = 16


@dataclass(frozen=True, slots=True)
class Coded:
    """A symbol, and the bits that follow its code."""

    symbol: int
    extra: int
    extra_bits: int


def dc_symbol(difference: int) -> Coded:
    """Return what says that a DC differs from the one before by `difference`."""
    bits = abs(difference).bit_length()
    return Coded(bits, _extra(difference, bits), bits)


def ac_symbols(zigzag: NDArray[np.int64]) -> list[Coded]:
    """Return what says the 63 AC coefficients behind the DC of a block in zigzag order."""
    coded: list[Coded] = []
    last = 0
    for index in np.flatnonzero(zigzag[1:]) + 1:
        value = int(zigzag[index])
        run = int(index) - last - 1
        coded += [Coded(ZERO_RUN, 0, 0)] * (run // _LONGEST_RUN)
        bits = abs(value).bit_length()
        coded.append(Coded((run % _LONGEST_RUN) << 4 | bits, _extra(value, bits), bits))
        last = int(index)
    if last < BLOCK - 1:
        coded.append(Coded(END_OF_BLOCK, 0, 0))
    return coded


def bits_of(coded: Sequence[Coded], table: Huffman) -> NDArray[np.uint8]:
    """Return `coded` as bits, one a byte; every symbol must be in `table`."""
    codes, lengths = table.by_symbol
    text = "".join(
        f"{codes[one.symbol]:0{lengths[one.symbol]}b}"
        + (f"{one.extra:0{one.extra_bits}b}" if one.extra_bits else "")
        for one in coded
    )
    return np.frombuffer(text.encode("ascii"), np.uint8) - np.uint8(ord("0"))


def _extra(value: int, bits: int) -> int:
    return value if value >= 0 else value + (1 << bits) - 1
