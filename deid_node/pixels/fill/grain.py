"""The noise of the surround, put into a fill that is smoother than it.

A patch without grain is seen at once, by people and by networks. How strong the grain
is, and how far it reaches from pixel to pixel, is measured around the mask, on what
is left when the shades are taken away. It belongs to its place: the same pixel gets the
same number, whatever is cut out, for a cine in which each frame drew noise of its own
would flicker where text was. In a stack it goes on from slice to slice as far as that of the
surround does, for the same noise on all would be seen as stripes across them.

Source: Blackman, Tukey (1958), The Measurement of Power Spectra (tapered
autocovariance).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.base import Filled, Inpainter
from deid_node.pixels.fill.crops import Crop, Neighbour
from deid_node.pixels.fill.smooth import spread
from deid_node.pixels.fill.surround import near
from deid_node.pixels.fill.tones import Shown

RING_PIXELS: Final = 20
"""How far around a mask its surround is measured."""

FINE_PIXELS: Final = 2
"""What is coarser than this is shade for a fill that continues its surround."""

COARSE_PIXELS: Final = 6
"""And for a model's, which is the mean of many that are likely, and lacks their texture."""

_LEAST_PIXELS: Final = 200
_OUTLIER: Final = 4.0
_BLOCK: Final = 64
_ALIKE: Final = 0.97
_FADED: Final = 0.1
_MOST_SLICES: Final = 24
_MOST_SCALE: Final = 4.0
_LEVELS: Final = 16
_LEVEL_WIDTH: Final = 256 / _LEVELS
_LEAST_AT_LEVEL: Final = 8
_STACK: Final = 2**24
"""Numbers of seeds kept apart for the slices of one instance."""


def with_grain(
    crop: Crop,
    before: Shown,
    filled: Shown,
    shade: int = FINE_PIXELS,
    *,
    model: Neighbour | None = None,
    by_level: bool = False,
) -> Shown:
    """Return `filled` with as much grain added under the target as it lacks.

    Parameters
    ----------
    crop
        What is filled; its seed and place choose the noise.
    before
        The crop as shown before: what surrounds the mask.
    filled
        The fill, in the same tones.
    shade
        Deviation, in pixels, of the Gaussian that tells shades from grain.
    model
        A frame that shows the target bare, and how much grain there is at each place of it;
        without one the grain of the surround is continued.
    by_level
        Whether there is less of it where the surround has less at such a shade: texture of
        tissue does not go on in the black beside it.
    """
    known = near(crop.target, RING_PIXELS) & ~crop.mask
    if known.sum() < _LEAST_PIXELS:
        return filled
    grey = _grey(np.where(_like(crop.target, filled), filled, before))
    shades = np.asarray(cv2.GaussianBlur(grey, (0, 0), shade), dtype=np.float32)
    rough = grey - shades
    power = _without_edges(rough, known)
    wanted = spread(power, known) if model is None else _shown_by(crop, model, power, known, shade)
    if by_level:
        wanted = wanted * _share_at(shades, power, known)
    lacking = wanted - _local(rough * rough, crop.target, shade)
    strength = np.sqrt(np.maximum(lacking, 0))
    window = crop.window
    rows, columns = crop.mask.shape
    margin = _side(shade) // 2
    white = _noise_of(
        crop,
        _shared(crop, rough, known, shade),
        top=window.top - margin,
        left=window.left - margin,
        rows=rows + 2 * margin,
        columns=columns + 2 * margin,
    )
    kernel = _kernel(rough, known, shade)
    grain = cv2.filter2D(white, -1, kernel)[margin:-margin, margin:-margin]
    result = filled.copy()
    added = strength * grain
    result[crop.target] += added[crop.target] if filled.ndim == 2 else added[crop.target][:, None]
    return result


def _share_at(
    shades: NDArray[np.float32], power: NDArray[np.float32], known: Mask
) -> NDArray[np.float32]:
    """Return how much of its mean the power around the mask has at each pixel's shade, 1 at most.

    Shades that the surround does not have are taken for what it has on the whole.
    """
    at = np.clip(shades / _LEVEL_WIDTH, 0, _LEVELS - 1).astype(np.intp)[known]
    count = np.bincount(at, minlength=_LEVELS)
    total = np.bincount(at, weights=power[known], minlength=_LEVELS)
    apart = np.subtract.outer(np.arange(_LEVELS), np.arange(_LEVELS))
    alike = np.exp(-0.5 * np.square(apart))
    mean = max(float(power[known].mean()), 1e-6)
    level = (alike @ total + _LEAST_AT_LEVEL * mean) / (alike @ count + _LEAST_AT_LEVEL)
    middles = (np.arange(_LEVELS) + 0.5) * _LEVEL_WIDTH
    share = np.interp(shades, middles, level) / mean
    return np.asarray(np.minimum(1, share), dtype=np.float32)


def _shown_by(
    crop: Crop, model: Neighbour, power: NDArray[np.float32], known: Mask, shade: int
) -> NDArray[np.float32]:
    """Return the power of the grain that `model` shows under the target, on the crop's scale."""
    other = _grey(crop.tone.shown(model.stored))
    rough = other - cv2.GaussianBlur(other, (0, 0), shade)
    both = known & ~near(model.mask, 2 * shade)
    if both.sum() < _LEAST_PIXELS:
        return spread(power, known)
    theirs = _without_edges(rough, both)
    scale = float(power[both].mean()) / max(float(theirs[both].mean()), 1e-6)
    return np.float32(min(scale, _MOST_SCALE)) * _local(theirs, crop.target, shade)


