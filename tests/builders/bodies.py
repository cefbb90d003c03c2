"""Bodies drawn in millimetres: a head, a trunk with lungs, legs, as CT or MR would show them.

Made for tests of sizes and places, not of looks: a head is an ellipse with a skull and a
nose, a trunk an ellipse with lungs, and so on. All are drawn for a slice across the body
with the patient's face up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

AIR, LUNG, FAT, SOFT, BRAIN, BONE = -1000, -850, -90, 50, 35, 900
ACROSS = (1, 0, 0, 0, 1, 0)
FROM_THE_FRONT = (1, 0, 0, 0, 0, -1)
FROM_THE_SIDE = (0, 1, 0, 0, 0, -1)

Picture = NDArray[np.int16]


@dataclass
class Sheet:
    """A slice to draw on: its pixels, and where one is in millimetres from its middle."""

    height_mm: float
    width_mm: float
    pixel_mm: float
    pixels: Picture = field(init=False)

    def __post_init__(self) -> None:
        shape = round(self.height_mm / self.pixel_mm), round(self.width_mm / self.pixel_mm)
        self.pixels = np.full(shape, AIR, dtype=np.int16)

    def ellipse(
        self, value: int, *, across: float, deep: float, at: tuple[float, float] = (0, 0)
    ) -> None:
        """Fill an ellipse of those axes with `value`; `at` is (to the right, down)."""
        rows, columns = self.pixels.shape
        down, right = np.ogrid[:rows, :columns]
        x = (right - (columns - 1) / 2) * self.pixel_mm - at[0]
        y = (down - (rows - 1) / 2) * self.pixel_mm - at[1]
        self.pixels[(x / (across / 2)) ** 2 + (y / (deep / 2)) ** 2 <= 1] = value

    def head(
        self, *, across: float = 155, deep: float = 195, at: tuple[float, float] = (0, 0)
    ) -> None:
        """Draw skin, skull, brain and a nose."""
        self.ellipse(SOFT, across=across * 0.2, deep=across * 0.3, at=(at[0], at[1] - deep / 2))
        self.ellipse(SOFT, across=across, deep=deep, at=at)
        self.ellipse(BONE, across=across - 12, deep=deep - 12, at=at)
        self.ellipse(BRAIN, across=across - 28, deep=deep - 28, at=at)

    def face(
        self, *, across: float = 140, deep: float = 180, at: tuple[float, float] = (0, 0)
    ) -> None:
        """Draw a head below its skull: a jaw, a spine, and hollows."""
        self.ellipse(SOFT, across=across, deep=deep, at=at)
        self.ellipse(BONE, across=across * 0.7, deep=20, at=(at[0], at[1] - deep * 0.35))
        self.ellipse(BONE, across=40, deep=35, at=(at[0], at[1] + deep * 0.2))
        self.ellipse(AIR, across=40, deep=55, at=(at[0], at[1] - deep * 0.1))

    def trunk(
        self,
        *,
        across: float = 360,
        deep: float = 240,
        lungs: bool = False,
        at: tuple[float, float] = (0, 0),
    ) -> None:
        """Draw fat, muscle, a spine, and lungs."""
        self.ellipse(FAT, across=across, deep=deep, at=at)
        self.ellipse(SOFT, across=across - 30, deep=deep - 30, at=at)
        self.ellipse(BONE, across=45, deep=40, at=(at[0], at[1] + deep * 0.25))
        for side in (-1, 1) if lungs else ():
            self.ellipse(
                LUNG,
                across=across * 0.3,
                deep=deep * 0.6,
                at=(at[0] + side * across * 0.22, at[1]),
            )

    def limb(self, *, thick: float, at: tuple[float, float] = (0, 0)) -> None:
        """Draw a limb around its bone."""
        self.ellipse(FAT, across=thick, deep=thick, at=at)
        self.ellipse(SOFT, across=thick - 20, deep=thick - 20, at=at)
        self.ellipse(BONE, across=28, deep=28, at=at)


def ct(sheet: Sheet, direction: Sequence[float] | None = ACROSS, **attributes: Any) -> Dataset:
    """Return a CT instance of `sheet`; an attribute that is None is left out."""
    return image(sheet.pixels, sheet.pixel_mm, direction, **{"Modality": "CT", **attributes})


def mr(sheet: Sheet, direction: Sequence[float] | None = ACROSS, **attributes: Any) -> Dataset:
    """Return an MR instance of `sheet`: air and lungs are dark, marrow shines."""
    dark = {AIR: 4, LUNG: 12, FAT: 900, SOFT: 420, BRAIN: 500, BONE: 260}
    shining = np.vectorize(dark.__getitem__, otypes=[np.int16])(sheet.pixels)
    return image(shining, sheet.pixel_mm, direction, **{"Modality": "MR", **attributes})


def image(
    pixels: NDArray[Any],
    pixel_mm: float,
    direction: Sequence[float] | None,
    **attributes: Any,
) -> Dataset:
    """Return an image instance of grey `pixels`, one frame or a stack of them."""
    dataset = Dataset()
    is_mr = attributes.get("Modality") == "MR"
    dataset.SOPClassUID = MRImageStorage if is_mr else CTImageStorage
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = UID("1.2.3.3"), UID("1.2.3.1")
    dataset.SeriesInstanceUID = UID("1.2.3.2")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = pixels.shape[0]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.PixelSpacing = [pixel_mm, pixel_mm]
    if direction is not None:
        dataset.ImageOrientationPatient = list(direction)
    if not is_mr:
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.PixelData = np.ascontiguousarray(pixels, dtype="<i2").tobytes()
    for keyword, value in attributes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset
