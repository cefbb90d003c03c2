"""From a box on a frame to what the network takes: one grey line, 32 pixels high.

Training cuts its lines with the same functions, so that the network never meets
a picture made in another way than those it learned from.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame

HEIGHT = 32
"""Rows of what the network takes."""

LEAST_WIDTH = 16
MOST_WIDTH = 4096
_WIDTH_STEP = 4
_LEAST_DEVIATION = 3.0  # grey levels; below it a crop is even but for its noise


def line_of(crop: DisplayFrame) -> NDArray[np.float32]:
    """Return `crop` as the network takes it.

    Parameters
    ----------
    crop
        What stands in a box: grey ``(rows, columns)`` or RGB ``(rows, columns, 3)``, uint8.

    Returns
    -------
    ``(HEIGHT, width)``: the mean is 0 and the spread 1, whatever the contrast was. The
    width keeps the crop's proportions and is a multiple of 4, between `LEAST_WIDTH` and
    `MOST_WIDTH`.
    """
    grey = most_contrast(crop)
    rows, columns = grey.shape
    width = max(1, min(MOST_WIDTH, round(columns * HEIGHT / rows)))
    method = cv2.INTER_AREA if rows > HEIGHT else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(grey, (width, HEIGHT), interpolation=method), np.float32)
    deviation = max(float(scaled.std()), _LEAST_DEVIATION)
    level = (scaled - np.float32(scaled.mean())) / np.float32(deviation)
    more = max(LEAST_WIDTH, -(-width // _WIDTH_STEP) * _WIDTH_STEP) - width
    return np.pad(level, ((0, 0), (more // 2, more - more // 2)), mode="edge")


def most_contrast(crop: DisplayFrame) -> NDArray[np.uint8]:
    """Return the colour channel in which `crop` has the most contrast; grey stays grey.

    Blue letters on black nearly vanish in luminance, red ones on green quite.
    """
    if crop.ndim == 2:
        return crop
    spread = crop.reshape(-1, 3).std(axis=0)
    return np.ascontiguousarray(crop[..., int(spread.argmax())])
