"""What of a slice is body, and of which shape, on a grid of two millimetres.

Sizes are those of the body itself, not of the image: what is cut off at the edge of
the image ends there. So a body is never thought larger than it is seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.metadata.faces.planes import Plane

GRID_MM: Final = 2.0
_MET_WITHIN: Final = 0.001

Grid = NDArray[np.float32]
"""``(rows, columns)``, values of a slice on the grid."""

Area = NDArray[np.bool_]
"""``(rows, columns)`` of the same grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A connected part of an area; edges in pixels of the grid, half-open."""

    area: Area
    left: int
    top: int
    right: int
    bottom: int
    pixels: int

    @property
    def square_mm(self) -> float:
        """How large it is."""
        return self.pixels * GRID_MM**2

    @property
    def touches_edge(self) -> bool:
        """Whether it goes on beyond the image, as far as one can see."""
        rows, columns = self.area.shape
        return self.left == 0 or self.top == 0 or self.right == columns or self.bottom == rows

    @property
    def width_mm(self) -> float:
        """Length along the rows."""
        return (self.right - self.left) * GRID_MM

    @property
    def height_mm(self) -> float:
        """Length along the columns."""
        return (self.bottom - self.top) * GRID_MM


def on_grid(values: NDArray[Any], plane: Plane) -> Grid:
    """Return `values` of a slice on a grid of `GRID_MM`, a new array.

    Large images are averaged, small ones interpolated: neither makes a body larger by
    more than a pixel.
    """
    size = (
        max(1, round(plane.width_mm / GRID_MM)),
        max(1, round(plane.height_mm / GRID_MM)),
    )
    shrinks = max(plane.pixel_height_mm, plane.pixel_width_mm) <= GRID_MM
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    grid = cv2.resize(np.asarray(values, np.float32), size, interpolation=how)
    return np.asarray(grid, np.float32)


def edge_of(grid: Grid) -> Area:
    """Return where the image ends: its border, or the circle that was reconstructed.

    Beyond such a circle all pixels are of one value that is not met within: a background that
    somebody made even goes on around the body.
    """
    rows, columns = grid.shape
    edge = np.zeros(grid.shape, dtype=np.bool_)
    edge[[0, -1]] = True
    edge[:, [0, -1]] = True
    down, along = np.ogrid[:rows, :columns]
    centre = (rows - 1) / 2, (columns - 1) / 2
    away = np.hypot(down - centre[0], along - centre[1])
    radius = min(rows, columns) / 2
    beyond = grid[away > radius + 2]
    if (
        beyond.size
        and float(np.ptp(beyond)) == 0
        and float((grid[away <= radius - 2] == beyond[0]).mean()) < _MET_WITHIN
    ):
        ring: Area = (away <= radius - 2) & (away > radius - 4)
        return ring
    return edge


def pieces(area: Area, *, least_square_mm: float) -> list[Piece]:
    """Return the connected parts of `area` of at least that size, the largest first."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        area.astype(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    found = []
    for label, (left, top, width, height, pixels) in enumerate(stats.tolist()):
        if label and pixels * GRID_MM**2 >= least_square_mm:
            part = Piece(labels == label, left, top, left + width, top + height, pixels)
            found.append(part)
    return sorted(found, key=lambda piece: -piece.pixels)


def depth_mm(area: Area) -> float:
    """Return the diameter of the largest circle that lies within `area` and the image."""
    return 2 * GRID_MM * float(_distance(area).max(initial=0.0))


def opened(
    area: Area, diameter_mm: float, *, longer_mm: float | None = None, along_rows: bool = True
) -> Area:
    """Return what of `area` a disc of that diameter covers while it stays within.

    With `longer_mm` an ellipse, that long along the rows of pixels or along the columns.
    """
    if longer_mm is not None:
        squeezed = _squeezed(area, diameter_mm / longer_mm, along_rows=along_rows)
        core = opened(squeezed, diameter_mm).astype(np.uint8)
        stretched = cv2.resize(core, area.shape[::-1], interpolation=cv2.INTER_NEAREST)
        return (stretched > 0) & area
    radius = diameter_mm / 2 / GRID_MM
    centres = _distance(area) >= radius
    if not centres.any():
        return np.zeros_like(area)
    away = cv2.distanceTransform((~centres).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    result: Area = (away < radius) & area
    return result


def _squeezed(area: Area, factor: float, *, along_rows: bool) -> Area:
    rows, columns = area.shape
    size = (
        (max(1, round(columns * factor)), rows)
        if along_rows
        else (columns, max(1, round(rows * factor)))
    )
    small = cv2.resize(area.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    result: Area = small > 0
    return result


def closed(area: Area, diameter_mm: float) -> Area:
    """Return `area` with its gaps and inlets bridged, up to that width."""
    radius = diameter_mm / 2 / GRID_MM
    pad = int(radius) + 2
    padded = np.pad(area, pad)
    away = cv2.distanceTransform((~padded).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    grown = (away < radius).astype(np.uint8)
    inside = cv2.distanceTransform(grown, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    result: Area = (inside >= radius)[pad:-pad, pad:-pad] | area
    return result


def grown(area: Area) -> Area:
    """Return `area` and the pixels next to it."""
    result: Area = cv2.dilate(area.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return result


def holes(area: Area) -> Iterator[Piece]:
    """Yield the parts of what is not `area` that it encloses."""
    for piece in pieces(~area, least_square_mm=0):
        if not piece.touches_edge:
            yield piece


def _distance(area: Area) -> NDArray[np.float32]:
    """Return the distance of each pixel from what is not `area`; beyond the image nothing is."""
    padded = np.pad(area, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance[1:-1, 1:-1], np.float32)
