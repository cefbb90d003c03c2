"""Noise that belongs to a place: the same pixel gets the same number, whatever is cut out.

A cine in which each frame drew noise of its own would flicker where text was. Noise is
drawn in blocks that lie on a grid of the whole frame, each from the seed and its place.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BLOCK: Final = 64


def noise_at(
    seed: int, *, top: int, left: int, rows: int, columns: int, layers: int = 1
) -> NDArray[np.float32]:
    """Return normal noise, mean 0 and deviation 1, of a part of an endless plane.

    Parameters
    ----------
    seed
        Not negative; another seed gives another plane.
    top, left
        Where the part begins; may be negative.
    rows, columns, layers
        Its size.

    Returns
    -------
    ``(layers, rows, columns)``.
    """
    plane = np.empty((layers, rows, columns), dtype=np.float32)
    for down in range(top // _BLOCK, -(-(top + rows) // _BLOCK)):
        for right in range(left // _BLOCK, -(-(left + columns) // _BLOCK)):
            # Seeds of numpy are not negative.
            key = [seed, layers, down + 2**31, right + 2**31]
            block = np.random.default_rng(key).standard_normal((layers, _BLOCK, _BLOCK), np.float32)
            y, x = down * _BLOCK - top, right * _BLOCK - left
            inside = (slice(max(0, y), y + _BLOCK), slice(max(0, x), x + _BLOCK))
            height, width = plane[:, inside[0], inside[1]].shape[1:]
            from_y, from_x = max(0, -y), max(0, -x)
            plane[:, inside[0], inside[1]] = block[
                :, from_y : from_y + height, from_x : from_x + width
            ]
    return plane
