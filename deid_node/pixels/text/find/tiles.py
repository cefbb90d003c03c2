"""Cuts a large frame into overlapping tiles and sews their maps together again.

A tile sees less at its edge than in its middle. So neighbours overlap, and each
gives its map only up to the middle of the overlap: boxes are made from the
whole map, and a line across a seam stays one line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one axis: what a tile sees, and what part of its answer is kept."""

    start: int
    stop: int
    kept_start: int
    kept_stop: int


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a frame, as a span of rows and a span of columns."""

    rows: Span
    columns: Span

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of what the tile sees."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def seen(self) -> tuple[slice, slice]:
        """Index of what the tile sees in an array ``(rows, columns, ...)``."""
        return slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)


def spans(length: int, *, side: int, overlap: int, stride: int) -> tuple[Span, ...]:
    """Return the fewest equal spans of at most `side` that cover `length` with `overlap`.

    `length`, `side` and `overlap` are multiples of `stride`, and so are all the starts
    and stops: features fall on the same grid in every tile.
    """
    if length <= side:
        return (Span(0, length, 0, length),)
    count = -(-(length - overlap) // (side - overlap))
    size = -(-(length + (count - 1) * overlap) // (count * stride)) * stride
    starts = [(index * (length - size) // (count - 1)) // stride * stride for index in range(count)]
    cuts = [
        (following + start + size) // 2 // stride * stride for start, following in pairwise(starts)
    ]
    return tuple(
        Span(start, start + size, begin, end)
        for start, begin, end in zip(starts, [0, *cuts], [*cuts, length], strict=True)
    )


def tiles(rows: int, columns: int, *, side: int, overlap: int, stride: int) -> tuple[Tile, ...]:
    """Return the tiles of a frame, row by row."""
    down = spans(rows, side=side, overlap=overlap, stride=stride)
    across = spans(columns, side=side, overlap=overlap, stride=stride)
    return tuple(Tile(row, column) for row in down for column in across)


def sew(
    pieces: Sequence[tuple[Tile, NDArray[np.float32]]], rows: int, columns: int, *, scale: int
) -> NDArray[np.float32]:
    """Return the maps of a whole frame from the maps of its tiles.

    Parameters
    ----------
    pieces
        Each tile with its maps ``(maps, rows / scale, columns / scale)`` of what it saw.
    rows, columns
        Size of the frame in pixels.
    scale
        Pixels of the frame for one pixel of a map.
    """
    whole = np.zeros((pieces[0][1].shape[0], rows // scale, columns // scale), np.float32)
    for tile, maps in pieces:
        whole[:, *_kept(tile, scale)] = maps[:, *_own(tile, scale)]
    return whole


def _kept(tile: Tile, scale: int) -> Iterator[slice]:
    for span in (tile.rows, tile.columns):
        yield slice(span.kept_start // scale, span.kept_stop // scale)


def _own(tile: Tile, scale: int) -> Iterator[slice]:
    for span in (tile.rows, tile.columns):
        yield slice((span.kept_start - span.start) // scale, (span.kept_stop - span.start) // scale)
