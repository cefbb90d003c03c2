"""Holes like those that the corridor cuts: lines of text as widened boxes, and barcodes.

The letters are not drawn: a hole is all that an inpainter gets to see of them.
"""

import cv2
import numpy as np

from deid_node.pixeldata.arrays import Mask

_LARGEST_SHARE = 0.4
_TRIES = 20


def hole(rows: int, columns: int, chance: np.random.Generator) -> Mask:
    """Return a mask ``(rows, columns)`` with at least one box and much left around it.

    Nearly half hold a single line, the others a block of lines, lines here and there, a
    strip from edge to edge, a tilted line or a barcode. Capitals are 6 to 40 pixels high and a
    line stands apart from the picture's edge, where there is room, so that it is seen from
    all sides.
    """
    for _ in range(_TRIES):
        mask = np.zeros((rows, columns), np.bool_)
        kind = chance.random()
        if kind < 0.45:
            _line(mask, chance)
        elif kind < 0.65:
            _block(mask, chance)
        elif kind < 0.8:
            for _ in range(int(chance.integers(2, 5))):
                _line(mask, chance)
        elif kind < 0.88:
            _strip(mask, chance)
        elif kind < 0.96:
            _tilted(mask, chance)
        else:
            _barcode(mask, chance)
        if 0 < mask.mean() <= _LARGEST_SHARE:
            return mask
    mask = np.zeros((rows, columns), np.bool_)
    mask[rows * 2 // 5 : rows * 3 // 5, columns // 4 : columns * 3 // 4] = True
    return mask


def _height(chance: np.random.Generator) -> int:
    capital = float(np.exp(chance.uniform(np.log(6), np.log(40))))
    return round(capital) + 2 * max(3, min(round(capital / 6), 8))


def _line(mask: Mask, chance: np.random.Generator) -> None:
    height = _height(chance)
    width = round(height * float(np.exp(chance.uniform(np.log(0.8), np.log(7)))))
    if chance.random() < 0.12:
        height, width = width, height
    _put(mask, height, width, chance)


def _block(mask: Mask, chance: np.random.Generator) -> None:
    rows, columns = mask.shape
    height = min(_height(chance), 26)
    pitch = height + int(chance.integers(-4, 6))
    longest = round(height * chance.uniform(2, 7))
    top = int(chance.integers(4, max(5, rows // 2)))
    left = int(chance.integers(4, max(5, columns // 2)))
    for number in range(int(chance.integers(2, 6))):
        width = max(height, round(longest * chance.uniform(0.4, 1.0)))
        first = top + number * pitch
        mask[first : first + height, left : left + width] = True


def _strip(mask: Mask, chance: np.random.Generator) -> None:
    rows, columns = mask.shape
    upright = chance.random() < 0.2
    length = columns if upright else rows
    height = min(_height(chance), length // 3)
    start = int(chance.integers(0, length - height))
    if upright:
        mask[:, start : start + height] = True
    else:
        mask[start : start + height] = True


def _tilted(mask: Mask, chance: np.random.Generator) -> None:
    rows, columns = mask.shape
    height = _height(chance)
    width = min(height * chance.uniform(2, 6), 0.9 * min(rows, columns))
    middle = (columns * chance.uniform(0.3, 0.7), rows * chance.uniform(0.3, 0.7))
    corners = cv2.boxPoints((middle, (width, height), chance.uniform(-60, 60)))
    drawn = cv2.fillConvexPoly(mask.astype(np.uint8), np.rint(corners).astype(np.int32), 1)
    mask |= drawn.astype(np.bool_)


def _barcode(mask: Mask, chance: np.random.Generator) -> None:
    side = int(chance.integers(20, 48))
    _put(mask, side, round(side * chance.choice((1.0, 1.0, 1.8, 2.6))), chance)


def _put(mask: Mask, height: int, width: int, chance: np.random.Generator) -> None:
    rows, columns = mask.shape
    height, width = min(height, rows // 2), min(width, columns * 4 // 5)
    top = int(chance.integers(rows // 12, rows - height - rows // 12 + 1))
    left = int(chance.integers(columns // 12, columns - width - columns // 12 + 1))
    mask[top : top + height, left : left + width] = True
