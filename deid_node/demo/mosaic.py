"""An MR mosaic: a volume of small slices in one frame, as functional scanners send it.

Rows of small shapes of one size are what a text finder takes for lines; the demo shows
that this one leaves them alone. Made of a slice of pydicom, which ships no mosaic.
"""

from typing import Final

import cv2
import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

_TILES: Final = 6
_TILE_PIXELS: Final = 64
_EMPTY: Final = 3
_OVERLAYS: Final = range(0x6000, 0x6020, 2)


def mosaic_of(dataset: Dataset) -> Dataset:
    """Return `dataset`, an MR slice, as a mosaic of 6 x 6; it is written to.

    The slices are the same at sizes that rise and fall, as a head is cut from crown to
    neck; the last tiles are empty.
    """
    plain = dataset.pixel_array
    stored = plain.astype(np.float32)
    sheet = np.zeros((_TILES * _TILE_PIXELS,) * 2, np.float32)
    used = _TILES * _TILES - _EMPTY
    for number in range(used):
        share = 0.45 + 0.55 * float(np.sin(np.pi * (number + 1) / (used + 1)))
        side = round(_TILE_PIXELS * share)
        tile = cv2.resize(stored, (side, side), interpolation=cv2.INTER_AREA)
        row, column = (n * _TILE_PIXELS for n in divmod(number, _TILES))
        inset = (_TILE_PIXELS - side) // 2
        top, left = row + inset, column + inset
        sheet[top : top + side, left : left + side] = tile
    dataset.Rows, dataset.Columns = sheet.shape
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    dataset.PixelData = np.rint(sheet).astype(plain.dtype).tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for group in _OVERLAYS:
        for element in list(dataset.group_dataset(group)):
            del dataset[element.tag]
    return dataset
