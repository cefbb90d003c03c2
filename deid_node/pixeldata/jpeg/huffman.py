"""Huffman tables of sequential JPEG: codes to symbols, symbols to codes.

Codes are canonical: they are counted up from zero through the lengths. So a table
can be given further symbols behind its last one, with codes of 16 bits, and every
code that it had stays as it was. A table without room for them is another one.

Source: ISO/IEC 10918-1 B.2.4.2, C (generation of the codes), F.1.2, K.2.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

CODE_BITS: Final = 16
_WINDOWS: Final = 1 << CODE_BITS


class NotEditable(Exception):
    """The codestream is not of the kind that is edited block by block, or is broken."""


@dataclass(frozen=True)
class Huffman:
    """A table as its segment tells it: how many codes of 1 to 16 bits, and their symbols.

    Raises
    ------
    NotEditable
        There are more codes than fit, or a symbol stands twice.
    """

    counts: bytes
    symbols: bytes

    def __post_init__(self) -> None:
        if len(self.counts) != CODE_BITS or sum(self.counts) != len(self.symbols):
            raise NotEditable
        if len(set(self.symbols)) != len(self.symbols) or self._free < 0:
            raise NotEditable

    @cached_property
    def by_window(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Length of the code and symbol for each next 16 bits of the data; length 0: no code."""
        lengths, symbols = np.zeros(_WINDOWS, np.uint8), np.zeros(_WINDOWS, np.uint8)
        every = np.arange(1, CODE_BITS + 1, dtype=np.uint8)
        each = np.repeat(every, np.frombuffer(self.counts, np.uint8))
        spans = 1 << (CODE_BITS - each.astype(np.int64))
        used = _WINDOWS - self._free
        lengths[:used] = np.repeat(each, spans)
        symbols[:used] = np.repeat(np.frombuffer(self.symbols, np.uint8), spans)
        return lengths, symbols

    @cached_property
    def codes(self) -> dict[int, str]:
        """The code of each symbol, as zeros and ones."""
        found: dict[int, str] = {}
        code, place = 0, 0
        for length, count in enumerate(self.counts, 1):
            for symbol in self.symbols[place : place + count]:
                found[symbol] = f"{code:0{length}b}"
                code += 1
            place += count
            code <<= 1
        return found

    def with_symbols(self, wanted: Collection[int]) -> "Huffman":
        """Return a table that also has `wanted`, every code of this one unchanged if there is room.

        Where there is none it is made, and `extends` says that codes have changed.

        Raises
        ------
        NotEditable
            No room can be made: the code of sixteen ones must stay free.
        """
        missing = bytes(sorted(set(wanted) - set(self.symbols)))
        if not missing:
            return self
        table = self if len(missing) < self._free else self._with_room(len(missing))
        longest = table.counts[-1] + len(missing)
        if longest > 0xFF:
            raise NotEditable
        return Huffman(table.counts[:-1] + bytes([longest]), table.symbols + missing)

    def extends(self, other: "Huffman") -> bool:
        """Return whether every symbol of `other` has the code here that it has there."""
        codes = self.codes
        return all(codes.get(symbol) == code for symbol, code in other.codes.items())

    def _with_room(self, count: int) -> "Huffman":
        """Return a table with `count` free codes of 16 bits and one more.

        One symbol, the last of as long codes as will do, gets a code that is longer by a bit.
        """
        for length in range(CODE_BITS - 1, 0, -1):
            if self.counts[length - 1] and self._free + (1 << (CODE_BITS - 1 - length)) > count:
                place = sum(self.counts[:length]) - 1
                behind = place + 1 + self.counts[length]
                counts = bytearray(self.counts)
                counts[length - 1] -= 1
                counts[length] += 1
                order = self.symbols
                moved = order[:place] + order[place + 1 : behind] + order[place : place + 1]
                return Huffman(bytes(counts), moved + order[behind:])
        raise NotEditable

    @property
    def body(self) -> bytes:
        """Counts and symbols as a segment holds them, without class and number."""
        return self.counts + self.symbols

    @property
    def _free(self) -> int:
        """Number of 16-bit codes that no code of the table takes."""
        spans = (count << (CODE_BITS - length) for length, count in enumerate(self.counts, 1))
        return _WINDOWS - sum(spans)


def tables_in(body: bytes) -> dict[int, Huffman]:
    """Return the tables of a DHT segment by class and number (class in the upper four bits).

    Raises
    ------
    NotEditable
        The segment ends inside a table, or a table is none.
    """
    found: dict[int, Huffman] = {}
    position = 0
    while position < len(body):
        counts = body[position + 1 : position + 17]
        stop = position + 17 + sum(counts)
        if len(counts) < CODE_BITS or stop > len(body):
            raise NotEditable
        found[body[position]] = Huffman(counts, body[position + 17 : stop])
        position = stop
    return found
