"""Quantised coefficients to bits, as a sequential scan holds them.

Source: ISO/IEC 10918-1 F.1.2.1 (DC), F.1.2.2 (AC), A.3.6 (zigzag).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.jpeg.entropy import BLOCK, END_OF_BLOCK, ZERO_RUN
from deid_node.pixeldata.jpeg.huffman import Huffman

_LONGEST_RUN: Final = 16


@dataclass(frozen=True, slots=True)
class Coded:
    """A symbol, and the bits that follow its code."""

    symbol: int
    extra: int
    extra_bits: int


_SIXTEEN_ZEROS: Final = Coded(ZERO_RUN, 0, 0)
_END: Final = Coded(END_OF_BLOCK, 0, 0)


def dc_symbol(difference: int) -> Coded:
    """Return what says that a DC differs from the one before by `difference`."""
    bits = abs(difference).bit_length()
    return Coded(bits, _extra(difference, bits), bits)


def ac_symbols(zigzag: NDArray[np.int64]) -> list[Coded]:
    """Return what says the 63 AC coefficients behind the DC of a block in zigzag order."""
    coded: list[Coded] = []
    last = 0
    for index, value in enumerate(zigzag.tolist()):
        if index == 0 or value == 0:
            continue
        run = index - last - 1
        coded += [_SIXTEEN_ZEROS] * (run // _LONGEST_RUN)
        bits = abs(value).bit_length()
        coded.append(Coded((run % _LONGEST_RUN) << 4 | bits, _extra(value, bits), bits))
        last = index
    if last < BLOCK - 1:
        coded.append(_END)
    return coded


def bits_of(coded: Sequence[Coded], table: Huffman) -> NDArray[np.uint8]:
    """Return `coded` as bits, one a byte; every symbol must be in `table`."""
    codes = table.codes
    text = "".join(
        codes[one.symbol] + (f"{one.extra:0{one.extra_bits}b}" if one.extra_bits else "")
        for one in coded
    )
    return np.frombuffer(text.encode("ascii"), np.uint8) - np.uint8(ord("0"))


def _extra(value: int, bits: int) -> int:
    return value if value >= 0 else value + (1 << bits) - 1