def _shared(crop: Crop, rough: NDArray[np.float32], known: Mask, shade: int) -> float:
    """Return how much of its grain a slice has in common with the next: a correlation.

    1 for a frame that is no slice: its noise belongs to the place alone.
    """
    if crop.next_slice is None:
        return 1.0
    both = known & ~near(crop.next_slice.mask, 2 * shade)
    if both.sum() < _LEAST_PIXELS:
        return 0.0
    other = _grey(crop.tone.shown(crop.next_slice.stored))
    pair = [
        _flattened(one[both]) for one in (rough, other - cv2.GaussianBlur(other, (0, 0), shade))
    ]
    own, their = (one - one.mean() for one in pair)
    power = float(np.sqrt((own * own).sum() * (their * their).sum()))
    return float(np.clip((own * their).sum() / max(power, 1e-6), 0.0, 1.0))


def _flattened(rough: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `rough` cut where it is an edge and no noise."""
    most = _OUTLIER * float(np.median(np.abs(rough))) / 0.6745
    return np.asarray(np.clip(rough, -most, most))


def _noise_of(crop: Crop, shared: float, **place: int) -> NDArray[np.float32]:
    """Return the white noise of a slice, of which `shared` correlates with that of the next.

    Each slice adds noise of its own to what is left of that of the slices before it.
    """
    if crop.next_slice is None or shared > _ALIKE:
        return np.asarray(noise_at(crop.seed, **place)[0])
    weights = [1.0]
    while shared * weights[-1] > _FADED and len(weights) < _MOST_SLICES:
        weights.append(shared * weights[-1])
    scale = np.float32(1 / np.sqrt(np.square(weights).sum()))
    first = (crop.seed + 1) * _STACK + crop.slice_number
    noise = np.zeros((place["rows"], place["columns"]), dtype=np.float32)
    for back, weight in enumerate(weights):
        noise += scale * np.float32(weight) * noise_at(first - back, **place)[0]
    return noise


def _side(shade: int) -> int:
    """Return the side of the transform that makes a kernel of an autocovariance."""
    return 16 * shade


def _kernel(rough: NDArray[np.float32], known: Mask, shade: int) -> NDArray[np.float32]:
    """Return what turns white noise into noise that hangs together like `rough` does.

    Its power after the shades are taken away is 1.
    """
    reach, side = 2 * shade + 1, _side(shade)
    shape = (rough.shape[0] + reach, rough.shape[1] + reach)
    weight = np.fft.rfft2(known.astype(np.float64), shape)
    signal = np.fft.rfft2(np.where(known, rough, 0.0), shape)
    pairs = np.fft.irfft2(np.abs(weight) ** 2, shape)
    covariance = np.fft.irfft2(np.abs(signal) ** 2, shape) / np.maximum(np.rint(pairs), 1)
    lags = np.arange(-reach, reach + 1)
    taper = np.hanning(2 * reach + 3)[1:-1]
    near_by = covariance[np.ix_(lags, lags)] * np.outer(taper, taper)
    padded = np.zeros((side, side))
    padded[np.ix_(lags, lags)] = near_by
    amplitude = np.sqrt(np.maximum(np.fft.fft2(padded).real, 0))
    kernel = np.fft.fftshift(np.fft.ifft2(amplitude).real).astype(np.float32)
    left = kernel - cv2.GaussianBlur(kernel, (0, 0), shade, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(kernel / max(float(np.sqrt((left**2).sum())), 1e-6), dtype=np.float32)


def _without_edges(rough: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    """Return the power of `rough`, cut where it is an edge and no noise."""
    power = rough * rough
    usual = float(np.median(power[known])) / 0.455  # the median of chi square
    most = _OUTLIER**2 * max(usual, 1e-6)
    return np.asarray(np.minimum(power, most), dtype=np.float32)


def _local(power: NDArray[np.float32], where: Mask, shade: int) -> NDArray[np.float32]:
    size = (2 * shade + 5,) * 2
    weight = where.astype(np.float32)
    share = cv2.boxFilter(weight, -1, size)
    return np.asarray(cv2.boxFilter(power * weight, -1, size) / np.maximum(share, 1e-6))


def _grey(shown: Shown) -> NDArray[np.float32]:
    return shown if shown.ndim == 2 else shown.mean(axis=2, dtype=np.float32)


def _like(mask: Mask, shown: Shown) -> Mask:
    return mask if shown.ndim == 2 else mask[..., None]


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


class GrainedInpainter:
    """Adds to the fills of another the noise that they lack."""

    def __init__(self, smooth: Inpainter) -> None:
        self._smooth = smooth

    @property
    def context_pixels(self) -> int:
        """As far as the other looks."""
        return self._smooth.context_pixels

    def made_up_pixels(self, crop: Crop) -> int:
        """As much as the other."""
        return self._smooth.made_up_pixels(crop)

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        return tuple(
            _grained(crop, filled)
            for crop, filled in zip(crops, self._smooth.fill(crops), strict=True)
        )


def _grained(crop: Crop, filled: Filled) -> Filled:
    if not crop.target.any():
        return filled
    shown = with_grain(crop, crop.shown(), crop.tone.shown(filled.values))
    return replace(filled, values=crop.back(shown))
