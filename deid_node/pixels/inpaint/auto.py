"""Chooses by what surrounds the mask: a flat ground gets its own value, else Telea."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from deid_node.pixels.arrays import DisplayFrame, Mask
from deid_node.pixels.inpaint.base import Filled, Inpainter
from deid_node.pixels.inpaint.surround import islands_of, median_of, pairs_of

FLAT_LEVELS: Final = 3
"""Pixels that lie within so many levels of the median count as flat."""

FLAT_SHARE: Final = 0.8
"""A surround is flat where this share of it is: the rest is a line or a neighbour."""


class AutoInpainter:
    """Hands each frame to `flat` or to `other`."""

    def __init__(self, flat: Inpainter, other: Inpainter) -> None:
        self._flat = flat
        self._other = other

    def fill(
        self, frames: Sequence[DisplayFrame], masks: Sequence[Mask], *, seed: int
    ) -> Sequence[Filled]:
        """Return the filled frames, in order."""
        pairs = pairs_of(frames, masks)
        flat = [n for n, (frame, mask) in enumerate(pairs) if is_flat(frame, mask)]
        rest = [n for n in range(len(pairs)) if n not in set(flat)]
        results: dict[int, Filled] = {}
        for inpainter, chosen in ((self._flat, flat), (self._other, rest)):
            some = inpainter.fill(
                [pairs[n][0] for n in chosen], [pairs[n][1] for n in chosen], seed=seed
            )
            results.update(zip(chosen, some, strict=True))
        return tuple(results[n] for n in range(len(pairs)))


def is_flat(frame: DisplayFrame, mask: Mask) -> bool:
    """Return whether most of the surround of each part of `mask` has one value.

    Up to `FLAT_LEVELS`; the parts may stand on different grounds.
    """
    return all(_is_one_value(frame, ring) for _, ring in islands_of(mask))


def _is_one_value(frame: DisplayFrame, ring: Mask) -> bool:
    if not ring.any():
        return True
    median = median_of(frame, ring).astype(np.int16)
    near = np.abs(frame[ring].astype(np.int16) - median) <= FLAT_LEVELS
    return bool(np.mean(near if near.ndim == 1 else near.all(axis=1)) >= FLAT_SHARE)
