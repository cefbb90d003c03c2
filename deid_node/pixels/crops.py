"""The part of a frame around a mask, as an inpainter takes it, and the way back.

An inpainter works in 8 bits; an image may have 16, a sign, a palette or YBR. A
crop is mapped by the range of its own *unmasked* surround, so that the whole
8-bit scale serves the few stored values that the fill can have, and a surround
of one value comes back as exactly that value.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.arrays import DisplayFrame, Mask, StoredFrame
from deid_node.pixels.display import rgb_of_ybr, ybr_of_rgb
from deid_node.pixels.inpaint.surround import median_of, ring_of
from deid_node.pixels.layout import Layout
from deid_node.pixels.palette import Palette

CONTEXT_PIXELS: Final = 24
_TOP: Final = 255
_TAILS: Final = (1.0, 99.0)
_CHUNK: Final = 1024
_ALIKE: Final = 3 * 4**2


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A crop before it is filled.

    `stored` is the crop in stored values, `mask` what is to be filled in it,
    `shown` the same in 8-bit grey or RGB with the masked pixels blanked: what
    stood there does not reach the inpainter. `low` and `scale` map what is deeper than
    8 bits, one number a sample.
    """

    stored: StoredFrame
    mask: Mask
    shown: DisplayFrame
    low: NDArray[np.float64] | float = 0.0
    scale: NDArray[np.float64] | float = 1.0


def crop_of(stored: StoredFrame, mask: Mask, layout: Layout, palette: Palette | None) -> Crop:
    """Return `stored`, a crop ``(rows, columns[, 3])`` of stored values, ready to be filled."""
    ring = ring_of(mask)
    blank = stored.copy()
    blank[mask] = median_of(stored, ring)
    if palette is not None:
        return Crop(stored, mask, palette.rgb(blank))
    if _eight_bit_colour(stored, layout):
        plain = np.ascontiguousarray(blank, dtype=np.uint8)
        rgb = plain if layout.photometric == "RGB" else rgb_of_ybr(plain)
        return Crop(stored, mask, rgb)
    low, scale = _mapping(stored[ring])
    wide = blank.astype(np.float64)
    mapped = (np.where(np.isfinite(wide), wide, low) - low) / scale
    shown = np.clip(np.rint(mapped), 0, _TOP).astype(np.uint8)
    return Crop(stored, mask, shown, low, scale)


def stored_of(
    crop: Crop, filled: DisplayFrame, layout: Layout, palette: Palette | None
) -> StoredFrame:
    """Return `filled`, made from `crop.shown`, in stored values.

    Only the pixels under the mask are meant; they take values that lie in the
    range of the surround, or entries of the palette that the surround uses.
    """
    ring = ring_of(crop.mask)
    if palette is not None:
        result = crop.stored.copy()
        result[crop.mask] = _nearest(palette, crop.stored[ring], filled[crop.mask])
        return result
    if _eight_bit_colour(crop.stored, layout):
        if layout.photometric == "RGB":
            return filled.astype(crop.stored.dtype)
        # A colour of the surround goes back to the very samples it came from.
        plain = ybr_of_rgb(filled)
        median = median_of(crop.stored, ring)
        colour = rgb_of_ybr(median.reshape(1, 1, 3).astype(np.uint8))[0, 0]
        same = (filled == colour).all(axis=2)
        plain[same] = median
        return plain.astype(crop.stored.dtype)
    values: NDArray[Any] = filled.astype(np.float64) * crop.scale + crop.low
    if crop.stored.dtype.kind in "iu":
        limits = np.iinfo(crop.stored.dtype.name)
        values = np.clip(np.rint(values), float(limits.min), float(limits.max))
    return values.astype(crop.stored.dtype)


def _eight_bit_colour(stored: StoredFrame, layout: Layout) -> bool:
    return layout.samples == 3 and stored.dtype == np.uint8


def _mapping(ring: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the stored value of black and the stored step of one grey level, per sample."""
    wide = ring.astype(np.float64)
    wide[~np.isfinite(wide)] = np.nan
    if np.isnan(wide).all():
        return np.zeros(ring.shape[1:]), np.ones(ring.shape[1:])
    with np.errstate(all="ignore"):
        low, high = np.nanpercentile(wide, _TAILS, axis=0, method="nearest")
    step = (high - low) / _TOP
    # Less than 256 values apart: one level a value, and the way back is exact.
    least = np.maximum(step, 1.0) if ring.dtype.kind in "iu" else np.where(step > 0, step, 1.0)
    return np.asarray(low), np.asarray(least)


def _nearest(palette: Palette, around: NDArray[Any], colours: NDArray[np.uint8]) -> NDArray[Any]:
    """Return for each of `colours` a stored value of `around` with about that colour.

    Of all entries that are nearly as near as the nearest, the one that `around`
    uses most: two entries may look alike and still draw a pattern that another
    palette would show.
    """
    used, counts = np.unique(around, return_counts=True)
    used = used[np.argsort(-counts, kind="stable")]
    shown = palette.rgb(used).astype(np.int32)
    distinct, inverse = np.unique(colours, axis=0, return_inverse=True)
    best = np.empty(len(distinct), dtype=np.int64)
    for start in range(0, len(distinct), _CHUNK):
        part = distinct[start : start + _CHUNK].astype(np.int32)
        distance = ((part[:, None] - shown[None]) ** 2).sum(axis=2)
        near = distance <= distance.min(axis=1, keepdims=True) + _ALIKE
        best[start : start + _CHUNK] = near.argmax(axis=1)
    result: NDArray[Any] = used[best[inverse.reshape(-1)]]
    return result
