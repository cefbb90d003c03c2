"""In which order a scan holds the blocks of its components.

Source: ISO/IEC 10918-1 A.2 (interleaved and not), A.2.4 (incomplete MCUs).
"""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from deid_node.pixeldata.jpeg.blocks import Component, Grid


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """The components that a scan holds, of a frame with `grid`.

    A component that is alone has its blocks row by row and no block that lies
    wholly outside the frame; several take turns, an MCU at a time.
    """

    grid: Grid
    components: tuple[Component, ...]

    @property
    def mcus(self) -> int:
        """Number of MCUs of the scan."""
        if len(self.components) == 1:
            rows, columns = self.grid.blocks(self.components[0])
        else:
            rows, columns = self.grid.mcus
        return rows * columns

    @property
    def owners(self) -> tuple[int, ...]:
        """For each block of an MCU, which of the scan's components it belongs to."""
        if len(self.components) == 1:
            return (0,)
        return tuple(n for n, c in enumerate(self.components) for _ in range(c.across * c.down))

    def scanned(self, blocks: NDArray[Any], own: int) -> NDArray[Any]:
        """Return `blocks` of component `own`, ``(rows, columns)``, as ``(MCUs, blocks of an MCU)``.

        `blocks` covers whole MCUs of an interleaved scan, as `Grid.touched` does.
        """
        component = self.components[own]
        if len(self.components) == 1:
            rows, columns = self.grid.blocks(component)
            return blocks[:rows, :columns].reshape(-1, 1)
        rows, columns = self.grid.mcus
        shape = (rows, component.down, columns, component.across)
        return blocks.reshape(shape).transpose(0, 2, 1, 3).reshape(rows * columns, -1)
