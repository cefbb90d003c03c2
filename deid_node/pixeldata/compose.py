"""Filled inside the mask, stored outside, bit for bit."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask

Stored = TypeVar("Stored", bound=np.generic)


def keep_inside(stored: NDArray[Stored], filled: NDArray[Stored], mask: Mask) -> NDArray[Stored]:
    """Return `stored` with the pixels under `mask` taken from `filled`.

    Outside the mask the result equals `stored` bit for bit, whatever the
    inpainter did there: a model that redraws anatomy must not reach the archive.

    Parameters
    ----------
    stored
        One frame as stored: ``(rows, columns)`` or ``(rows, columns, samples)``,
        dtype as stored, no rescale slope or window applied.
    filled
        The same frame after inpainting, back in stored values; same shape and dtype.
    mask
        ``(rows, columns)``; True where `filled` is taken.

    Returns
    -------
    A new array, same shape and dtype; no argument is written to.

    Raises
    ------
    ValueError
        The three do not fit each other: a fault of the caller.

    Source
    ------
    PS3.15 E.3.1 (Clean Pixel Data Option); PS3.3 C.7.6.3 (Image Pixel Module).
    """
    if (stored.shape, stored.dtype) != (filled.shape, filled.dtype):
        raise ValueError(
            f"frames differ: {stored.shape} {stored.dtype}, {filled.shape} {filled.dtype}"
        )
    if mask.shape != stored.shape[:2]:
        raise ValueError(f"mask {mask.shape} does not cover frame {stored.shape}")
    result = stored.copy()
    # Most rows are touched by no mask: they are not looked at pixel by pixel.
    touched = np.flatnonzero(mask.any(axis=1))
    if touched.size:
        rows = slice(touched[0], touched[-1] + 1)
        result[rows][mask[rows]] = filled[rows][mask[rows]]
    return result
