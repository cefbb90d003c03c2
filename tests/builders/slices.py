"""Slices of one CT volume as single instances, made by code; text on some of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deid_node.values.geometry import Box

SIDE: Final = 160
SPACING_MM: Final = 1.5
INK: Final = 2500
TEXT: Final = "DOE^JOHN 1950"
TEXT_BOX: Final = Box(20, 66, 140, 90)
"""Where `drawn` writes."""

_ROOT: Final = "1.2.826.0.1.3680043.8.498.31"
SERIES: Final = f"{_ROOT}.2"


def volume(count: int, *, chance: int = 7) -> NDArray[np.int16]:
    """Return `count` slices of something that runs through them: ``(count, SIDE, SIDE)``."""
    numbers = np.random.default_rng(chance)
    shapes = numbers.normal(0, 1, (count + 8, SIDE, SIDE))
    for axis in range(len(shapes)):
        shapes[axis] = cv2.GaussianBlur(shapes[axis], (0, 0), 4)
    along = np.stack([shapes[n : n + 9].mean(axis=0) for n in range(count)])
    grain = numbers.normal(0, 1, along.shape)
    return np.asarray(300 * along / along.std() + 15 * grain, dtype=np.int16)


def drawn(pixels: NDArray[np.int16], text: str = TEXT, *, moved: int = 0) -> NDArray[np.int16]:
    """Return a slice with `text` on it, `moved` pixels further down."""
    ink = np.zeros(pixels.shape, dtype=np.uint8)
    where = (TEXT_BOX.left, TEXT_BOX.bottom - 6 + moved)
    cv2.putText(ink, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    share = ink / 255
    return np.asarray((1 - share) * pixels + share * INK, dtype=np.int16)


def a_slice(pixels: NDArray[np.int16], number: int, **attributes: Any) -> Dataset:
    """Return slice `number` of a series as one instance; `attributes` replace its own."""
    dataset = Dataset()
    dataset.PatientID, dataset.PatientName = "KANARI-31", "KANARI^Slices"
    dataset.PatientBirthDate, dataset.PatientSex = "19500102", "O"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{_ROOT}.1", SERIES
    dataset.FrameOfReferenceUID = f"{_ROOT}.3"
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"{_ROOT}.4.{number + 1}"
    dataset.Modality, dataset.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260102"
    dataset.StudyTime, dataset.StudyID, dataset.AccessionNumber = "101112", "1", "A31"
    dataset.SeriesNumber, dataset.InstanceNumber = 3, number + 1
    dataset.Manufacturer, dataset.ReferringPhysicianName = "", ""
    dataset.ImagePositionPatient = [-80.0, -80.0, round(number * SPACING_MM, 3)]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [1, 1], SPACING_MM
    dataset.PositionReferenceIndicator, dataset.KVP = "", 120
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation, dataset.RescaleType = 1, "HU"
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.PixelData = np.ascontiguousarray(pixels, dtype="<i2").tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def slices(
    count: int, *, written: Sequence[int] = (), moved: Mapping[int, int] | None = None
) -> list[Dataset]:
    """Return a series; those in `written` have text on them, `moved` says how far down."""
    made = []
    for number, pixels in enumerate(volume(count)):
        down = (moved or {}).get(number, 0)
        made.append(a_slice(drawn(pixels, moved=down) if number in written else pixels, number))
    return made
