import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, EnhancedMRImageStorage, SecondaryCaptureImageStorage

from deid_node.pixels.cleaner import PixelCleaner, PixelsCleaned
from deid_node.pixels.derivation import BITS_CLEARED, DERIVATION, MADE_UP
from deid_node.pixels.fill.base import Inpainter
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import BASELINE, EXPLICIT, JLS_NEAR, Kind, instance, noise


def _filled(dataset: Dataset) -> PixelsCleaned:
    cleaner = PixelCleaner(
        finds_always(Box(8, 8, 20, 20)), SolidInpainter(), second_look=finds_nothing()
    )
    return cleaner.clean(dataset, seed=1)


def cleaned(dataset: Dataset) -> Dataset:
    return _filled(dataset).dataset


def test_a_changed_image_says_how_and_keeps_its_type() -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.DerivationDescription = "resampled"

    result = _filled(dataset)

    assert list(result.dataset.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert result.derivation == (DERIVATION,)
    assert result.dataset.DerivationDescription == "resampled"
    assert result.dataset.DerivationCodeSequence[0].CodeValue == "113101"


def test_where_only_unused_bits_are_cleared_nothing_is_said_of_text() -> None:
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 12)
    dataset = instance(noise(kind, frames=1), kind)
    words = np.frombuffer(dataset.PixelData, "<u2").copy()
    words[0] |= 0x4000
    dataset.PixelData = words.tobytes()

    result = PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1)

    assert result.changed
    assert result.derivation == (BITS_CLEARED,)
    assert list(result.dataset.ImageType) == list(dataset.ImageType)
    assert "DerivationCodeSequence" not in result.dataset


def test_a_text_free_image_has_no_derivation() -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())

    assert PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1).derivation == ()


@pytest.mark.parametrize("sop_class", [SecondaryCaptureImageStorage, EnhancedMRImageStorage])
@pytest.mark.parametrize(
    "image_type",
    [
        ["ORIGINAL", "PRIMARY", "AXIAL"],
        ["DERIVED", "SECONDARY", "MPR"],
        ["MIXED", "PRIMARY"],
        ["", "PRIMARY"],
        ["ORIGINAL"],
        [],
    ],
    ids="-".join,
)
def test_a_filled_image_keeps_every_value_of_its_type(
    sop_class: UID, image_type: list[str]
) -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.SOPClassUID, dataset.ImageType = sop_class, image_type
    before = dataset["ImageType"].value

    assert cleaned(dataset)["ImageType"].value == before


def test_a_filled_image_without_a_type_gets_none() -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    del dataset.ImageType

    assert "ImageType" not in cleaned(dataset)


def test_a_text_free_image_stays_what_it_is() -> None:
    dataset = instance(noise(Kind(BASELINE), frames=1), Kind(BASELINE))

    result = PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1).dataset

    assert result == dataset


@pytest.mark.parametrize("signed", [False, True])
def test_smallest_and_largest_value_are_those_of_the_new_pixels(signed: bool) -> None:
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 12, signed=signed)
    stored = np.clip(noise(kind, frames=2), -100, 100)
    stored[0, 10, 10] = 2000
    stored[1, 0, 0] = 1500
    dataset = instance(stored, kind)
    vr = "SS" if signed else "US"
    dataset.add_new("SmallestImagePixelValue", vr, int(stored.min()))
    dataset.add_new("LargestImagePixelValue", vr, 2000)

    result = cleaned(dataset)

    assert result.LargestImagePixelValue == 1500
    assert result.SmallestImagePixelValue == int(stored.min())
    assert dataset.LargestImagePixelValue == 2000


@pytest.mark.parametrize(
    ("kind", "vr"),
    [(Kind(EXPLICIT, "MONOCHROME2", 32, 32, signed=True), "SS"), (Kind(EXPLICIT, "RGB"), "US")],
    ids=str,
)
def test_a_range_that_the_attributes_cannot_hold_is_no_longer_stated(kind: Kind, vr: str) -> None:
    dataset = instance(noise(kind, frames=1), kind)
    dataset.add_new("SmallestImagePixelValue", vr, 0)
    dataset.add_new("LargestImagePixelValue", vr, 100)

    result = cleaned(dataset)

    assert "SmallestImagePixelValue" not in result
    assert "LargestImagePixelValue" not in result
    assert dataset.LargestImagePixelValue == 100


@pytest.mark.parametrize(
    ("kind", "method"), [(Kind(BASELINE), "ISO_10918_1"), (Kind(JLS_NEAR), "ISO_14495_1")], ids=str
)
def test_the_loss_of_the_original_stays_on_record(kind: Kind, method: str) -> None:
    result = cleaned(instance(noise(kind, frames=1), kind))

    assert result.LossyImageCompression == "01"
    assert result.LossyImageCompressionMethod == method
    assert float(result.LossyImageCompressionRatio) >= 1


def test_a_history_of_loss_is_not_rewritten() -> None:
    dataset = instance(noise(Kind(BASELINE), frames=1), Kind(BASELINE))
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionRatio = [10, 3]
    dataset.LossyImageCompressionMethod = ["ISO_15444_1", "ISO_10918_1"]

    result = cleaned(dataset)

    assert [float(ratio) for ratio in result.LossyImageCompressionRatio] == [10, 3]
    assert list(result.LossyImageCompressionMethod) == ["ISO_15444_1", "ISO_10918_1"]


@pytest.mark.parametrize(
    ("inpainter", "said"), [(SolidInpainter(), False), (TeleaInpainter(), True)]
)
def test_a_fill_that_guesses_is_named_as_such(inpainter: Inpainter, said: bool) -> None:
    cleaner = PixelCleaner(finds_always(Box(8, 8, 20, 20)), inpainter, second_look=finds_nothing())

    result = cleaner.clean(instance(noise(Kind(), frames=1), Kind()), seed=1)

    assert result.derivation == ((DERIVATION, MADE_UP) if said else (DERIVATION,))
