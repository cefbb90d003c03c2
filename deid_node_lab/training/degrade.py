"""What happens to a screen between its making and the archive.

Nothing here moves a pixel by more than one: the places of the lines stay true.
"""

import cv2
import numpy as np
from numpy.typing import NDArray


def degraded(picture: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture after some of: blur, sharpening, noise, interlace, JPEG, windowing."""
    if chance.random() < 0.18:
        picture = _blurred(picture, float(chance.uniform(0.35, 0.9)))
    if chance.random() < 0.08:
        soft = _blurred(picture, 1.0)
        gain = float(chance.uniform(0.3, 1.2))
        picture = np.asarray(cv2.addWeighted(picture, 1 + gain, soft, -gain, 0), np.uint8)
    if chance.random() < 0.05:
        picture = _interlaced(picture, chance)
    if chance.random() < 0.15:
        grain = chance.normal(0, chance.uniform(1.0, 6.0), picture.shape[:2]).astype(np.float32)
        picture = np.clip(picture + grain[..., None], 0, 255).astype(np.uint8)
    if chance.random() < 0.2:
        picture = _windowed(picture, chance)
    if chance.random() < 0.4:
        picture = _jpeg(picture, int(chance.integers(35, 96)))
    if chance.random() < 0.07:
        picture = 255 - picture
    return picture


def _blurred(picture: NDArray[np.uint8], pixels: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), pixels), np.uint8)


def _interlaced(picture: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    result = picture.copy()
    if chance.random() < 0.5:
        result[1::2] = np.roll(picture[1::2], int(chance.choice([-1, 1])), axis=1)
    else:
        result[1::2] = (picture[1::2] * chance.uniform(0.5, 0.95)).astype(np.uint8)
    return result


def _windowed(picture: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    low, high = chance.uniform(0, 60), chance.uniform(140, 255)
    levels = np.linspace(low, high, 256)
    return np.asarray(cv2.LUT(picture, levels.astype(np.uint8)), np.uint8)


def _jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    done, coded = cv2.imencode(
        ".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError("the picture cannot be coded as JPEG")
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(decoded, np.uint8)[..., ::-1])
