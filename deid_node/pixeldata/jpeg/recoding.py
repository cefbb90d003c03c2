"""The symbols of a restart interval, written again by other Huffman tables.

A table that was made for one picture may have no code left. Then room is made in
it, which changes codes, and every symbol of the scan is written anew: the same
symbols in the same order, so the same coefficients.

Source: ISO/IEC 10918-1 F.1.2, F.2.2.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.jpeg.entropy import BLOCK, END_OF_BLOCK, Tables, windows_at
from deid_node.pixeldata.jpeg.huffman import CODE_BITS, Huffman, NotEditable
from deid_node.pixeldata.jpeg.symbols import Coded

_AT_A_TIME: Final = 1 << 16
_SYMBOLS: Final = 256
_EXTRA: Final = 0x0F


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """Codes and what follows them, one after the other: numbers, and how many bits of each."""

    values: NDArray[np.int32]
    lengths: NDArray[np.uint8]

    def bits(self) -> NDArray[np.uint8]:
        """Return the bits, one a byte."""
        found = [np.empty(0, np.uint8)]
        for first in range(0, len(self.values), _AT_A_TIME):
            values = self.values[first : first + _AT_A_TIME].astype(np.int64)
            lengths = self.lengths[first : first + _AT_A_TIME]
            ends = np.repeat(np.cumsum(lengths, dtype=np.int64), lengths)
            shifts = ends - 1 - np.arange(len(ends))
            found.append((np.repeat(values, lengths) >> shifts & 1).astype(np.uint8))
        return np.concatenate(found)


@dataclass(frozen=True, slots=True, eq=False)
class Symbols:
    """Every symbol of an interval: where its code begins, and the first one of each block."""

    places: NDArray[np.int64]
    firsts: NDArray[np.int64]


def symbols_of(plain: bytes, starts: NDArray[np.int64], plan: Sequence[Tables]) -> Symbols:
    """Return the symbols of the blocks that begin at `starts`, whose last entry is the end.

    Parameters
    ----------
    plain, plan
        As for `block_starts`, which gives `starts`.

    Raises
    ------
    NotEditable
        They do not lead from one start to the next.
    """
    octets = np.frombuffer(plain + b"\xff\xff\xff", np.uint8).astype(np.uint32)
    wide = octets[:-2] << 16 | octets[1:-1] << 8 | octets[2:]
    shifts = np.arange(8, 0, -1, dtype=np.uint32)
    windows = (wide[:, None] >> shifts).astype(np.uint16).reshape(-1).data
    tables = [(_steps(one.dc, is_dc=True), _steps(one.ac, is_dc=False)) for one in plan]
    # A film has millions of them.
    places, firsts = array("q"), array("q")
    ends = starts.tolist()
    for block, place in enumerate(ends[:-1]):
        dc, (bits, runs) = tables[block % len(tables)]
        firsts.append(len(places))
        places.append(place)
        position = place + dc[0][windows[place]]
        index = 1
        while index < BLOCK:
            window = windows[position]
            places.append(position)
            position += bits[window]
            index += runs[window]
        if position != ends[block + 1]:
            raise NotEditable
    firsts.append(len(places))
    return Symbols(np.frombuffer(places, np.int64), np.frombuffer(firsts, np.int64))


def _steps(table: Huffman, *, is_dc: bool) -> tuple[bytes, bytes]:
    """Return by window how many bits the first symbol takes, and how far it leads."""
    lengths, symbols = table.by_window
    extra = symbols if is_dc else symbols & _EXTRA
    runs = np.where(symbols == END_OF_BLOCK, BLOCK, (symbols >> 4) + 1)
    return (lengths + extra).astype(np.uint8).tobytes(), runs.astype(np.uint8).tobytes()


def written(
    plain: bytes,
    symbols: Symbols,
    plan: Sequence[Tables],
    owners: Sequence[int],
    tables: Sequence[Tables],
) -> Written:
    """Return every symbol of `plain` by `tables`, those of each component of the scan."""
    count = len(symbols.places)
    blocks = np.repeat(np.arange(len(symbols.firsts) - 1), np.diff(symbols.firsts))
    turns = blocks % len(plan)
    is_dc = np.zeros(count, np.bool_)
    is_dc[symbols.firsts[:-1]] = True
    values, lengths = np.zeros((count, 2), np.int32), np.zeros((count, 2), np.uint8)
    window = windows_at(plain, symbols.places)
    for turn, old in enumerate(plan):
        new = tables[owners[turn]]
        for chosen, was, now in (
            ((turns == turn) & is_dc, old.dc, new.dc),
            ((turns == turn) & ~is_dc, old.ac, new.ac),
        ):
            sizes, names = (part.astype(np.int64) for part in was.by_window)
            name = names[window[chosen]]
            extra = name if was is old.dc else name & _EXTRA
            code, size = _codes(now)
            behind = windows_at(plain, symbols.places[chosen] + sizes[window[chosen]])
            values[chosen] = np.stack([code[name], behind >> (CODE_BITS - extra)], axis=1)
            lengths[chosen] = np.stack([size[name], extra], axis=1)
    return Written(values.reshape(-1), lengths.reshape(-1))


def of_coded(coded: Sequence[Coded], table: Huffman) -> Written:
    """Return `coded` by `table`."""
    code, size = _codes(table)
    pairs = [(code[one.symbol], one.extra) for one in coded]
    sizes = [(size[one.symbol], one.extra_bits) for one in coded]
    return Written(np.array(pairs, np.int32).reshape(-1), np.array(sizes, np.uint8).reshape(-1))


def joined(parts: Sequence[Written]) -> Written:
    """Return `parts` one after the other."""
    return Written(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.lengths for part in parts]),
    )


def _codes(table: Huffman) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    code, size = np.zeros(_SYMBOLS, np.int64), np.zeros(_SYMBOLS, np.int64)
    for symbol, text in table.codes.items():
        code[symbol], size[symbol] = int(text, 2), len(text)
    return code, size
