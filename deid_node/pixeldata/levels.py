"""Tone curves: stored values of one sample to 8-bit grey.

A frame has millions of pixels and at most 65,536 values that matter, so a curve
is computed once per value and looked up per pixel. Floating and 32-bit frames
have too many values for that; their curves run over the pixels.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame, StoredFrame

WHITE: Final = 255
_TABLE_VALUES: Final = 65536
_MOST_STEPS: Final = 4096


class Levels:
    """The values of one frame, ready for any number of curves.

    The curves are those of `like`, another frame of the same kind, where it is
    given. `low` and `high` are its smallest and largest finite value, both 0
    where there is none.
    """

    def __init__(self, values: StoredFrame, like: StoredFrame | None = None) -> None:
        self._values = values
        self._like = values if like is None else like
        self.low, self.high = _range(self._like)
        self._index: NDArray[np.intp] | None = None
        if values.dtype.kind in "iu" and self.high - self.low < _TABLE_VALUES:
            self._index = self._steps(values)

    def scaled(self, black: float, white: float) -> DisplayFrame:
        """Return a straight line from `black` (and all below) to `white` (and all above)."""
        if self._index is None:
            return straight(self._values, black, white)
        curve = straight(np.arange(self.low, self.high + 1), black, white)
        result: DisplayFrame = curve[self._index]
        return result

    def equalised(self) -> DisplayFrame:
        """Return a curve that gives each grey level to as many pixels as the next.

        Small steps between large populations come far apart: faint strokes on a
        flat ground, however wide the range beside them is.
        """
        if self.high <= self.low:
            return np.zeros(self._values.shape, np.uint8)
        index = self._steps(self._values) if self._index is None else self._index
        model = index if self._like is self._values else self._steps(self._like)
        counts = np.bincount(model.reshape(-1), minlength=int(index.max()) + 1)
        # The middle of its own population: a ground and the strokes on it stay apart.
        rank = np.cumsum(counts) - counts / 2
        grey = np.clip(np.rint(rank * (WHITE / rank[-1])), 0, WHITE).astype(np.uint8)
        result: DisplayFrame = grey[index]
        return result

    def _steps(self, values: StoredFrame) -> NDArray[np.intp]:
        """Return `values` as whole steps above `low`, up to those of `high`."""
        if values.dtype.kind in "iu" and self.high - self.low < _TABLE_VALUES:
            low, steps = int(self.low), values.astype(np.intp)
            if values is not self._like:
                steps = np.clip(steps, low, int(self.high))
            return steps - low
        # Steps of one width would put all that matters into one beside a single far value.
        used = np.unique(self._like[np.isfinite(self._like)])
        edges = used[:: -(-used.size // _MOST_STEPS)] if used.size else np.zeros(1)
        steps = np.searchsorted(edges, values, side="right") - 1
        steps[np.isnan(values)] = 0
        return np.maximum(steps, 0)


def straight(values: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    """Return `values` with `black` and all below 0, `white` and all above 255; no number is 0."""
    if white <= black:
        return np.zeros(values.shape, dtype=np.uint8)
    with np.errstate(over="ignore", invalid="ignore"):
        wide = (values.astype(np.float64) - black) * (WHITE / (white - black))
    wide = np.nan_to_num(wide, nan=0.0, posinf=WHITE, neginf=0.0)
    result: NDArray[np.uint8] = np.clip(np.rint(wide), 0, WHITE).astype(np.uint8)
    return result


def _range(values: StoredFrame) -> tuple[float, float]:
    if values.dtype.kind != "f":
        return float(values.min()), float(values.max())
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
