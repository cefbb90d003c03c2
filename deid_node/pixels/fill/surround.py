"""The pixels around a mask: the only ones that a fill may be made of."""

from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask

RING_PIXELS: Final = 6


def near(mask: Mask, reach_pixels: int) -> Mask:
    """Return the pixels within `reach_pixels` of `mask`, itself included."""
    side = 2 * reach_pixels + 1
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return grown


def ring_of(mask: Mask) -> Mask:
    """Return the unmasked pixels within `RING_PIXELS` of `mask`; all unmasked if there are none."""
    return ring_in(~mask, mask)


def ring_in(known: Mask, island: Mask) -> Mask:
    """Return the `known` pixels within `RING_PIXELS` of `island`; all known if there are none."""
    ring: Mask = near(island, RING_PIXELS) & known
    return ring if ring.any() else known


def islands_of(mask: Mask, unknown: Mask | None = None) -> Iterator[tuple[Mask, Mask]]:
    """Yield each connected part of `mask` with its own ring, outside of `unknown` too.

    Of two labels side by side one may stand on a blue banner and the other on black.
    """
    known = ~mask if unknown is None else ~(mask | unknown)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        island: Mask = labels == label
        yield island, ring_in(known, island)


def median_of(frame: NDArray[Any], where: Mask) -> NDArray[Any]:
    """Return the lower median of each sample of `frame` under `where`: a value that occurs there.

    Shape ``()`` or ``(samples,)``; zero where `where` is empty.
    """
    if not where.any():
        return np.zeros(frame.shape[2:], dtype=frame.dtype)
    ordered = np.sort(frame[where], axis=0)
    middle: NDArray[Any] = ordered[(len(ordered) - 1) // 2]
    return np.asarray(middle, dtype=frame.dtype)
