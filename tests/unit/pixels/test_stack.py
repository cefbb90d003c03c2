"""Where a slice lies among the others, and which of them it goes with."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from deid_node.pixels.stack import is_beside, place_of
from tests.builders.slices import a_slice, volume

PIXELS = volume(1)[0]


def test_slices_lie_along_the_normal_of_their_planes() -> None:
    slanted = [0.8, 0.6, 0, 0, 0, -1]
    first, second = (
        place_of(a_slice(PIXELS, n, ImageOrientationPatient=slanted, ImagePositionPatient=position))
        for n, position in enumerate([[0, 0, 5], [-0.6 * 4 + 8, 0.8 * 4 + 6, -3]])
    )

    assert first is not None
    assert second is not None
    assert first.stack == second.stack
    assert second.along - first.along == pytest.approx(4)


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImagePositionPatient": None},
        {"ImagePositionPatient": [1, 2]},
        {"ImageOrientationPatient": None},
        {"FrameOfReferenceUID": None},
        {"SeriesInstanceUID": None},
        {"NumberOfFrames": 2},
        {"PerFrameFunctionalGroupsSequence": [Dataset()]},
    ],
    ids=lambda one: next(iter(one)),
)
def test_what_has_no_place_of_its_own_has_none(attributes: dict[str, Any]) -> None:
    assert place_of(a_slice(PIXELS, 0, **attributes)) is None


@pytest.mark.parametrize("written", [["1E400", "0", "0"], ["NaN", "0", "0"]])
def test_a_position_that_is_no_number_is_none(written: list[str]) -> None:
    dataset = a_slice(PIXELS, 0)
    dataset["ImagePositionPatient"]._value = written

    assert place_of(dataset) is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientID": "OTHER"},
        {"PatientName": "OTHER"},
        {"IssuerOfPatientID": "ELSEWHERE"},
        {"SeriesInstanceUID": "1.2.3"},
        {"StudyInstanceUID": "1.2.3"},
        {"FrameOfReferenceUID": "1.2.3"},
        {"PixelSpacing": [1, 2]},
        {"RescaleSlope": 2},
        {"RescaleIntercept": -1024},
        {"BitsStored": 12},
        {"PixelRepresentation": 0},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]},
        {"EchoTime": 30},
        {"ImageType": ["DERIVED", "SECONDARY", "MIP"]},
        {"ImagePositionPatient": None},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_slice_that_is_another_thing_is_not_beside_it(attributes: dict[str, Any]) -> None:
    ours = a_slice(PIXELS, 0)

    assert is_beside(ours, a_slice(PIXELS, 1))
    assert not is_beside(ours, a_slice(PIXELS, 1, **attributes))
    assert not is_beside(a_slice(PIXELS, 1, **attributes), ours)
