"""One restart interval of a scan, written again with some blocks new.

Source: ISO/IEC 10918-1 F.1.1.5.1 (DC prediction starts anew in each interval).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.jpeg.entropy import Tables, block_starts, dc_at
from deid_node.pixeldata.jpeg.recoding import Written, joined, of_coded, symbols_of, written
from deid_node.pixeldata.jpeg.symbols import Coded, ac_symbols, bits_of, dc_symbol


@dataclass(frozen=True, slots=True, eq=False)
class NewBlocks:
    """For each block in the order of the scan the row of `values` that it becomes, -1: it stays.

    `values` are coefficients, ``(blocks, 64)`` in zigzag order.
    """

    places: NDArray[np.int64]
    values: NDArray[np.int64]

    def part(self, first: int, stop: int) -> "NewBlocks":
        """Return the blocks from `first` to before `stop`."""
        return NewBlocks(self.places[first:stop], self.values)

    @property
    def any(self) -> bool:
        """Whether a block is new."""
        return bool((self.places >= 0).any())


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A block that is written anew: its DC, and its AC where that is new too."""

    dc: Coded
    ac: tuple[Coded, ...] | None


@dataclass(frozen=True, eq=False)
class Interval:
    """The data of one interval, not stuffed, and what becomes of its blocks.

    `plan` gives the tables of each block of an MCU, `owners` which component of the
    scan it belongs to. What it computes raises `NotEditable` where the data are
    broken.
    """

    plain: bytes
    mcus: int
    plan: Sequence[Tables]
    owners: Sequence[int]
    new: NewBlocks

    def wanted(self, own: int) -> tuple[set[int], set[int]]:
        """Return the DC and AC symbols that component `own` needs for what is written anew."""
        changes = [c for block, c in self._changes.items() if self._owner_of(block) == own]
        return {change.dc.symbol for change in changes}, {
            coded.symbol for change in changes for coded in change.ac or ()
        }

    def written(self, tables: Sequence[Tables]) -> bytes:
        """Return the data, not stuffed; `tables` are those of each component of the scan."""
        if any(
            not _continues(self.plan[turn], tables[own]) for turn, own in enumerate(self.owners)
        ):
            return _packed(self._written_anew(tables).bits())
        bits = np.unpackbits(np.frombuffer(self.plain, np.uint8))
        starts, (_, behind_dc) = self._starts, self._dc
        pieces: list[NDArray[np.uint8]] = []
        position = 0
        for block, change in sorted(self._changes.items()):
            table = tables[self._owner_of(block)]
            pieces += [bits[position : starts[block]], bits_of([change.dc], table.dc)]
            position = int(behind_dc[block])
            if change.ac is not None:
                pieces.append(bits_of(change.ac, table.ac))
                position = int(starts[block + 1])
        pieces.append(bits[position : starts[-1]])
        return _packed(np.concatenate(pieces))

    def _written_anew(self, tables: Sequence[Tables]) -> Written:
        """Return every symbol by other codes, with what is new in its place."""
        symbols = symbols_of(self.plain, self._starts, self.plan)
        whole = written(self.plain, symbols, self.plan, self.owners, tables)
        parts: list[Written] = []
        position = 0
        for block, change in sorted(self._changes.items()):
            table = tables[self._owner_of(block)]
            first, behind = (2 * int(place) for place in symbols.firsts[block : block + 2])
            parts += [_cut(whole, position, first), of_coded([change.dc], table.dc)]
            position = first + 2
            if change.ac is not None:
                parts.append(of_coded(change.ac, table.ac))
                position = behind
        return joined([*parts, _cut(whole, position, len(whole.values))])

    def _owner_of(self, block: int) -> int:
        return self.owners[block % len(self.owners)]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return block_starts(self.plain, self.plan, self.mcus)

    @cached_property
    def _dc(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """DC difference of each block as it came, and the bit behind it."""
        starts = self._starts[:-1]
        differences, behind = np.empty_like(starts), np.empty_like(starts)
        for place, tables in enumerate(self.plan):
            every = slice(place, None, len(self.plan))
            differences[every], behind[every] = dc_at(self.plain, starts[every], tables.dc)
        return differences, behind

    @cached_property
    def _changes(self) -> dict[int, Change]:
        """The blocks that are written anew, by their number."""
        places = self.new.places
        owners = np.tile(np.asarray(self.owners), self.mcus)
        changes: dict[int, Change] = {}
        for own in set(self.owners):
            blocks = np.flatnonzero(owners == own)
            before = self._dc[0][blocks]
            levels = np.cumsum(before)
            fresh = places[blocks] >= 0
            levels[fresh] = self.new.values[places[blocks][fresh], 0]
            after = np.diff(levels, prepend=0)
            for index in np.flatnonzero(fresh | (after != before)):
                block = int(blocks[index])
                ac = tuple(ac_symbols(self.new.values[places[block]])) if fresh[index] else None
                changes[block] = Change(dc_symbol(int(after[index])), ac)
        return changes


def _continues(old: Tables, new: Tables) -> bool:
    return new.dc.extends(old.dc) and new.ac.extends(old.ac)


def _cut(whole: Written, first: int, stop: int) -> Written:
    return Written(whole.values[first:stop], whole.lengths[first:stop])


def _packed(bits: NDArray[np.uint8]) -> bytes:
    # F.1.2.3: the last byte is filled with ones.
    padding = np.ones(-len(bits) % 8, np.uint8)
    return np.packbits(np.concatenate([bits, padding])).tobytes()
