"""Whether a picture is a drawing or a print: few tones, each in patches.

Source: PS3.3 A.8 (secondary capture: nothing is promised of what it shows).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MOST_TONES: Final = 16
_BLOCK: Final = 32
_LEAST_FLAT: Final = 0.3
"""Of a block of print this much goes on to the right and below; dots of a raster do not."""


def is_drawing(values: NDArray[Any]) -> bool:
    """Return whether a frame has too few tones for a photograph, and no raster of dots.

    Parameters
    ----------
    values
        One frame, ``(rows, columns)`` or ``(rows, columns, samples)``.
    """
    rows, columns = values.shape[:2]
    pixels = values.reshape(rows, columns, -1)
    # A sample first: it settles what has many tones, and counting all of a large frame is slow.
    if any(_tones(part) > _MOST_TONES for part in (pixels[::_BLOCK, ::_BLOCK], pixels)):
        return False
    same = np.ones((rows, columns), dtype=np.bool_)
    same[:, :-1] &= (pixels[:, 1:] == pixels[:, :-1]).all(axis=2)
    same[:-1] &= (pixels[1:] == pixels[:-1]).all(axis=2)
    return all(
        same[top : top + _BLOCK, left : left + _BLOCK].mean() >= _LEAST_FLAT
        for top in range(0, rows, _BLOCK)
        for left in range(0, columns, _BLOCK)
    )


def _tones(pixels: NDArray[Any]) -> int:
    return int(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0).shape[0])
