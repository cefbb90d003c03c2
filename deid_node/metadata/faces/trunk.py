"""What a slice across the body shows: a trunk or two legs, which no head looks like; or a head.

Evidence that there is no face has to be there for each slice by itself. It is one of:
a trunk deeper and wider than heads are; lungs, larger than any hollow of a head; two
legs. None counts beside something of a chin's size before the middle of the trunk: of
a bent neck the jaw lies at the height of the lungs.

Measures of heads: breadth of adults up to 170 mm, length with the nose up to 240 mm
(99th percentile of men, with skin and hair); hollows of nose, mouth and sinuses in one
slice below 40 square centimetres. The limits here lie beyond them by a margin.

Source: PS3.3 C.8.2.1.1.2 (Hounsfield units of CT).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.metadata.faces.body import (
    Area,
    Grid,
    Piece,
    closed,
    depth_mm,
    edge_of,
    grown,
    holes,
    on_grid,
    opened,
    pieces,
)
from deid_node.metadata.faces.planes import Plane, Scale

_TRUNK_DEPTH_MM: Final = 200.0
_TRUNK_WIDTH_MM: Final = 280.0
_LUNG_TRUNK_DEPTH_MM: Final = 150.0
_LUNGS_SQUARE_MM: Final = 6000.0
_LUNG_SQUARE_MM: Final = 1000.0
_HOLLOW_SQUARE_MM: Final = 3000.0
"""Hollows up to here count as body: bowel. Air between head and arms is larger, or open."""

_CHIN_MM: Final = 24.0
"""The smallest thing that could be a chin or a nose."""
_WIDER_THAN_HEADS_MM: Final = 200.0
_WIDEST_HEAD_MM: Final = 180.0
_OF_DEPTH: Final = 0.9
"""A trunk is what an ellipse covers that no head holds: from left to right wider than one, from
front to back as deep as one, or as this share of the trunk where that is less deep. What stands
out of it may be a chin or a jaw."""

_LEG_SQUARE_MM: Final = 4000.0
_LEGS_ALIKE: Final = 0.75
_LEG_BONE: Final = (0.005, 0.2)
_LEG_BONE_SPREAD: Final = 0.65

_LONGEST_HEAD_MM: Final = 260.0
_DARK_BOWEL_MM: Final = 50.0
_CUT_OFF: Final = 0.45
"""What takes more of the edge of an image goes on beyond it; a head and its neck take less."""
_BRAIN_SQUARE_MM: Final = 4000.0
_LARGEST_BRAIN_SQUARE_MM: Final = 35000.0
_BRAIN_HU: Final = (-20.0, 100.0)
_SKULL_SHARE: Final = 0.6

_TISSUE_HU: Final = -300.0
_OPEN_AIR_HU: Final = -850.0
_LUNG_HU: Final = (-900.0, -400.0)
_LUNG_SHARE: Final = 0.6
_SOFT_HU: Final = (-200.0, 250.0)
_SOFT_SHARE: Final = 0.5
_BONE_HU: Final = 250.0
_RANGE_HU: Final = (-1024.0, 3071.0)

_SIGNAL_SHARE: Final = 0.12
_DARK_SHARE: Final = 0.06
_LEAST_DARK: Final = 0.05
_SPECK_MM: Final = 10.0
"""Tables, clothes and noise: what a disc of this diameter does not fit into."""


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A slice on the grid: its values, what of it is tissue, and how it lies."""

    values: Grid
    tissue: Area
    plane: Plane
    is_ct: bool

    @property
    def solid(self) -> list[Piece]:
        """The pieces of tissue that are no table and no cloth, the largest first."""
        return pieces(opened(self.tissue, _SPECK_MM), least_square_mm=500.0)


