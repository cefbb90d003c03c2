"""What lies around a mask, and which fill does best there: the table that decides.

The table holds what was measured on held-out images, not what sounds best
(docs/decisions/pixels-filling.md): a fill is named for a kind of ground only
where it measures no worse than the one before.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.gradient import plane_of
from deid_node.pixels.fill.tones import PaletteTone
from deid_node.values.fill import Fill

FLAT_LEVELS: Final = 3
"""Pixels that lie within so many levels of the median, or of a plane, count as even."""

EVEN_SHARE: Final = 0.8
"""A surround is even where this share of it is: the rest is a line or a neighbour."""

THIN_PIXELS: Final = 24
"""A target that is nowhere wider than this is thin: a line of small text."""

SIMPLE_LEVELS: Final = 8.0
"""A texture is simple where its usual distance from a plane is less than so many levels."""

_LEVELS: Final = 255
_TAILS: Final = (1.0, 99.0)


class Ground(StrEnum):
    """What a part of a target lies on."""

    FLAT = "flat"
    GRADIENT = "gradient"
    TEXTURE = "texture"
    ANATOMY = "anatomy"


MADE_UP: Final = frozenset(
    {Fill.SMOOTH, Fill.HARMONIC, Fill.TELEA, Fill.NEIGHBOURS, Fill.DIFFUSION}
)
"""Fills that guess what was there."""

CHOICE: Final[Mapping[Ground, Fill]] = MappingProxyType(
    {
        Ground.FLAT: Fill.SOLID,
        Ground.GRADIENT: Fill.GRADIENT,
        Ground.TEXTURE: Fill.TELEA,
        Ground.ANATOMY: Fill.TELEA,
    }
)
"""What ``auto`` takes."""

MODEL_EVERYWHERE: Final[Mapping[Ground, Fill]] = MappingProxyType(
    {**CHOICE, Ground.TEXTURE: Fill.DIFFUSION, Ground.ANATOMY: Fill.DIFFUSION}
)
"""What ``diffusion`` takes: the model wherever something has to be made up."""

SMOOTHLY: Final[Mapping[Ground, Fill]] = MappingProxyType(
    {**CHOICE, Ground.TEXTURE: Fill.SMOOTH, Ground.ANATOMY: Fill.SMOOTH}
)
"""Instead of a fill that drew what looks like letters."""

PLAINLY: Final[Mapping[Ground, Fill]] = MappingProxyType(
    {**CHOICE, Ground.TEXTURE: Fill.SOLID, Ground.ANATOMY: Fill.SOLID}
)
"""Where a smooth fill is taken for letters too, and where no more may be made up."""


def ground_of(crop: Crop, island: Mask, ring: Mask) -> Ground:
    """Return what `island`, a part of the crop's target, lies on, by the pixels under `ring`."""
    if not ring.any():
        return Ground.FLAT
    if isinstance(crop.tone, PaletteTone):
        values: NDArray[Any] = crop.tone.shown(crop.stored)
        levels: NDArray[Any] = np.ones(3)
    else:
        values = crop.stored
        levels = _level(values[ring])
    wide = np.nan_to_num(values[ring].astype(np.float64))
    median = np.median(wide, axis=0)
    if _even(wide - median, levels):
        return Ground.FLAT
    apart = wide - plane_of(values, ring)[ring]
    if not isinstance(crop.tone, PaletteTone) and _even(apart, levels):
        return Ground.GRADIENT
    if _thin(island) and float(np.median(np.abs(apart) / levels)) < SIMPLE_LEVELS:
        return Ground.TEXTURE
    return Ground.ANATOMY


def _even(apart: NDArray[np.float64], levels: NDArray[Any]) -> bool:
    near = np.abs(apart) <= FLAT_LEVELS * levels
    return bool(np.mean(near if near.ndim == 1 else near.all(axis=1)) >= EVEN_SHARE)


def _level(values: NDArray[Any]) -> NDArray[Any]:
    """Return how many stored values make one grey level here, one number a sample."""
    low, high = np.percentile(np.nan_to_num(values.astype(np.float64)), _TAILS, axis=0)
    step = (high - low) / _LEVELS
    return np.asarray(np.maximum(step, 1.0) if values.dtype.kind in "iu" else step)


def _thin(island: Mask) -> bool:
    padded = np.pad(island.astype(np.uint8), 1)
    return bool(2 * cv2.distanceTransform(padded, cv2.DIST_C, 3).max() <= THIN_PIXELS)
