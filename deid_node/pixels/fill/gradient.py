"""A plane through the surround of each part of a target: the exact gradient of a banner."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.base import Filled, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.solid import NARROW_PIXELS
from deid_node.pixels.fill.surround import islands_of
from deid_node.pixels.fill.tones import PaletteTone
from deid_node.values.fill import Fill

_ROUNDS: Final = 8
_OUTLIER: Final = 3.0


class GradientInpainter:
    """Paints each part of a target in the plane that fits its ring best.

    Values stay in the range of the ring. Entries of a palette have no order that a
    plane could follow: there each part gets one value.
    """

    @property
    def context_pixels(self) -> int:
        """The ring is all that it looks at."""
        return NARROW_PIXELS

    def made_up_pixels(self, crop: Crop) -> int:  # noqa: ARG002
        """Nothing: what it puts there stands around."""
        return 0

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        return tuple(_painted(crop) for crop in crops)


def plane_of(values: NDArray[Any], where: Mask) -> NDArray[np.float64]:
    """Return the plane through the pixels of `values` under `where`, at every pixel.

    A line or a neighbour that crosses the ring does not tilt it: pixels count by the
    inverse of their distance, at last only those near the plane.

    Parameters
    ----------
    values
        ``(rows, columns)`` or ``(rows, columns, samples)``.
    where
        ``(rows, columns)``, at least one pixel.
    """
    rows, columns = where.shape
    down, right = np.mgrid[:rows, :columns]
    # Small numbers about zero: the normal equations stay well conditioned.
    size = max(rows, columns)
    terms = np.stack([np.ones(where.shape), down / size - 0.5, right / size - 0.5], axis=-1)
    known, wanted = (
        terms[where],
        np.nan_to_num(values[where].astype(np.float64)).reshape(int(where.sum()), -1),
    )
    plane = _solved(known, wanted, np.ones(len(known)))
    for turn in range(_ROUNDS):
        apart = np.abs(known @ plane - wanted).max(axis=1)
        usual = float(np.median(apart)) + 1e-9
        last = turn == _ROUNDS - 1
        weights = (apart <= _OUTLIER * usual) * 1.0 if last else 1 / np.maximum(apart, usual)
        plane = _solved(known, wanted, weights)
    return np.asarray((terms @ plane).reshape(values.shape))


def _solved(
    terms: NDArray[np.float64], wanted: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    weighted = terms * weights[:, None]
    return np.asarray(np.linalg.lstsq(weighted.T @ terms, weighted.T @ wanted, rcond=None)[0])


def _painted(crop: Crop) -> Filled:
    values = crop.stored.copy()
    for island, ring in islands_of(crop.target, crop.mask):
        if isinstance(crop.tone, PaletteTone) or not ring.any():
            values[island] = crop.plain(ring)
            continue
        plane = plane_of(values, ring)[island]
        known = values[ring]
        if values.dtype.kind in "iu":
            plane = np.rint(plane)
        values[island] = np.clip(plane, known.min(axis=0), known.max(axis=0)).astype(values.dtype)
    return filled_by(Fill.GRADIENT, crop, values)
