import pytest
from pydicom import dcmread
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

from deid_node.errors import ResidualText, UnsupportedObject
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.values.geometry import Box
from tests.builders.samples import packaged
from tests.fakes.finder import finds_always, finds_nothing


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


@pytest.mark.parametrize("name", ["liver_1frame.dcm", "rtdose.dcm"])
def test_a_map_in_which_text_is_seen_is_withheld_and_never_filled(name: str) -> None:
    """A filled pixel of a segmentation would be a piece of organ that nobody found."""
    dataset = dcmread(packaged(name))

    untouched = cleaner().clean(dataset, seed=1)
    with pytest.raises(ResidualText):
        PixelCleaner(finds_always(Box(1, 1, 8, 6)), SolidInpainter()).clean(dataset, seed=1)

    assert untouched.looked_at
    assert not untouched.changed