def slice_of(values: NDArray[Any], plane: Plane, scale: Scale, *, modality: str) -> Slice | None:
    """Return the slice, or None where nobody can tell body from air in it.

    Parameters
    ----------
    values
        One grey frame as stored, ``(rows, columns)``.
    plane, scale
        Of that frame.
    modality
        CT is told by Hounsfield units, MR by a background that is dark and even. In PET and
        NM nobody can: the skin takes up nothing, and arms melt into a head.
    """
    if modality == "CT" and scale.known:
        meant = np.clip(values.astype(np.float32) * scale.slope + scale.intercept, *_RANGE_HU)
        grid = on_grid(meant, plane)
        return Slice(grid, grid > _TISSUE_HU, plane, is_ct=True) if _is_hounsfield(grid) else None
    if modality == "MR":
        grid = on_grid(np.abs(values.astype(np.float32)), plane)
        tissue = _bright(grid)
        return None if tissue is None else Slice(grid, tissue, plane, is_ct=False)
    return None


def shows_no_head(shown: Slice) -> bool:
    """Return whether a slice across the body shows, by itself, that no face is in it."""
    solid = shown.solid
    if not shown.plane.across or not solid:
        return False
    if shown.is_ct and _are_legs(shown, solid):
        return True
    trunk = solid[0]
    filled, lungs_square_mm = _filled(shown, trunk)
    depth = depth_mm(filled if shown.is_ct else trunk.area)
    has_lungs = lungs_square_mm >= _LUNGS_SQUARE_MM and depth >= _LUNG_TRUNK_DEPTH_MM
    is_deep = depth >= _TRUNK_DEPTH_MM and _breadth_mm(shown, trunk) >= _TRUNK_WIDTH_MM
    return (has_lungs or is_deep) and not _may_have_chin(shown, trunk, solid[1:])


def is_larger_than_head(shown: Slice) -> bool:
    """Return whether a slice in any plane shows a body that is longer than a head, or goes on.

    Weaker than `shows_no_head`: along the body a trunk with a head on it is large too. It
    tells whether a slice can be of the trunk that its header names.
    """
    solid = shown.solid
    if not solid or has_skull(shown):
        return False
    trunk = solid[0]
    if float(trunk.area[edge_of(shown.values)].mean()) > _CUT_OFF:
        return True
    if max(trunk.width_mm, trunk.height_mm) <= _LONGEST_HEAD_MM:
        return False
    return not shown.plane.across or not _may_have_chin(shown, trunk, solid[1:])


def has_skull(shown: Slice) -> bool:
    """Return whether bone holds soft tissue of a brain's size, all around as far as one sees."""
    if not shown.is_ct:
        return False
    bone = shown.values > _BONE_HU
    for soft in pieces(shown.tissue & ~bone, least_square_mm=_BRAIN_SQUARE_MM):
        inside = float(np.median(shown.values[soft.area]))
        if soft.square_mm <= _LARGEST_BRAIN_SQUARE_MM and (_BRAIN_HU[0] <= inside <= _BRAIN_HU[1]):
            whole = _without_holes(soft.area)
            around = grown(whole) & ~whole
            if around.any() and float(bone[around].mean()) >= _SKULL_SHARE:
                return True
    return False


def _without_holes(area: Area) -> Area:
    whole = area.copy()
    for hole in holes(area):
        whole |= hole.area
    return whole


def _filled(shown: Slice, trunk: Piece) -> tuple[Area, float]:
    """Return the trunk with its lungs and bowels, and how large the lungs are.

    In MR nobody can tell a dark organ from the air between a head and its arms: all is filled,
    also what is dark up to the skin.
    """
    filled = trunk.area.copy() if shown.is_ct else closed(trunk.area, _DARK_BOWEL_MM)
    lungs = 0.0
    for hole in holes(filled):
        is_lung = shown.is_ct and _is_lung(shown.values[hole.area])
        if is_lung and hole.square_mm >= _LUNG_SQUARE_MM:
            lungs += hole.square_mm
        if is_lung or not shown.is_ct or hole.square_mm <= _HOLLOW_SQUARE_MM:
            filled |= hole.area
    return filled, lungs


