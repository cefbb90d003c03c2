"""How far a fill is from the truth, pixel by pixel, on a scale of 255 grey levels.

A blurred mean wins here over a sharp guess: the figures of `realism` belong beside these.
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.tones import TOP, Shown

_WINDOW_PIXELS: Final = 11
_WINDOW_SIGMA: Final = 1.5
_K1, _K2 = 0.01, 0.03
_LOCAL_PIXELS: Final = 7
_LEAST_LOCAL: Final = 9


def square_error(truth: Shown, fill: Shown) -> NDArray[np.float64]:
    """Return the squared difference of each pixel, the mean of its samples: ``(rows, columns)``."""
    apart = (truth.astype(np.float64) - fill) ** 2
    return apart if apart.ndim == 2 else np.asarray(apart.mean(axis=2))


def psnr(mean_square_error: Any) -> Any:
    """Return the peak signal-to-noise ratio in dB of 255 levels; infinite where there is no error.

    Takes a number or an array, and gives the same.
    """
    with np.errstate(divide="ignore"):
        return 10 * np.log10(TOP**2 / np.asarray(mean_square_error, np.float64))


def ssim_map(truth: Shown, fill: Shown) -> NDArray[np.float64]:
    """Return the structural similarity at each pixel, the mean of its samples.

    Source
    ------
    Wang, Bovik, Sheikh, Simoncelli: Image quality assessment, IEEE Transactions on
    Image Processing 13 (2004): Gaussian window of 11 pixels, sigma 1.5, K 0.01 and 0.03.
    """
    x, y = truth.astype(np.float64), fill.astype(np.float64)
    c1, c2 = (_K1 * TOP) ** 2, (_K2 * TOP) ** 2
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x**2
    variance_y = _blurred(y * y) - mean_y**2
    shared = _blurred(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + c1) * (2 * shared + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    similarity = above / below
    return similarity if similarity.ndim == 2 else np.asarray(similarity.mean(axis=2))


def local_deviation(shown: Shown, mask: Mask) -> NDArray[np.float64]:
    """Return the standard deviation about each masked pixel, of masked pixels near it.

    NaN outside the mask, and where fewer than nine masked pixels are near.
    """
    grey = grey_of(shown).astype(np.float64)
    size = (_LOCAL_PIXELS, _LOCAL_PIXELS)
    inside = mask.astype(np.float64)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        summed = cv2.boxFilter(
            values * inside, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        return np.asarray(summed)

    # About the mean of the mask: squares of large numbers would swallow small spreads.
    centred = grey - (grey[mask].mean() if mask.any() else 0.0)
    count = np.rint(total(np.ones_like(grey)))
    enough = mask & (count >= _LEAST_LOCAL)
    share = np.maximum(count, 1)
    variance = total(centred**2) / share - (total(centred) / share) ** 2
    return np.where(enough, np.sqrt(np.maximum(variance, 0)), np.nan)


def grey_of(shown: Shown) -> Shown:
    """Return the mean of the samples."""
    return shown if shown.ndim == 2 else shown.mean(axis=2, dtype=np.float32)


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    size = (_WINDOW_PIXELS, _WINDOW_PIXELS)
    return np.asarray(cv2.GaussianBlur(values, size, _WINDOW_SIGMA, borderType=cv2.BORDER_REFLECT))
