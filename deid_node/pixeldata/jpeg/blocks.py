"""Pixels to the quantised coefficients of single blocks.

Source: ISO/IEC 10918-1 A.1.1 (sampling), A.3.1 (level shift), A.3.3 (forward DCT),
A.3.4 (quantisation), A.3.6 (zigzag); T.871 7 (YCbCr).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixeldata.jpeg.huffman import NotEditable

SIDE: Final = 8
_COEFFICIENT_BITS: Final = 3
"""How many more bits a coefficient has than a sample, its sign aside (A.3.3)."""

_YBR_OF_RGB: Final = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)


def _cosines() -> NDArray[np.float64]:
    index = np.arange(SIDE)
    matrix = np.cos((2 * index[None, :] + 1) * index[:, None] * np.pi / (2 * SIDE)) / 2
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, dtype=np.float64)


def _zigzag() -> NDArray[np.intp]:
    def place(number: int) -> tuple[int, int]:
        row, column = divmod(number, SIDE)
        diagonal = row + column
        return diagonal, row if diagonal % 2 else column

    return np.array(sorted(range(SIDE * SIDE), key=place), dtype=np.intp)


_COSINES: Final = _cosines()
ZIGZAG: Final = _zigzag()
"""For each place in the coded order, the place in a block read row by row."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a frame: sampling factors and the number of its quantisation table."""

    id: int
    across: int
    down: int
    table: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Size of a frame, its components, and the bits of a sample."""

    rows: int
    columns: int
    components: tuple[Component, ...]
    precision: int = 8

    def __post_init__(self) -> None:
        factors = [n for c in self.components for n in (c.across, c.down)]
        if not factors or min(factors) < 1 or max(factors) > 4 or self.rows < 1 or self.columns < 1:
            raise NotEditable
        if any(self.across % c.across or self.down % c.down for c in self.components):
            raise NotEditable

    @property
    def level(self) -> int:
        """What is taken from a sample before the transform (A.3.1)."""
        return 1 << (self.precision - 1)

    @property
    def across(self) -> int:
        """Largest horizontal sampling factor."""
        return max(component.across for component in self.components)

    @property
    def down(self) -> int:
        """Largest vertical sampling factor."""
        return max(component.down for component in self.components)

    @property
    def mcus(self) -> tuple[int, int]:
        """Rows and columns of MCUs of an interleaved scan."""
        return -(-self.rows // (SIDE * self.down)), -(-self.columns // (SIDE * self.across))

    def blocks(self, component: Component) -> tuple[int, int]:
        """Return rows and columns of blocks that a scan of this component alone has."""
        rows = -(-self.rows * component.down // self.down)
        columns = -(-self.columns * component.across // self.across)
        return -(-rows // SIDE), -(-columns // SIDE)

    def block_pixels(self, component: Component) -> tuple[int, int]:
        """Return rows and columns of pixels that one block of `component` covers."""
        return SIDE * self.down // component.down, SIDE * self.across // component.across

    def padded(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return `array`, ``(rows, columns, ...)``, continued to whole MCUs by its last values."""
        down, across = self.mcus
        below = down * SIDE * self.down - self.rows
        right = across * SIDE * self.across - self.columns
        width = ((0, below), (0, right)) + ((0, 0),) * (array.ndim - 2)
        return np.pad(array, width, mode="edge")

    def touched(self, component: Component, mask: Mask) -> NDArray[np.bool_]:
        """Return which blocks of `component` hold a pixel of `mask`, by row and column."""
        high, wide = self.block_pixels(component)
        padded = self.padded(mask)
        shape = (padded.shape[0] // high, high, padded.shape[1] // wide, wide)
        return np.asarray(padded.reshape(shape).any(axis=(1, 3)), dtype=np.bool_)


def planes_of(pixels: NDArray[Any], level: int, *, ybr: bool) -> NDArray[np.float64]:
    """Return `pixels` as planes of the codestream's components, ``(components, rows, columns)``.

    `level` is that of the grid; `ybr` says that `pixels` are RGB and the components luma
    and chroma. Nothing is rounded: that is left to the quantisation.
    """
    wide = pixels.astype(np.float64)
    if wide.ndim == 2:
        return wide[None] - level
    if not ybr:
        return wide.transpose(2, 0, 1) - level
    planes = np.tensordot(_YBR_OF_RGB, wide, axes=(1, 2))
    planes[0] -= level
    return np.asarray(planes)


def coefficients(
    plane: NDArray[np.float64],
    grid: Grid,
    component: Component,
    blocks: NDArray[np.bool_],
    table: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the quantised coefficients of those `blocks` that are True, row by row.

    Parameters
    ----------
    plane
        Level-shifted samples at full size, continued to whole MCUs.
    blocks
        As `Grid.touched` gives them.
    table
        The 64 quantisation steps, in zigzag order.

    Returns
    -------
    ``(blocks, 64)``, in zigzag order.
    """
    high, wide = (pixels // SIDE for pixels in grid.block_pixels(component))
    shape = (blocks.shape[0], SIDE, high, blocks.shape[1], SIDE, wide)
    parts = plane.reshape(shape).transpose(0, 3, 1, 4, 2, 5)[blocks]
    samples = parts.mean(axis=(3, 4))
    spread = _COSINES @ samples @ _COSINES.T
    ordered = spread.reshape(-1, SIDE * SIDE)[:, ZIGZAG]
    quantised = np.rint(ordered / table).astype(np.int64)
    most = (grid.level << _COEFFICIENT_BITS) - 1
    quantised[:, 0] = np.clip(quantised[:, 0], -most - 1, most)
    quantised[:, 1:] = np.clip(quantised[:, 1:], -most, most)
    return np.asarray(quantised, dtype=np.int64)
