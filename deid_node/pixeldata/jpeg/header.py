"""What the segments before a scan say, gathered while they are read in order.

Source: ISO/IEC 10918-1 B.2.2 (frame), B.2.3 (scan), B.2.4 (tables, restart interval).
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.jpeg import segments
from deid_node.pixeldata.jpeg.blocks import SIDE, Component, Grid
from deid_node.pixeldata.jpeg.huffman import Huffman, NotEditable, tables_in

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WHOLE_SPECTRUM: Final = b"\x00\x3f\x00"
_AC: Final = 0x10
_DEPTHS: Final = MappingProxyType(
    {segments.FRAME_BASELINE: frozenset({8}), segments.FRAME_EXTENDED: frozenset({8, 12})}
)
"""Bits of a sample by kind of frame (B.2.2)."""


@dataclass(frozen=True, slots=True)
class ScanHeader:
    """The components of a scan, and for each the numbers of its DC and its AC table."""

    components: tuple[Component, ...]
    tables: tuple[tuple[int, int], ...]


@dataclass
class Headers:
    """What has been said so far; `read` each segment, then `scan` at each scan.

    `huffman` is by class and number, `steps` by number and in zigzag order.
    """

    grid: Grid | None = None
    huffman: dict[int, Huffman] = field(default_factory=dict)
    steps: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    restart_mcus: int = 0
    seen: set[int] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Whether every component of the frame had its scan."""
        return self.grid is not None and self.seen == {c.id for c in self.grid.components}

    def read(self, marker: int, body: bytes) -> None:
        """Take note of one segment.

        Raises
        ------
        NotEditable
            It is broken, or a frame that is neither baseline nor extended sequential.
        """
        try:
            if marker in _FRAMES:
                depths = _DEPTHS.get(marker, frozenset())
                if self.grid is not None:
                    raise NotEditable
                self.grid = _grid_in(body, depths)
            elif marker == segments.HUFFMAN:
                self.huffman.update(tables_in(body))
            elif marker == segments.QUANTISATION:
                self.steps.update(_steps_in(body))
            elif marker == segments.RESTART:
                (self.restart_mcus,) = struct.unpack_from(">H", body)
        except (struct.error, IndexError):
            raise NotEditable from None

    def scan(self, body: bytes) -> ScanHeader:
        """Return what the header of a scan says.

        Raises
        ------
        NotEditable
            It is broken, part of a progression, or holds a component for a second time.
        """
        grid = self.grid
        count = body[0] if body else 0
        if grid is None or not 1 <= count <= len(grid.components) or len(body) != 4 + 2 * count:
            raise NotEditable
        by_id = {component.id: component for component in grid.components}
        ids = [body[1 + 2 * n] for n in range(count)]
        fresh = len(set(ids)) == count and set(ids) <= set(by_id) and not self.seen & set(ids)
        if not fresh or body[-3:] != _WHOLE_SPECTRUM:
            raise NotEditable
        self.seen.update(ids)
        tables = tuple((body[2 + 2 * n] >> 4, _AC | body[2 + 2 * n] & 15) for n in range(count))
        if any(number not in self.huffman for pair in tables for number in pair):
            raise NotEditable
        components = tuple(by_id[number] for number in ids)
        if any(component.table not in self.steps for component in components):
            raise NotEditable
        return ScanHeader(components, tables)


def _grid_in(body: bytes, depths: Collection[int]) -> Grid:
    precision, rows, columns, count = struct.unpack_from(">BHHB", body)
    if precision not in depths or count not in {1, 3}:
        raise NotEditable
    found = [
        Component(body[place], body[place + 1] >> 4, body[place + 1] & 15, body[place + 2])
        for place in range(6, 6 + 3 * count, 3)
    ]
    if count == 1:
        # Alone it has one block an MCU, whatever its factors say (A.2.2).
        found = [replace(found[0], across=1, down=1)]
    if len({component.id for component in found}) != count:
        raise NotEditable
    return Grid(rows, columns, tuple(found), precision)


def _steps_in(body: bytes) -> dict[int, NDArray[np.int64]]:
    found = {}
    position = 0
    while position < len(body):
        wide, number = body[position] >> 4, body[position] & 15
        size = SIDE * SIDE * (2 if wide else 1)
        part = body[position + 1 : position + 1 + size]
        if len(part) != size:
            raise NotEditable
        steps = np.frombuffer(part, ">u2" if wide else "u1").astype(np.int64)
        if not steps.all():
            raise NotEditable
        found[number] = steps
        position += 1 + size
    return found
