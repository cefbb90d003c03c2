import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    EncapsulatedCDAStorage,
    EncapsulatedPDFStorage,
    EncapsulatedSTLStorage,
    MediaStorageDirectoryStorage,
    RTPlanStorage,
    TwelveLeadECGWaveformStorage,
)

from deid_node.errors import UnsupportedObject
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.inpaint.solid import SolidInpainter
from tests.fakes.finder import finds_nothing


def cleaner() -> PixelCleaner:
    return PixelCleaner(finds_nothing(), SolidInpainter())


@pytest.mark.parametrize(
    "sop_class",
    [
        EncapsulatedPDFStorage,
        EncapsulatedCDAStorage,
        EncapsulatedSTLStorage,
        MediaStorageDirectoryStorage,
        "1.2.840.10008.5.1.4.1.1.9.4.1",
    ],
)
def test_objects_that_cannot_be_looked_into_are_withheld(sop_class: str) -> None:
    dataset = Dataset()
    dataset.SOPClassUID = sop_class

    with pytest.raises(UnsupportedObject):
        cleaner().clean(dataset, seed=1)


@pytest.mark.parametrize("keyword", ["EncapsulatedDocument", "PixelDataProviderURL"])
def test_a_payload_withholds_any_object(keyword: str) -> None:
    dataset = Dataset()
    dataset.SOPClassUID = BasicTextSRStorage
    setattr(dataset, keyword, b"%PDF" if keyword == "EncapsulatedDocument" else "http://x")

    with pytest.raises(UnsupportedObject):
        cleaner().clean(dataset, seed=1)


@pytest.mark.parametrize(
    "sop_class", [BasicTextSRStorage, RTPlanStorage, TwelveLeadECGWaveformStorage]
)
def test_objects_without_pixels_pass_unchanged(sop_class: str) -> None:
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.PatientName = "Doe^Jane"

    cleaned = cleaner().clean(dataset, seed=1)

    assert cleaned.dataset == dataset
    assert cleaned.dataset is not dataset
    assert (cleaned.frames, cleaned.changed, cleaned.looked_at) == (0, False, False)
