"""The pixels around a mask: the only ones that a fill may be made of."""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.arrays import DisplayFrame, Mask

RING_PIXELS: Final = 6


def ring_of(mask: Mask) -> Mask:
    """Return the unmasked pixels within `RING_PIXELS` of `mask`; all unmasked if there are none."""
    side = 2 * RING_PIXELS + 1
    near = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    ring: Mask = near & ~mask
    return ring if ring.any() else ~mask


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
