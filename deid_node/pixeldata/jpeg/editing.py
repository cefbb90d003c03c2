"""New pixels in some blocks of a sequential JPEG, every other block as it came.

The bits of the blocks that stay are copied, not coded again; where a block that
stays follows one that is new, the difference of their DC is written anew and
says the same DC as before. Quantisation tables stay; a Huffman table may be
given further symbols, its codes stay. Where it has no room for them, the symbols of
its scan are written again by a table that has, and mean the same coefficients.

Source: ISO/IEC 10918-1 A.2 (order of blocks), B.2, F.1; PS3.5 A.4.1. The idea:
Clunie and Gebow, Block selective redaction for minimizing loss during
de-identification of burned in text in irreversibly compressed JPEG medical
images, Journal of Medical Imaging 2(1), 2015.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.errors import Undecodable
from deid_node.pixeldata.arrays import Mask
from deid_node.pixeldata.jpeg import segments
from deid_node.pixeldata.jpeg.blocks import SIDE, Component, Grid, coefficients, planes_of
from deid_node.pixeldata.jpeg.entropy import Tables, plain_of, stuffed
from deid_node.pixeldata.jpeg.header import Headers, ScanHeader
from deid_node.pixeldata.jpeg.huffman import Huffman, NotEditable
from deid_node.pixeldata.jpeg.interval import Interval, NewBlocks
from deid_node.pixeldata.jpeg.order import ScanOrder

_RESTART: Final = re.compile(rb"\xff+[\xd0-\xd7]")
_FIRST_RESTART: Final = 0xD0


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """What is to stand where: whole frame, mask of what is new, and its colour.

    `pixels` is ``(rows, columns)`` or ``(rows, columns, 3)``, samples of the codestream's
    depth; `ybr` says
    that they are RGB and the components of the codestream luma and chroma. `mask`,
    ``(rows, columns)``, must hold every pixel of each block that it touches.
    """

    pixels: NDArray[Any]
    mask: Mask
    ybr: bool


def edited(codestream: bytes, fill: Fill) -> bytes:
    """Return `codestream` with the blocks that the mask touches made of the new pixels.

    Parameters
    ----------
    codestream
        Baseline (SOF0) or extended sequential (SOF1) with Huffman codes, 8 or 12 bits, one
        component or three.
    fill
        Of the size of the frame; nothing of it is written to.

    Returns
    -------
    A codestream of the same size, sampling, quantisation and restart interval.

    Raises
    ------
    NotEditable
        It is of another kind, or broken; a block reaches beyond the mask; or a
        table has no room for a symbol that is needed.
    """
    try:
        parts = segments.parts_of(codestream)
    except Undecodable:
        raise NotEditable from None
    headers = Headers()
    pieces: list[bytes] = []
    for part in parts:
        body = codestream[part.body : part.data]
        if part.marker == segments.SCAN:
            data = codestream[part.data : part.stop]
            pieces += _scan(headers, headers.scan(body), data, fill, said=body)
        else:
            headers.read(part.marker, body)
            pieces.append(codestream[part.start : part.stop])
    if not headers.complete:
        raise NotEditable
    return b"".join(pieces)


def _scan(
    headers: Headers, scan: ScanHeader, data: bytes, fill: Fill, *, said: bytes
) -> list[bytes]:
    """Return the pieces of one scan: further symbols of its tables, its header, its data."""
    grid = headers.grid
    if grid is None or fill.mask.shape != (grid.rows, grid.columns):
        raise NotEditable
    order = ScanOrder(grid, scan.components)
    new = _new_blocks(headers, order, fill)
    pieces: list[bytes | Interval] = []
    first = 0
    for plain, mcus, marker in _intervals(data, order.mcus, headers.restart_mcus):
        stop = first + mcus * len(order.owners)
        part, first = new.part(first, stop), stop
        pairs = (scan.tables[own] for own in order.owners)
        plan = [Tables(headers.huffman[dc], headers.huffman[ac]) for dc, ac in pairs]
        pieces += [Interval(plain, mcus, plan, order.owners, part), marker]
    intervals = [p for p in pieces if isinstance(p, Interval)]
    wider = _wider(headers.huffman, scan, [p for p in intervals if p.new.any])
    # Codes that changed hold for this scan alone: what follows was coded by the old ones.
    passing = {n: old for n in wider if not wider[n].extends(old := headers.huffman[n])}
    both = headers.huffman | wider
    headers.huffman.update({n: table for n, table in wider.items() if n not in passing})
    tables = [Tables(both[dc], both[ac]) for dc, ac in scan.tables]
    result = [_defined(wider), segments.segment(segments.SCAN, said)]
    for piece in pieces:
        if not isinstance(piece, Interval):
            result.append(piece)
        elif piece.new.any or passing:
            result.append(stuffed(piece.written(tables)))
        else:
            result.append(stuffed(piece.plain))
    return [*result, _defined(passing)]


def _defined(tables: Mapping[int, Huffman]) -> bytes:
    """Return the segment that defines `tables`; nothing where there is none."""
    if not tables:
        return b""
    bodies = (bytes([number]) + table.body for number, table in sorted(tables.items()))
    return segments.segment(segments.HUFFMAN, b"".join(bodies))


def _wider(
    tables: dict[int, Huffman], scan: ScanHeader, intervals: list[Interval]
) -> dict[int, Huffman]:
    """Return those tables that lack a symbol, with it."""
    wider: dict[int, Huffman] = {}
    for own, numbers in enumerate(scan.tables):
        for interval in intervals:
            for number, wanted in zip(numbers, interval.wanted(own), strict=True):
                known = wider.get(number, tables[number])
                table = known.with_symbols(wanted)
                if table is not known:
                    wider[number] = table
    return wider


def _new_blocks(headers: Headers, order: ScanOrder, fill: Fill) -> NewBlocks:
    """Return the coefficients of the touched blocks, in the order of the scan."""
    whole = order.grid
    part, inner = _around(whole, fill.mask)
    planes = planes_of(fill.pixels[part], whole.level, ybr=fill.ybr)
    if len(planes) != len(whole.components):
        raise NotEditable
    places, values = [], []
    count = 0
    for own, component in enumerate(order.components):
        touched = whole.touched(component, fill.mask)
        _require_inside(whole, component, touched, fill.mask)
        found = coefficients(
            inner.padded(planes[whole.components.index(component)]),
            inner,
            component,
            inner.touched(component, fill.mask[part]),
            headers.steps[component.table],
        )
        numbers = np.full(touched.shape, -1, np.int64)
        numbers[touched] = np.arange(count, count + len(found))
        count += len(found)
        places.append(order.scanned(numbers, own))
        values.append(found)
    return NewBlocks(np.concatenate(places, axis=1).reshape(-1), np.concatenate(values))


def _around(grid: Grid, mask: Mask) -> tuple[tuple[slice, slice], Grid]:
    """Return the part of the frame, in whole MCUs, that holds all of `mask`."""
    slices = []
    for axis, side, size in (
        (1, SIDE * grid.down, grid.rows),
        (0, SIDE * grid.across, grid.columns),
    ):
        used = np.flatnonzero(mask.any(axis=axis))
        first, last = (int(used[0]), int(used[-1])) if used.size else (0, 0)
        slices.append(slice(first // side * side, min(size, (last // side + 1) * side)))
    rows, columns = slices
    inner = replace(grid, rows=rows.stop - rows.start, columns=columns.stop - columns.start)
    return (rows, columns), inner


def _require_inside(
    grid: Grid, component: Component, touched: NDArray[np.bool_], mask: Mask
) -> None:
    """Check that no touched block reaches beyond `mask`: nobody would report those pixels."""
    high, wide = grid.block_pixels(component)
    spread = np.repeat(np.repeat(touched, high, axis=0), wide, axis=1)
    if (spread[: grid.rows, : grid.columns] & ~mask).any():
        raise NotEditable


def _intervals(data: bytes, mcus: int, restart_mcus: int) -> list[tuple[bytes, int, bytes]]:
    """Return the plain data of each restart interval, its MCUs, and the marker behind it."""
    found: list[tuple[bytes, int, bytes]] = []
    position, left = 0, mcus
    for match in _RESTART.finditer(data):
        if match[0][-1] != _FIRST_RESTART + len(found) % 8 or not 0 < restart_mcus < left:
            raise NotEditable
        found.append((plain_of(data[position : match.start()]), restart_mcus, match[0]))
        position, left = match.end(), left - restart_mcus
    if 0 < restart_mcus < left:
        raise NotEditable
    return [*found, (plain_of(data[position:]), left, b"")]
