"""Fills a hole by what the frames beside it show at the same place.

Text on one slice of a stack, or on some frames of a cine, covers what the next slice
shows. A newcomer would copy it, or blend the two nearest; where slices lie far apart that
is worse than no neighbour at all. So the hole keeps the shades of its own surround, and of
a neighbour only the detail that departs from such shades is taken, as strongly as it
proves itself: beside the hole, where the truth is known, holes of the same shape are
filled likewise, and the weights are those that would have been right there. Where they
would have explained too little, another inpainter fills as if there were no neighbour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixeldata.compose import keep_inside
from deid_node.pixels.fill.base import Filled, Inpainter, Part
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.grain import with_grain
from deid_node.pixels.fill.harmonic import stretched
from deid_node.pixels.fill.surround import islands_of, near
from deid_node.pixels.fill.tones import Shown
from deid_node.values.fill import Fill

LEAST_EXPLAINED: Final = 0.1
"""Share of the detail beside the hole that the neighbours must explain."""

_CONTEXT_PIXELS: Final = 64
_GAP_PIXELS: Final = 2
_LEAST_SHARE: Final = 0.25
_MOST_WEIGHT: Final = 1.2
_RIDGE: Final = 0.02
_NOISE: Final = 1e-3


class GuidedInpainter:
    """Takes the detail of neighbouring frames where it fits, and another inpainter elsewhere."""

    def __init__(self, alone: Inpainter) -> None:
        self._alone = alone

    @property
    def context_pixels(self) -> int:
        """Enough for a hole of the same shape beside the target, or as far as the other looks."""
        return max(_CONTEXT_PIXELS, self._alone.context_pixels)

    def made_up_pixels(self, crop: Crop) -> int:
        """As much as the other: detail of another slice is likely here, not known."""
        return self._alone.made_up_pixels(crop)

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        guided = [_guided(crop) for crop in crops]
        left = [
            replace(crop, target=crop.target & ~_covered(parts, crop.target))
            for crop, (_, parts) in zip(crops, guided, strict=True)
        ]
        alone = self._alone.fill(left)
        return tuple(
            Filled(
                keep_inside(one.values, crop.back(shown), _covered(parts, crop.target)),
                (*one.parts, *parts),
            )
            if parts
            else one
            for crop, (shown, parts), one in zip(crops, guided, alone, strict=True)
        )


def _covered(parts: Sequence[Part], like: Mask) -> Mask:
    covered = np.zeros_like(like)
    for part in parts:
        covered |= part.where
    return covered


def _guided(crop: Crop) -> tuple[Shown, tuple[Part, ...]]:
    """Return the crop as shown, filled where its neighbours explain enough, and those parts."""
    shown = crop.shown()
    if not crop.neighbours or not crop.target.any():
        return shown, ()
    guides = [(crop.tone.shown(one.stored), one.mask) for one in crop.neighbours]
    filled = shown.copy()
    parts = []
    for island, _ in islands_of(crop.target, crop.mask):
        bare = [(guide, mask) for guide, mask in guides if not (mask & island).any()]
        fitting = _detail(shown, crop.mask, island, bare)
        if fitting is not None:
            filled[island] = fitting[island]
            parts.append(Part(island, Fill.NEIGHBOURS))
    if not parts:
        return shown, ()
    target = _covered(parts, crop.target)
    model = next((one for one in crop.neighbours if not (one.mask & target).any()), None)
    return with_grain(replace(crop, target=target), shown, filled, model=model), tuple(parts)


def _detail(
    shown: Shown, mask: Mask, island: Mask, guides: Sequence[tuple[Shown, Mask]]
) -> Shown | None:
    """Return `shown` with `island` filled by `guides`; None where they explain too little."""
    wanted: list[NDArray[np.float64]] = []
    offered: list[NDArray[np.float64]] = []
    hidden = mask.copy()
    for _, own in guides:
        hidden |= own
    for place in _beside(island, hidden) if guides else ():
        hole = hidden | place
        wanted.append(_departure(shown, hole)[place].ravel().astype(np.float64))
        ours = [_departure(guide, hole)[place].ravel() for guide, _ in guides]
        offered.append(np.stack(ours).astype(np.float64))
    if not wanted:
        return None
    weights, explained = _weights(np.concatenate(wanted), np.concatenate(offered, axis=1))
    if explained < LEAST_EXPLAINED:
        return None
    film = stretched(shown, mask)
    for weight, (guide, own) in zip(weights, guides, strict=True):
        film += np.float32(weight) * _departure(guide, mask | own)
    return film


def _departure(shown: Shown, hole: Mask) -> NDArray[np.float32]:
    """Return what a picture has under `hole` beyond the shades of what surrounds that."""
    return np.asarray(shown - stretched(shown, hole))


def _weights(
    wanted: NDArray[np.float64], offered: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return how much of each row of `offered` makes `wanted`, and what share that explains."""
    products = offered @ offered.T
    count = len(offered)
    ridge = _RIDGE * np.trace(products) / count + _NOISE * wanted.size
    solved = np.linalg.solve(products + ridge * np.eye(count), offered @ wanted)
    weights = np.clip(solved, 0.0, _MOST_WEIGHT)
    missed = wanted - weights @ offered
    explained = 1.0 - float((missed * missed).sum()) / max(float((wanted * wanted).sum()), 1e-9)
    return weights, explained


def _beside(island: Mask, hidden: Mask) -> Iterator[Mask]:
    """Yield the shape of `island` above, below, left and right of it, without what is hidden."""
    rows, columns = (np.flatnonzero(island.any(axis=axis)) for axis in (1, 0))
    height, width = (int(one[-1] - one[0]) + 1 + _GAP_PIXELS for one in (rows, columns))
    kept_off = near(hidden, 1)
    for down, right in ((-height, 0), (height, 0), (0, -width), (0, width)):
        place = _moved(island, down, right) & ~kept_off
        if place.sum() >= _LEAST_SHARE * island.sum():
            yield place


def _moved(mask: Mask, down: int, right: int) -> Mask:
    size = (mask.shape[1], mask.shape[0])
    move = np.array([[1, 0, right], [0, 1, down]], dtype=np.float32)
    return np.asarray(
        cv2.warpAffine(mask.astype(np.uint8), move, size, flags=cv2.INTER_NEAREST) > 0
    )
