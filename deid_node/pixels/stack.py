"""Where a single slice lies among the others of its series, and which of them it goes with.

Two slices can be beside each other only where they mean the same by a pixel: in one frame of
reference and one direction, of one size and spacing, in the same stored values, of one contrast.
What the header does not say is the same on none but those that do not say it either.

Source: PS3.3 C.7.6.2.1.1 (Image Position and Image Orientation).
"""

import hashlib
import math
from typing import Final

from pydicom.dataset import Dataset

from deid_node.pixeldata.attributes import items, numbers, text
from deid_node.values.series import Place

_SHARED_TEXT: Final = (
    *("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPClassUID", "Modality"),
    *("ImageType", "PhotometricInterpretation", "RescaleType", "Units", "ScanningSequence"),
)
_SHARED_NUMBERS: Final = (
    *("Rows", "Columns", "SamplesPerPixel", "PlanarConfiguration", "PixelSpacing"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("RescaleSlope", "RescaleIntercept", "EchoNumbers", "EchoTime", "RepetitionTime"),
    *("InversionTime", "FlipAngle", "TemporalPositionIdentifier", "DiffusionBValue", "KVP"),
)
_PATIENT: Final = (
    *("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
)
_DIRECTION_DIGITS: Final = 2


def place_of(dataset: Dataset) -> Place | None:
    """Return the place of an image of one frame; None where its header has none whole.

    Raises
    ------
    MalformedDataset
        An attribute cannot be read.
    """
    if (numbers(dataset, "NumberOfFrames") or (1.0,)) != (1.0,):
        return None
    if items(dataset, "PerFrameFunctionalGroupsSequence") or not text(dataset, "SeriesInstanceUID"):
        return None
    position = numbers(dataset, "ImagePositionPatient")
    cosines = numbers(dataset, "ImageOrientationPatient")
    if (len(position), len(cosines)) != (3, 6) or not text(dataset, "FrameOfReferenceUID"):
        return None
    if not all(map(math.isfinite, (*position, *cosines))):
        return None
    row, column = cosines[:3], cosines[3:]
    normal = (
        row[1] * column[2] - row[2] * column[1],
        row[2] * column[0] - row[0] * column[2],
        row[0] * column[1] - row[1] * column[0],
    )
    # Without a negative zero, which is written otherwise.
    direction = [round(one, _DIRECTION_DIGITS) + 0.0 for one in cosines]
    shared = (
        direction,
        [text(dataset, keyword) for keyword in _SHARED_TEXT],
        [numbers(dataset, keyword) for keyword in _SHARED_NUMBERS],
    )
    return Place(
        hashlib.sha256(repr(shared).encode()).hexdigest(),
        sum(one * other for one, other in zip(normal, position, strict=True)),
    )


def is_beside(one: Dataset, other: Dataset) -> bool:
    """Return whether two instances are slices of one stack of one patient, as their headers say.

    Raises
    ------
    MalformedDataset
        An attribute cannot be read.
    """
    place, places = place_of(one), place_of(other)
    if place is None or places is None or place.stack != places.stack:
        return False
    return all(text(one, keyword) == text(other, keyword) for keyword in _PATIENT)
