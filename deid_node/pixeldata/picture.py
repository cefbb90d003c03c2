"""One frame as a PNG that a person can look at: for the demo and for review.

Before and after are shown with one and the same window, that of the first
dataset: a picture must not seem cleaner because its grey scale moved.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from pydicom.dataset import Dataset

from deid_node.errors import Undecodable, UnsupportedObject
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.values.geometry import Box

_FRAME_COLOUR: Final = (255, 64, 64)


def shown_frame(
    dataset: Dataset, frame: int = 0, *, window_of: Dataset | None = None
) -> DisplayFrame:
    """Return frame `frame` of `dataset` as a person would be shown it.

    Parameters
    ----------
    dataset
        With its file meta information.
    frame
        Number of the frame, from 0.
    window_of
        The dataset whose window and range are used, where not `dataset` itself:
        one of the same size, for a before and after.

    Raises
    ------
    CleaningError
        The pixels cannot be decoded, or there are none.
    """
    display, _, low, high = _display(dataset if window_of is None else window_of, frame)
    _, frames, _, _ = _display(dataset, frame)
    values = values_of(frames[frame], frames.layout)
    if values.ndim == 2 and low < high and display.palette is None:
        # Both ends of the first dataset's range are put in for the time of the conversion.
        ends = np.array([[low] * values.shape[1], [high] * values.shape[1]], dtype=values.dtype)
        return display.picture(np.concatenate([np.clip(values, low, high), ends]), frame)[:-2]
    return display.picture(values, frame)


def framed(
    picture: DisplayFrame, boxes: Sequence[Box], *, colour: tuple[int, int, int] = _FRAME_COLOUR
) -> DisplayFrame:
    """Return a copy in RGB with a frame of `colour` around each of `boxes`.

    A frame lies one pixel outside its box, so that it hides nothing of what was found.
    """
    in_colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    drawn = np.ascontiguousarray(in_colour).copy()
    for box in boxes:
        corner, opposite = (box.left - 1, box.top - 1), (box.right, box.bottom)
        cv2.rectangle(drawn, corner, opposite, colour, 1)
    return drawn


def png_of(picture: DisplayFrame) -> bytes:
    """Return an 8-bit grey or RGB picture as PNG."""
    plain = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, coded = cv2.imencode(".png", plain)
    if not done:
        raise Undecodable("the frame cannot be written as PNG")
    return bytes(coded.tobytes())


def _display(dataset: Dataset, frame: int) -> tuple[Display, Frames, float, float]:
    keyword = pixel_keyword(dataset)
    if keyword is None:
        raise UnsupportedObject("the object has no pixels")
    frames = Frames(dataset, keyword)
    display = Display(dataset, frames.layout, big_endian=frames.syntax.big_endian)
    values = values_of(frames[frame], frames.layout)
    return display, frames, values.min().item(), values.max().item()
