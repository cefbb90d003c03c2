"""Colour Doppler under a found box: blood, which no text is, told by its colours.

Text has one colour, or two; flow runs through a scale of them, and so does the bar of
that scale beside it. A finder takes the branches of a power Doppler for letters, and a
fill would take the flow out of the picture without a trace.
"""

from typing import Final

import cv2
import numpy as np

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box

LEAST_SATURATION: Final = 80
"""Levels, of 255, between the strongest and the weakest sample of a pixel that has a colour."""

LEAST_SHARE: Final = 0.2
"""Share of such pixels in the box: letters in a colour cover less of theirs."""

LEAST_SPREAD_DEGREES: Final = 9.0
"""Circular standard deviation of their hue: one colour stays below it, unless compressed badly."""

_LEAST_PIXELS: Final = 12


def shows_flow(picture: DisplayFrame, box: Box) -> bool:
    """Return whether `box` of `picture` runs through a scale of colours.

    Parameters
    ----------
    picture
        ``(rows, columns, 3)`` uint8 RGB; a grey picture shows none.
    box
        What a finder took for text.
    """
    if picture.ndim != 3:
        return False
    part = np.ascontiguousarray(picture[box.slices])
    coloured = part.max(axis=2).astype(np.int16) - part.min(axis=2) >= LEAST_SATURATION
    if coloured.sum() < max(_LEAST_PIXELS, LEAST_SHARE * coloured.size):
        return False
    # OpenCV counts hue in steps of two degrees.
    hue = np.deg2rad(cv2.cvtColor(part, cv2.COLOR_RGB2HSV)[..., 0][coloured] * 2.0)
    length = min(1.0, max(1e-9, float(np.abs(np.exp(1j * hue).mean()))))
    return float(np.rad2deg(np.sqrt(-2 * np.log(length)))) >= LEAST_SPREAD_DEGREES
