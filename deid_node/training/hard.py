"""Places on text-free pictures that an earlier finder took for text.

Ribs cut across look like noughts, ticks like ones. A pupil that draws its
pictures evenly meets them a few times in a run; one that knows where its
teacher failed meets them in every other batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.find.crnn import CrnnFinder
from deid_node.pixels.find.options import CrnnOptions
from deid_node.training.backgrounds import Background
from deid_node.values.geometry import Box

_MIN_SCORE = 0.3
_SCALES = (1.0, 0.6, 1.6)


@dataclass(frozen=True, slots=True)
class HardPlace:
    """A box in pixels of a picture, and the scale at which that looked like text."""

    box: Box
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class HardPicture:
    """A text-free picture with the places where a finder drew boxes."""

    background: Background
    places: tuple[HardPlace, ...]


def hard_pictures(
    teacher: Path, backgrounds: Sequence[Background], *, threads: int = 1
) -> tuple[HardPicture, ...]:
    """Return the pictures of `backgrounds` that the ONNX finder `teacher` draws a box on.

    Each is looked at in its own size, smaller and larger; graphics only in their own.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or is no finder of this make.
    """
    options = CrnnOptions(model_file=teacher, min_score=_MIN_SCORE, device="cpu")
    finder = CrnnFinder(options, threads=threads)
    every = (HardPicture(one, tuple(_places(finder, one))) for one in backgrounds)
    return tuple(picture for picture in every if picture.places)


def _places(finder: CrnnFinder, background: Background) -> Iterator[HardPlace]:
    for scale in (1.0,) if background.graphic else _SCALES:
        rows, columns = background.pixels.shape[:2]
        for one in finder.find([_scaled(background.pixels, scale)])[0]:
            box = one.box
            yield HardPlace(
                Box(
                    min(columns - 1, int(box.left / scale)),
                    min(rows - 1, int(box.top / scale)),
                    min(columns, -int(-box.right // scale)),
                    min(rows, -int(-box.bottom // scale)),
                ),
                scale,
            )


def _scaled(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1.0:
        return pixels
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=method), np.uint8)
