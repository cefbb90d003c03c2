"""Before and after, side by side, for a person to judge.

Both halves use the window of the original: a picture must not seem cleaner
because its grey scale moved. What was found is framed on the "before" half.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from deid_node.demo.failure import DemoFailed
from deid_node.pixeldata.picture import framed, png_of, shown_frame
from deid_node.values.geometry import Region

Picture = NDArray[np.uint8]

_INK: Final = (230, 230, 230)
_GAP_PIXELS: Final = 12
_CAPTION_PIXELS: Final = 28
_LEAST_SIDE_PIXELS: Final = 384
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def frame_to_show(regions: Sequence[Region]) -> int:
    """Return the number of the frame with the most regions, the first of these; 0 for none."""
    numbers = [region.frame for region in regions]
    return max(sorted(set(numbers)), key=numbers.count, default=0)


def write_before_and_after(
    path: Path, before: Dataset, after: Dataset, regions: Sequence[Region], *, title: str
) -> None:
    """Write one frame of both datasets as a PNG to `path`.

    Parameters
    ----------
    path
        The new file.
    before, after
        The instance as it was sent and as it arrived, with file meta information.
    regions
        What the report says was filled, of all frames.
    title
        What the caption calls the instance.

    Raises
    ------
    DemoFailed
        The picture cannot be coded.
    CleaningError
        The pixels of one of them cannot be decoded.
    """
    number = frame_to_show(regions)
    boxes = [region.box for region in regions if region.frame == number]
    sides = (
        framed(shown_frame(before, number), boxes),
        _colour(shown_frame(after, number, window_of=before)),
    )
    factor = max(1, -(-_LEAST_SIDE_PIXELS // min(sides[0].shape[:2])))
    captions = (f"{title}, frame {number + 1}: as sent", "as archived")
    sheet = _beside(_enlarged(sides[0], factor), _enlarged(sides[1], factor), captions)
    path.write_bytes(png_of(sheet))


def _colour(picture: Picture) -> Picture:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def _enlarged(picture: Picture, factor: int) -> Picture:
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _beside(left: Picture, right: Picture, captions: tuple[str, str]) -> Picture:
    rows, columns = left.shape[:2]
    if right.shape != left.shape:
        raise DemoFailed("an archived frame has another size than the one that was sent")
    sheet = np.zeros((rows + _CAPTION_PIXELS, 2 * columns + _GAP_PIXELS, 3), dtype=np.uint8)
    for number, (side, caption) in enumerate(zip((left, right), captions, strict=True)):
        start = number * (columns + _GAP_PIXELS)
        sheet[_CAPTION_PIXELS:, start : start + columns] = side
        origin = (start + 4, _CAPTION_PIXELS - 9)
        cv2.putText(sheet, caption, origin, _FONT, 0.5, _INK, 1, cv2.LINE_AA)
    return sheet
