"""Between stored values and what an inpainter works on: grey or RGB on a scale of 0 to 255.

An image may have 16 bits, a sign, an inverted scale, YBR or a palette. Shown values
are floating point: a fill comes back with steps as fine as those of its surround, not
with 256. Eight bits are shown as they are; deeper ones by the range of what surrounds
the mask, so that the whole scale serves the values that the fill can have.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.display import rgb_of_ybr, ybr_of_rgb
from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.palette import Palette

TOP: Final = 255.0
Shown: TypeAlias = NDArray[np.float32]
"""``(rows, columns)`` grey or ``(rows, columns, 3)`` RGB, 0 to 255, not rounded."""

_TAILS: Final = (0.5, 99.5)
_CHUNK: Final = 1024
_ALIKE: Final = 3 * 4**2


@dataclass(frozen=True, slots=True)
class LinearTone:
    """Grey of any depth, and RGB: `low` is black, `step` the stored values of one level.

    Where `inverted`, low is white (MONOCHROME1). What comes back lies between `least`
    and `most`, the ends of what is known.
    """

    low: float
    step: float
    least: float
    most: float
    inverted: bool = False

    def shown(self, stored: StoredFrame) -> Shown:
        """Return `stored` on the scale, cut at its ends; what is no number is black."""
        wide = stored.astype(np.float64)
        levels = (np.where(np.isfinite(wide), wide, self.low) - self.low) / self.step
        cut = np.clip(levels, 0, TOP)
        return (TOP - cut if self.inverted else cut).astype(np.float32)

    def stored(self, shown: Shown, dtype: np.dtype[Any]) -> StoredFrame:
        """Return `shown` in stored values."""
        levels = TOP - shown.astype(np.float64) if self.inverted else shown.astype(np.float64)
        values = np.clip(levels, 0, TOP) * self.step + self.low
        if dtype.kind in "iu":
            values = np.rint(values)
        return np.clip(values, self.least, self.most).astype(dtype)


@dataclass(frozen=True, slots=True)
class YbrTone:
    """8-bit YBR_FULL, shown as RGB."""

    def shown(self, stored: StoredFrame) -> Shown:
        """Return `stored` as RGB."""
        return rgb_of_ybr(np.ascontiguousarray(stored, dtype=np.uint8)).astype(np.float32)

    def stored(self, shown: Shown, dtype: np.dtype[Any]) -> StoredFrame:
        """Return RGB as `stored` values."""
        return ybr_of_rgb(_bytes(shown)).astype(dtype)


@dataclass(frozen=True, slots=True, eq=False)
class PaletteTone:
    """Entries of a palette, shown as their colours.

    `used` are the entries around the mask, the most frequent first: of all entries
    that are nearly as near to a colour as the nearest, the first is taken. Two
    entries may look alike and still draw a pattern that another palette would show.
    """

    palette: Palette
    used: NDArray[Any]

    def shown(self, stored: StoredFrame) -> Shown:
        """Return the colours of `stored`."""
        return self.palette.rgb(stored).astype(np.float32)

    def stored(self, shown: Shown, dtype: np.dtype[Any]) -> StoredFrame:
        """Return for each colour the entry around the mask that is nearest."""
        colours = self.palette.rgb(self.used).astype(np.int32)
        distinct, inverse = np.unique(_bytes(shown).reshape(-1, 3), axis=0, return_inverse=True)
        best = np.empty(len(distinct), dtype=np.int64)
        for start in range(0, len(distinct), _CHUNK):
            part = distinct[start : start + _CHUNK].astype(np.int32)
            distance = ((part[:, None] - colours[None]) ** 2).sum(axis=2)
            near = distance <= distance.min(axis=1, keepdims=True) + _ALIKE
            best[start : start + _CHUNK] = near.argmax(axis=1)
        return self.used[best[inverse.reshape(-1)]].reshape(shown.shape[:2]).astype(dtype)


Tone: TypeAlias = LinearTone | YbrTone | PaletteTone


def tone_of(known: NDArray[Any], layout: Layout, palette: Palette | None) -> Tone:
    """Return how a crop is shown.

    Parameters
    ----------
    known
        Stored values around the mask, ``(pixels,)`` or ``(pixels, samples)``, at least one.
    layout
        Of the decoded frame.
    palette
        Where the image has one.
    """
    if palette is not None:
        used, counts = np.unique(known, return_counts=True)
        return PaletteTone(palette, used[np.argsort(-counts, kind="stable")])
    if layout.samples == 3 and layout.photometric != "RGB" and known.dtype == np.uint8:
        return YbrTone()
    finite = known[np.isfinite(known)]
    if not finite.size:
        return LinearTone(0.0, 1.0, 0.0, 0.0)
    least, most = float(finite.min()), float(finite.max())
    inverted = layout.photometric == "MONOCHROME1"
    if known.dtype.itemsize == 1:
        return LinearTone(float(np.iinfo(known.dtype.name).min), 1.0, least, most, inverted)
    low, high = (float(end) for end in np.percentile(finite, _TAILS, method="nearest"))
    step = (high - low) / TOP
    # Less than 256 values apart: one level a value, noise is not blown up to a picture.
    if known.dtype.kind in "iu" or not step:
        step = max(step, 1.0)
    return LinearTone(low, step, least, most, inverted)


def _bytes(shown: Shown) -> NDArray[np.uint8]:
    return np.clip(np.rint(shown), 0, TOP).astype(np.uint8)
