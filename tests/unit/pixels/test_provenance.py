"""The Segmentation beside an instance marks what was filled, and says nothing else."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence as Items

from deid_node.dicom import part10
from deid_node.dicom.silence import silenced
from deid_node.errors import ConfigurationError, ProvenanceFailed
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.pixels.provenance import require_library, segmentation_of
from deid_node.values.geometry import Box, Region
from tests.builders.samples import packaged
from tests.unit.metadata.test_validity import errors
from tests.unit.pixeldata.instances import Kind, instance

OPTIONS = frozenset({Option.CLEAN_PIXEL_DATA})
SCRUBBER = build_scrubber(MetadataOptions(), OPTIONS, key=bytes(range(32)))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with silenced():
        yield


def a_region(frame: int, box: Box, fill: str = "telea") -> Region:
    return Region(frame, box, 0.9, "finder", fill)


def ct() -> Dataset:
    """A slice of 512 x 512, in the patient's coordinates."""
    dataset = dcmread(packaged("CT_small.dcm"))
    dataset.Rows = dataset.Columns = 512
    dataset.PixelData = bytes(2 * 512 * 512)
    return dataset


def colour_ultrasound() -> Dataset:
    return dcmread(packaged("examples_rgb_color.dcm"))


def cine() -> Dataset:
    return dcmread(packaged("examples_ybr_color.dcm"))


def enhanced(frames: int = 12) -> Dataset:
    """An enhanced CT whose frames lie above each other."""
    dataset = instance(np.zeros((frames, 40, 56), np.uint8), Kind())
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.5", "1.2.6"
    dataset.FrameOfReferenceUID = "1.2.7"
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.5], 2
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    dataset.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for frame in range(frames):
        group, position = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, 2 * frame]
        group.PlanePositionSequence = [position]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Items(groups)
    return dataset


MARKED = {
    "slice": (ct, [a_region(0, Box(10, 20, 200, 44)), a_region(0, Box(150, 30, 300, 60), "solid")]),
    "colour": (colour_ultrasound, [a_region(0, Box(3, 5, 90, 17), "diffusion")]),
    "cine": (
        cine,
        [
            a_region(frame, Box(7, 1 + frame, 101, 40))
            for frame in (29, 2, 3, 4, 5, 6, 7, 8, 11, 12)
        ],
    ),
    "enhanced": (enhanced, [a_region(frame, Box(0, 0, 9, 9)) for frame in (1, 4, 11)]),
}
kinds = pytest.mark.parametrize("kind", MARKED)


def cleaned(original: Dataset) -> Dataset:
    dataset = SCRUBBER.scrub(original).dataset
    attest(dataset, options=OPTIONS, pixels_looked_at=True, second_look_clean=True)
    return dataset


def masks(dataset: Dataset, regions: Sequence[Region]) -> dict[int, np.ndarray]:
    """What was filled, by frame."""
    result: dict[int, np.ndarray] = {}
    for region in sorted(regions, key=lambda one: one.frame):
        mask = result.setdefault(region.frame, np.zeros((dataset.Rows, dataset.Columns), np.uint8))
        mask[region.box.top : region.box.bottom, region.box.left : region.box.right] = 1
    return result


def written(dataset: Dataset, folder: Path) -> Path:
    path = folder / f"{dataset.SOPInstanceUID}.dcm"
    part10.write(dataset, path)
    return path


@pytest.mark.req("REQ-PX-16")
@kinds
def test_a_reader_gets_the_filled_pixels_and_no_others(tmp_path: Path, kind: str) -> None:
    make, regions = MARKED[kind]
    clean = cleaned(make())

    path = written(segmentation_of(clean, regions, finder="crnn-0.1.0"), tmp_path)

    expected = masks(clean, regions)
    stored = dcmread(path).pixel_array.reshape(len(expected), clean.Rows, clean.Columns)
    assert np.array_equal(stored, np.stack(list(expected.values())))


@kinds
def test_the_librarys_own_reader_finds_each_mask_by_its_source(tmp_path: Path, kind: str) -> None:
    make, regions = MARKED[kind]
    clean = cleaned(make())

    read = segread(written(segmentation_of(clean, regions, finder="crnn-0.1.0"), tmp_path))

    expected = masks(clean, regions)
    if "NumberOfFrames" in clean:
        found = read.get_pixels_by_source_frame(
            clean.SOPInstanceUID, [frame + 1 for frame in expected]
        )
    else:
        found = read.get_pixels_by_source_instance([clean.SOPInstanceUID])
    assert np.array_equal(found[..., 0], np.stack(list(expected.values())))


@pytest.mark.peer("dciodvfy")
@kinds
def test_dciodvfy_reports_no_error(tmp_path: Path, kind: str) -> None:
    if shutil.which("dciodvfy") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("dciodvfy (Debian package dicom3tools) is missing in CI")
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    make, regions = MARKED[kind]

    path = written(segmentation_of(cleaned(make()), regions, finder="crnn-0.1.0"), tmp_path)

    assert errors(path) == Counter()


