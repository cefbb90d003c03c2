"""One picture to look at: what stood there, what was masked, and what each arm made of it."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixels.fill.tones import TOP
from deid_node_lab.evaluation.restoration.arms import Arm, Original
from deid_node_lab.evaluation.restoration.holes import Hole
from deid_node_lab.evaluation.restoration.schooling import cut

_SIDE_PIXELS: Final = 128
_ENLARGED: Final = 2
_GAP_PIXELS: Final = 6
_HEAD_PIXELS: Final = 22


def sheet_of(holes: Sequence[Hole], arms: Sequence[Arm]) -> NDArray[np.uint8]:
    """Return RGB with a row for each hole: with its text, masked, then arm by arm."""
    columns: list[tuple[str, list[NDArray[np.uint8]]]] = [
        ("with text", [_square(hole, hole.written[hole.view.slices]) for hole in holes]),
        ("mask", [_square(hole, _masked(hole)) for hole in holes]),
    ]
    for arm in (Original(), *(arm for arm in arms if not isinstance(arm, Original))):
        fills = arm.fill(holes)
        squares = [
            _square(hole, attempt.values) for hole, attempt in zip(holes, fills, strict=True)
        ]
        columns.append((arm.name, squares))
    step = _SIDE_PIXELS * _ENLARGED + _GAP_PIXELS
    size = (_HEAD_PIXELS + len(holes) * step, len(columns) * step + _GAP_PIXELS, 3)
    sheet = np.full(size, 255, np.uint8)
    for number, (name, squares) in enumerate(columns):
        left = _GAP_PIXELS + number * step
        cv2.putText(sheet, name, (left, 16), 0, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        for row, square in enumerate(squares):
            top = _HEAD_PIXELS + row * step
            sheet[top : top + square.shape[0], left : left + square.shape[1]] = square
    return sheet


def _masked(hole: Hole) -> StoredFrame:
    view = hole.view.slices
    values = hole.picture.values[view].copy()
    level = hole.picture.low + hole.picture.step * TOP / 2
    values[hole.mask[view]] = values.dtype.type(round(level))
    return values


def _square(hole: Hole, values: StoredFrame) -> NDArray[np.uint8]:
    """Return the middle of a view as an RGB square, enlarged."""
    shown = hole.picture.shown(values)
    rows, columns = np.nonzero(hole.mask[hole.view.slices])
    row, column = (int(one.min() + one.max()) // 2 for one in (rows, columns))
    patch = np.clip(np.rint(cut(shown, row, column, _SIDE_PIXELS)), 0, TOP).astype(np.uint8)
    colour = patch if patch.ndim == 3 else np.repeat(patch[..., None], 3, axis=2)
    return np.ascontiguousarray(colour.repeat(_ENLARGED, 0).repeat(_ENLARGED, 1))
