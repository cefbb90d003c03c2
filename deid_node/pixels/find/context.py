"""What the second stage of the finder looks at: a proposed box with what lies around it.

The map sees strokes; whether they are text is told by the line that they stand in and
by what that line stands on. So each box is shown twice: along its line, its letters
16 pixels high, and from afar, where a letter is 6 pixels and a vertebra, a vial or a
row of teeth shows what it belongs to. A fourth channel says where the box is.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.values.geometry import Box, Found

NEAR_SHAPE: Final = (48, 144)
"""Rows and columns of a cut along the line."""

FAR_SHAPE: Final = (64, 64)
"""Rows and columns of a cut from afar."""

FACTS: Final = 4
"""Numbers that go with a box: its certainty, its letters' height, its length, its share."""

_NEAR_LETTER: Final = 16
_FAR_LETTER: Final = 6
_LEAST_LETTER: Final = 6
_UPRIGHT_RATIO: Final = 1.5
_LONG: Final = 9
"""Letter heights that one cut shows; a longer line is cut at three places."""
_INSIDE, _BEYOND = 255, 128


def near(frame: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return cuts along the line in `box`, ``(count, *NEAR_SHAPE, 4)`` uint8.

    One, or three of a long line. Letters run from left to right: a box that is clearly
    higher than wide is turned. `frame` is ``(rows, columns, 3)``.
    """
    letter = _letter(box)
    upright = _is_upright(box)
    scale = _NEAR_LETTER / letter
    shape = NEAR_SHAPE[::-1] if upright else NEAR_SHAPE
    middle_x, middle_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    length = max(box.right - box.left, box.bottom - box.top)
    offsets: tuple[float, ...] = (0.0,)
    if length > _LONG * letter:
        reach = (length - _LONG * letter) / 2
        offsets = (-reach, 0.0, reach)
    cuts = []
    for offset in offsets:
        x, y = (middle_x, middle_y + offset) if upright else (middle_x + offset, middle_y)
        cut = _cut(frame, box, (x, y), shape, scale)
        cuts.append(np.rot90(cut) if upright else cut)
    return np.stack(cuts)


def far(frame: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the surround of `box` from afar, ``(*FAR_SHAPE, 4)`` uint8."""
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    return _cut(frame, box, middle, FAR_SHAPE, _FAR_LETTER / _letter(box))


def facts(frame: NDArray[np.uint8], found: Found) -> NDArray[np.float32]:
    """Return `FACTS` numbers about a box, each about 0 to 1, float32."""
    box, (rows, columns) = found.box, frame.shape[:2]
    letter = _letter(box)
    length = max(box.right - box.left, box.bottom - box.top) / letter
    share = box.area_pixels / (rows * columns)
    return np.array(
        [found.score, np.log2(letter) / 8, min(1.0, np.log2(1 + length) / 6), share**0.25],
        np.float32,
    )


def _letter(box: Box) -> int:
    return max(_LEAST_LETTER, min(box.right - box.left, box.bottom - box.top))


def _is_upright(box: Box) -> bool:
    return box.bottom - box.top > _UPRIGHT_RATIO * (box.right - box.left)


def _cut(
    frame: NDArray[np.uint8],
    box: Box,
    middle: tuple[float, float],
    shape: tuple[int, int],
    scale: float,
) -> NDArray[np.uint8]:
    """Return ``(*shape, 4)``: the frame around `middle`, and where the box and the frame end."""
    rows, columns = frame.shape[:2]
    high, wide = (max(1, round(n / scale)) for n in shape)
    left, top = round(middle[0] - wide / 2), round(middle[1] - high / 2)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(columns, left + wide), min(rows, top + high)
    window = np.zeros((high, wide, 4), np.uint8)
    window[..., 3] = _BEYOND
    if x0 < x1 and y0 < y1:
        inside = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        window[(*inside, slice(0, 3))] = frame[y0:y1, x0:x1]
        window[(*inside, 3)] = 0
        window[
            max(0, box.top - top) : max(0, box.bottom - top),
            max(0, box.left - left) : max(0, box.right - left),
            3,
        ] = _INSIDE
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(window, shape[::-1], interpolation=method), np.uint8)
