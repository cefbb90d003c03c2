"""The surround, stretched over a hole like a soap film: every pixel the mean of its neighbours.

It has no detail of its own and no streak, and of all fills that guess nothing it
measures nearest to what was there (docs/decisions/pixels-filling.md). A newcomer would
take it for `smooth`, which gets there in one pass up and down a pyramid and is off by
what that rounds away: too coarse where the surround has edges.

Solved by conjugate gradients from the pyramid's guess, so that the cost grows with the
width of a hole and not with its square.

Source: Hestenes, Stiefel (1952), Methods of Conjugate Gradients for Solving Linear
Systems; Perez, Gangnet, Blake (2003), Poisson Image Editing (the membrane).
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.base import Filled, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.smooth import spread
from deid_node.pixels.fill.solid import NARROW_PIXELS
from deid_node.pixels.fill.tones import Shown
from deid_node.values.fill import Fill

_BESIDE: Final = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.float64)
_MOST_STEPS: Final = 400
_CLOSE: Final = 0.02
"""Grey levels by which a pixel may miss the mean of its neighbours, as a root mean square."""


class HarmonicInpainter:
    """Stretches the surround of a target over it.

    Nearest to the truth of all that guess nothing, and without texture: `auto` does not
    take it, evaluations do.
    """

    @property
    def context_pixels(self) -> int:
        """What lies next to the target is all that counts."""
        return NARROW_PIXELS

    def made_up_pixels(self, crop: Crop) -> int:
        """Return the size of the whole target."""
        return int(crop.target.sum())

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        return tuple(_painted(crop) for crop in crops)


def _painted(crop: Crop) -> Filled:
    if not crop.target.any():
        return filled_by(Fill.HARMONIC, crop, crop.stored.copy())
    return filled_by(Fill.HARMONIC, crop, crop.back(stretched(crop.shown(), crop.mask)))


def stretched(shown: Shown, mask: Mask) -> Shown:
    """Return `shown` with the pixels under `mask` made of those around it.

    What stands under the mask makes no difference. A mask that leaves nothing gives
    the picture back.
    """
    if not mask.any() or mask.all():
        return shown.copy()
    planes = shown.reshape(*mask.shape, -1)
    filled = planes.copy()
    near = _box_around(mask)
    for n in range(planes.shape[2]):
        guess = spread(np.ascontiguousarray(planes[..., n]), ~mask)
        filled[(*near, n)] = _film(planes[(*near, n)], mask[near], guess[near])
    return filled.reshape(shown.shape)


def _box_around(mask: Mask) -> tuple[slice, slice]:
    """Return where `mask` lies and the pixels next to it."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    ends = ((int(one[0]), int(one[-1])) for one in (rows, columns))
    down, across = (slice(max(0, first - 1), last + 2) for first, last in ends)
    return down, across


def _film(
    plane: NDArray[np.float32], mask: Mask, guess: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return one plane with `mask` filled, from `guess` on; its edge pulls nowhere."""
    inside = mask.astype(np.float64)
    neighbours = _around(np.ones_like(inside)) * inside
    film = guess * inside

    def pulled(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(neighbours * values - _around(values) * inside)

    # Known neighbours on the right-hand side, what is still wrong of the guess left.
    left = _around(np.where(mask, 0.0, plane)) * inside - pulled(film)
    way = left.copy()
    wrong = float((left * left).sum())
    close = _CLOSE**2 * float(inside.sum())
    for _ in range(_MOST_STEPS):
        if wrong <= close:
            break
        along = pulled(way)
        step = wrong / float((way * along).sum())
        film += step * way
        left -= step * along
        before, wrong = wrong, float((left * left).sum())
        way = left + (wrong / before) * way
    return np.where(mask, film, plane).astype(np.float32)


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the four neighbours of each pixel, nothing beyond the edge."""
    return np.asarray(cv2.filter2D(values, -1, _BESIDE, borderType=cv2.BORDER_CONSTANT))