@kinds
def test_nothing_of_the_patient_is_in_it(tmp_path: Path, kind: str) -> None:
    make, regions = MARKED[kind]
    original = make()

    path = written(segmentation_of(cleaned(original), regions, finder="crnn-0.1.0"), tmp_path)

    LeakCheck().check(original, part10.read(path), retained=OPTIONS)


@pytest.mark.req("REQ-PX-16")
@kinds
def test_the_same_instance_gives_the_same_bytes_every_time(tmp_path: Path, kind: str) -> None:
    make, regions = MARKED[kind]
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        result = segmentation_of(cleaned(make()), regions, finder="crnn-0.1.0")
        contents.append(written(result, tmp_path / name).read_bytes())

    assert contents[0] == contents[1]


def test_it_says_what_the_instance_says_of_its_patient_and_of_its_cleaning() -> None:
    clean = cleaned(ct())

    result = segmentation_of(clean, MARKED["slice"][1], finder="crnn-0.1.0")

    for keyword in (
        *("PatientName", "PatientID", "PatientSex", "StudyInstanceUID", "FrameOfReferenceUID"),
        *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
        *("LongitudinalTemporalInformationModified", "BurnedInAnnotation"),
    ):
        assert result[keyword].value == clean[keyword].value, keyword
    assert result.Modality == "SEG"
    assert result.SeriesInstanceUID != clean.SeriesInstanceUID
    assert result.SOPInstanceUID != clean.SOPInstanceUID


def test_all_marks_of_a_series_are_one_series() -> None:
    first, second = cleaned(ct()), cleaned(ct())
    second.SOPInstanceUID = "2.25.99"

    results = [segmentation_of(one, MARKED["slice"][1], finder="f") for one in (first, second)]

    assert len({one.SeriesInstanceUID for one in results}) == 1
    assert len({one.SOPInstanceUID for one in results}) == 2


def test_it_names_the_tools_by_codes_that_exist() -> None:
    (segment,) = segmentation_of(
        cleaned(ct()), MARKED["slice"][1], finder="crnn-0.1.0"
    ).SegmentSequence

    (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmParameters == "finder=crnn-0.1.0,fill=solid telea"
    (family,) = algorithm.AlgorithmFamilyCodeSequence
    (category,) = segment.SegmentedPropertyCategoryCodeSequence
    (kind,) = segment.SegmentedPropertyTypeCodeSequence
    assert [(one.CodeValue, one.CodingSchemeDesignator) for one in (family, category, kind)] == [
        ("123110", "DCM"),
        ("309825002", "SCT"),
        ("111207", "DCM"),
    ]


def test_marks_lie_where_their_frames_lie() -> None:
    result = segmentation_of(cleaned(enhanced()), MARKED["enhanced"][1], finder="f")

    heights = [
        group.PlanePositionSequence[0].ImagePositionPatient[2]
        for group in result.PerFrameFunctionalGroupsSequence
    ]
    assert heights == [2, 8, 22]


def test_frames_that_do_not_lie_parallel_are_tied_by_number_alone() -> None:
    dataset = enhanced()
    turned = Dataset()
    turned.ImageOrientationPatient = [0, 1, 0, 0, 0, 1]
    dataset.PerFrameFunctionalGroupsSequence[4].PlaneOrientationSequence = [turned]
    del dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    own = Dataset()
    own.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    for frame in (1, 11):
        dataset.PerFrameFunctionalGroupsSequence[frame].PlaneOrientationSequence = [own]

    result = segmentation_of(cleaned(dataset), MARKED["enhanced"][1], finder="f")

    assert "FrameOfReferenceUID" not in result
    numbers = [
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        for group in result.PerFrameFunctionalGroupsSequence
    ]
    assert numbers == [2, 5, 12]


def test_a_header_that_cannot_be_repeated_is_an_error_without_values() -> None:
    clean = cleaned(ct())
    del clean.StudyInstanceUID

    with pytest.raises(ProvenanceFailed, match="AttributeError"):
        segmentation_of(clean, MARKED["slice"][1], finder="f")


def test_without_the_library_the_configuration_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid_node.pixels.provenance.find_spec", lambda _name: None)

    with pytest.raises(ConfigurationError, match=r"deid-node\[provenance\]"):
        require_library("treatments.research.provenance")


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_shape_and_every_choice_of_frames_comes_back(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 21)), data.draw(st.integers(1, 21))
    frames = data.draw(st.integers(1, 20))
    regions = []
    for frame in data.draw(st.sets(st.integers(0, frames - 1), min_size=1)):
        for _ in range(data.draw(st.integers(1, 3))):
            left, top = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
            right = data.draw(st.integers(left + 1, columns))
            bottom = data.draw(st.integers(top + 1, rows))
            regions.append(a_region(frame, Box(left, top, right, bottom)))
    source = instance(np.zeros((frames, rows, columns), np.uint8), Kind())

    result = segmentation_of(source, regions, finder="f")

    expected = masks(source, regions)
    stored = result.pixel_array.reshape(len(expected), rows, columns)
    assert np.array_equal(stored, np.stack(list(expected.values())))