def _is_lung(values: NDArray[np.float32]) -> bool:
    inside = (values >= _LUNG_HU[0]) & (values <= _LUNG_HU[1])
    return float(inside.mean()) >= _LUNG_SHARE


def _breadth_mm(shown: Slice, piece: Piece) -> float:
    return piece.width_mm if shown.plane.rows_run_sideways else piece.height_mm


def _sideways(shown: Slice, piece: Piece) -> tuple[int, int]:
    """Return its edges along the direction from left to right in the patient."""
    if shown.plane.rows_run_sideways:
        return piece.left, piece.right
    return piece.top, piece.bottom


def _may_have_chin(shown: Slice, trunk: Piece, others: list[Piece]) -> bool:
    """Return whether something of a chin's size stands out of the middle of a trunk, or apart."""
    filled, _ = _filled(shown, trunk)
    start, stop = _sideways(shown, trunk)
    third = (stop - start) / 3
    core = opened(
        filled,
        min(_WIDEST_HEAD_MM, _OF_DEPTH * depth_mm(filled)),
        longer_mm=_WIDER_THAN_HEADS_MM,
        along_rows=shown.plane.rows_run_sideways,
    )
    bumps = pieces(filled & ~core, least_square_mm=_CHIN_MM**2 / 2)
    apart = [piece for piece in others if (piece.area & ~filled).any()]
    for piece in (*apart, *bumps):
        low, high = _sideways(shown, piece)
        is_lateral = high <= start + third or low >= stop - third
        if not is_lateral and depth_mm(piece.area) >= _CHIN_MM:
            return True
    return False


def _are_legs(shown: Slice, solid: list[Piece]) -> bool:
    """Return whether all there is are two pieces alike, side by side, each around one bone."""
    if len(solid) != 2 or solid[1].square_mm < _LEG_SQUARE_MM:
        return False
    first, second = solid
    if second.pixels < _LEGS_ALIKE * first.pixels:
        return False
    edges = sorted(_sideways(shown, leg) for leg in solid)
    if edges[0][1] > edges[1][0]:
        return False
    for leg in solid:
        bone = pieces(leg.area & (shown.values > _BONE_HU), least_square_mm=0)
        if (
            not bone
            or not _LEG_BONE[0] <= sum(one.pixels for one in bone) / leg.pixels <= (_LEG_BONE[1])
        ):
            return False
        width = max(one.right for one in bone) - min(one.left for one in bone)
        height = max(one.bottom for one in bone) - min(one.top for one in bone)
        if width > _LEG_BONE_SPREAD * (leg.right - leg.left) or height > _LEG_BONE_SPREAD * (
            leg.bottom - leg.top
        ):
            return False
    return True


def _is_hounsfield(grid: Grid) -> bool:
    """Return whether values can be Hounsfield units: tissue mostly soft, and air that is air.

    A file without its intercept, or a cone beam whose greys are not calibrated, does not pass.
    """
    tissue = grid > _TISSUE_HU
    if not tissue.any() or tissue.all():
        return False
    soft = (grid >= _SOFT_HU[0]) & (grid <= _SOFT_HU[1])
    edge = np.concatenate([grid[0], grid[-1], grid[:, 0], grid[:, -1]])
    air = edge[edge <= _TISSUE_HU]
    is_air = air.size == 0 or float(np.median(air)) <= _OPEN_AIR_HU
    return is_air and float(soft[tissue].mean()) >= _SOFT_SHARE


def _bright(grid: Grid) -> Area | None:
    """Return what shines in an image of MR, or None where the background is not dark.

    Noise of full strength around a head (ratios of images, phases) would make it as wide
    as the image.
    """
    strongest = float(np.percentile(grid, 99))
    if strongest <= 0:
        return None
    dark = grid < _SIGNAL_SHARE * strongest
    if float(dark.mean()) < _LEAST_DARK or float(grid[dark].mean()) > _DARK_SHARE * strongest:
        return None
    return ~dark
