"""Masks with shapes, and masks with words, before the finder and the reader that ship."""

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import SegmentationStorage

from deid_node.errors import ResidualText
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.read.build import build_reader
from deid_node.pixels.text.read.options import CrnnReaderOptions
from tests.builders.samples import SHARED
from tests.unit.pixeldata.instances import Array, Kind, instance


@pytest.fixture(scope="module")
def cleaner() -> PixelCleaner:
    finder, reader = build_finder(CrnnOptions()), build_reader(CrnnReaderOptions())
    return PixelCleaner(finder, SolidInpainter(), reader=reader)


def a_mask() -> Array:
    return np.zeros((1, 200, 256), np.uint8)


def cleaned(cleaner: PixelCleaner, mask: Array) -> bool:
    """Return whether the mask leaves as it came."""
    dataset = instance(mask, Kind())
    dataset.SOPClassUID = SegmentationStorage
    result = cleaner.clean(dataset, seed=1)
    return not result.changed and result.dataset.PixelData == dataset.PixelData


@pytest.mark.parametrize("radius", [4, 7, 12])
@pytest.mark.parametrize("thickness", [-1, 2], ids=["blobs", "rings"])
def test_rows_of_blobs_and_rings_leave_as_they_came(
    cleaner: PixelCleaner, radius: int, thickness: int
) -> None:
    mask = a_mask()
    for top in range(20, 190, 3 * radius):
        for left in range(20, 240, int(2.5 * radius)):
            cv2.circle(mask[0], (left, top), radius, 1, thickness)

    assert cleaned(cleaner, mask)


def test_ribs_and_lesions_of_many_labels_leave_as_they_came(cleaner: PixelCleaner) -> None:
    mask = a_mask()
    for number in range(12):
        centre = (70 + 110 * (number % 2), 20 + 14 * number)
        cv2.ellipse(mask[0], centre, (40, 9), 0, 20, 160, number + 1, 4)

    assert cleaned(cleaner, mask)


@pytest.mark.req("REQ-PX-20")
@pytest.mark.parametrize("text", ["DOE^JANE", "MRN 4711", "Mueller 1957", "LEE", "LI NA", "12:41"])
@pytest.mark.parametrize("label", [1, 7])
def test_words_drawn_as_a_mask_withhold(cleaner: PixelCleaner, text: str, label: int) -> None:
    mask = a_mask()
    cv2.circle(mask[0], (200, 150), 20, 1, -1)
    cv2.putText(mask[0], text, (12, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.7, label, 1, cv2.LINE_8)

    with pytest.raises(ResidualText):
        cleaned(cleaner, mask)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["ribs", "two_lesions"])
def test_segmentations_of_the_field_leave_as_they_came(cleaner: PixelCleaner, name: str) -> None:
    path = SHARED / f"field/03_seg_{name}_withheld_residual_text.dcm"
    dataset = dcmread(path)

    result = cleaner.clean(dataset, seed=1)

    assert not result.changed
