"""The pixels around a mask: the only ones that a fill may be made of."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.arrays import DisplayFrame, Mask

RING_PIXELS: Final = 6


def ring_of(mask: Mask) -> Mask:
    """Return the unmasked pixels within `RING_PIXELS` of `mask`; all unmasked if there are none."""
    return _around(mask, ~mask)


def islands_of(mask: Mask) -> Iterator[tuple[Mask, Mask]]:
    """Yield each connected part of `mask` with its own ring.

    Of two labels side by side one may stand on a blue banner and the other on black.
    """
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        island: Mask = labels == label
        yield island, _around(island, ~mask)


def median_of(frame: NDArray[Any], where: Mask) -> NDArray[Any]:
    """Return the lower median of each sample of `frame` under `where`: a value that occurs there.

    Shape ``()`` or ``(samples,)``; zero where `where` is empty.
    """
    if not where.any():
        return np.zeros(frame.shape[2:], dtype=frame.dtype)
    ordered = np.sort(frame[where], axis=0)
    middle: NDArray[Any] = ordered[(len(ordered) - 1) // 2]
    return np.asarray(middle, dtype=frame.dtype)


def pairs_of(
    frames: Sequence[DisplayFrame], masks: Sequence[Mask]
) -> tuple[tuple[DisplayFrame, Mask], ...]:
    """Return each frame with its mask; raise `ValueError` where they do not fit."""
    pairs = tuple(zip(frames, masks, strict=True))
    for frame, mask in pairs:
        if frame.shape[:2] != mask.shape or frame.dtype != np.uint8:
            raise ValueError("a mask does not cover its 8-bit frame")
    return pairs


def _around(island: Mask, unmasked: Mask) -> Mask:
    side = 2 * RING_PIXELS + 1
    near = cv2.dilate(island.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    ring: Mask = near & unmasked
    return ring if ring.any() else unmasked
