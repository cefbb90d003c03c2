"""A series in which some slices were filled converts like the one that came.

Converters and viewers part a series where Image Type differs: dcm2niix by whether a slice
is DERIVED, Slicer by the whole value. Both programs run as programs: dicom2nifti changes
pydicom for its process.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from deid_node.dicom.silence import silenced
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from tests.builders.samples import SHARED
from tests.builders.values import an_origin
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.metadata.test_validity import VERIFIER, errors
from tests.unit.pixeldata.instances import EXPLICIT, J2K, J2K_LOSSY, JLS_NEAR, Kind, instance

SPLIT_BEFORE = SHARED / "field" / "02_series_split_knee_t1"
WHERE = Box(60, 8, 112, 22)
FILLED = frozenset({0, 4, 5, 9})
SLICES = 12
# What Slicer's reader of scalar volumes makes volumes of their own by, and dcm2niix besides.
PARTING = (
    *("SeriesInstanceUID", "AcquisitionNumber", "ImageType", "ImageOrientationPatient"),
    *("StudyInstanceUID", "SeriesNumber", "Rows", "Columns", "BitsAllocated", "BitsStored"),
    *("PixelRepresentation", "PhotometricInterpretation", "EchoTime", "ProtocolName"),
)


@dataclass(frozen=True)
class Sent:
    """What a series is like; `image_type` None for one that says none."""

    modality: str = "CT"
    syntax: str = EXPLICIT
    image_type: tuple[str, ...] | None = ("ORIGINAL", "PRIMARY", "AXIAL")

    def __str__(self) -> str:
        value = "none" if self.image_type is None else self.image_type[0]
        return f"{self.modality}-{self.syntax}-{value}"


SERIES = [
    Sent(),
    Sent(image_type=("DERIVED", "PRIMARY", "AXIAL")),
    Sent(image_type=None),
    Sent(syntax=J2K),
    # The slices that are filled leave as Explicit VR Little Endian, the others as they came.
    Sent(syntax=J2K_LOSSY),
    Sent(syntax=JLS_NEAR),
    Sent("MR", image_type=("ORIGINAL", "PRIMARY", "M", "SE")),
]


def a_series(sent: Sent) -> list[Dataset]:
    """Return twelve slices of a made-up volume, with text on those of `FILLED`."""
    draw = np.random.default_rng(3)
    y, x = np.mgrid[0:96, 0:128]
    slices = []
    for number in range(SLICES):
        radius = 22 + 14 * np.sin(np.pi * (number + 1) / (SLICES + 1))
        body = np.hypot(x - 60, (y - 58) * 1.3) < radius
        frame = np.where(body, 1040 + 4 * number, 40) + draw.normal(0, 9, body.shape)
        if number in FILLED:
            white = np.zeros(body.shape, np.uint8)
            cv2.putText(white, "DOE J", (62, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1, 1)
            frame[white > 0] = 1900
        slices.append(_a_slice(frame.round().clip(0, 4095).astype(np.uint16), number, sent))
    return slices


def _a_slice(frame: NDArray[np.uint16], number: int, sent: Sent) -> Dataset:
    dataset = instance(frame[None], Kind(sent.syntax, "MONOCHROME2", 16, 12))
    dataset.SOPClassUID = CTImageStorage if sent.modality == "CT" else MRImageStorage
    dataset.SOPInstanceUID = f"1.2.3.4.{number + 1}"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = "1.2.3.3", ""
    dataset.Modality, dataset.Manufacturer = sent.modality, "Acme"
    dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = "MR-0047", "19570430", "F"
    dataset.StudyDate, dataset.StudyTime = "20231204", "144107"
    dataset.SeriesNumber, dataset.AcquisitionNumber = 3, 1
    dataset.InstanceNumber = number + 1
    dataset.ImagePositionPatient = [-50, -40, 2.5 * number]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.8], 2.5
    dataset.SpacingBetweenSlices = 2.5
    if sent.modality == "CT":
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.KVP = -1024, 1, 120
    else:
        dataset.EchoTime, dataset.RepetitionTime, dataset.EchoTrainLength = 12, 500, 1
        dataset.ScanningSequence, dataset.SequenceVariant = "SE", "NONE"
        dataset.ScanOptions, dataset.MRAcquisitionType = "", "2D"
    if sent.image_type is None:
        del dataset.ImageType
    else:
        dataset.ImageType = list(sent.image_type)
    return dataset


def saved(slices: Sequence[Dataset], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number:03}.dcm" for number in range(len(slices))]
    for dataset, path in zip(slices, paths, strict=True):
        dataset.save_as(path, enforce_file_format=True)
    return paths


def cleaned(paths: Sequence[Path], folder: Path, filled: frozenset[int], box: Box) -> list[Path]:
    """Send each instance through the corridor; a finder that knows sees `box` on some."""
    folder.mkdir()
    options = frozenset({Option.CLEAN_PIXEL_DATA})
    scrubber = build_scrubber(MetadataOptions(), options, key=bytes(range(32)))
    results = []
    for number, path in enumerate(paths):
        finder = finds_always(box) if number in filled else finds_nothing()
        cleaner = PixelCleaner(finder, SolidInpainter(), second_look=finds_nothing())
        corridor = Corridor(
            compile_router(RouteOptions()),
            {"research": Treatment(cleaner, scrubber, options)},
            Provenance("scripted", "2024e"),
        )
        output = folder / path.name
        order = WorkOrder(InstanceId(f"{number:016x}"), 1, path, output, an_origin())
        outcome = corridor.clean(order)
        assert isinstance(outcome, Cleaned), outcome
        assert bool(outcome.instance.report.regions) == (number in filled)
        results.append(output)
    return results


def _program(name: str) -> str:
    """Return where `name` is installed; a test skips without it, and fails in CI."""
    own = str(Path(sys.executable).parent)
    path = shutil.which(name, path=os.pathsep.join([own, *os.get_exec_path()]))
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"CI lacks {name}, of the group dev", pytrace=False)
    if path is None:
        pytest.skip(f"needs {name}, of the group dev")
    return path


def by_dcm2niix(source: Path, target: Path) -> None:
    call = [_program("dcm2niix"), "-g", "i", "-b", "n", "-z", "n", "-f", "%j", "-o", str(target)]
    _run([*call, str(source)])


def by_dicom2nifti(source: Path, target: Path) -> None:
    _run([sys.executable, _program("dicom2nifti"), "-C", str(source), str(target)])


def _run(call: Sequence[str]) -> None:
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


CONVERTERS: Mapping[str, Callable[[Path, Path], None]] = {
    "dcm2niix": by_dcm2niix,
    "dicom2nifti": by_dicom2nifti,
}


def volumes(converter: str, source: Path, target: Path) -> list[nibabel.Nifti1Image]:
    """Return what a converter makes of the folder `source`: one volume for a whole series."""
    target.mkdir()
    CONVERTERS[converter](source, target)
    return [nibabel.Nifti1Image.from_filename(path) for path in sorted(target.glob("*.nii"))]


def voxels_of(
    image: nibabel.Nifti1Image, headers: Sequence[Dataset], box: Box
) -> NDArray[np.bool_]:
    """Return the voxels of `box` in the slices of `headers`, wherever the converter put them."""
    mask = np.zeros(image.shape, np.bool_)
    to_voxels = np.linalg.inv(image.affine) @ np.diag([-1.0, -1.0, 1.0, 1.0])
    rows, columns = np.mgrid[box.top : box.bottom, box.left : box.right].reshape(2, -1)
    for header in headers:
        along_row, along_column = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
        down, across = (float(step) for step in header.PixelSpacing)
        places = (
            np.array(header.ImagePositionPatient, float)
            + np.outer(columns * across, along_row)
            + np.outer(rows * down, along_column)
        )
        found = np.c_[places, np.ones(len(places))] @ to_voxels.T
        mask[tuple(np.rint(found[:, :3]).astype(int).T)] = True
    return mask


def assert_alike(
    before: Sequence[nibabel.Nifti1Image],
    after: Sequence[nibabel.Nifti1Image],
    headers: Sequence[Dataset],
    box: Box,
) -> None:
    """Demand one volume each, of one geometry, that differ in the fills alone."""
    assert (len(before), len(after)) == (1, 1)
    assert before[0].shape == after[0].shape
    assert np.allclose(before[0].affine, after[0].affine, atol=1e-4)
    mask = voxels_of(before[0], headers, box)
    old, new = np.asanyarray(before[0].dataobj), np.asanyarray(after[0].dataobj)
    assert np.array_equal(old[~mask], new[~mask])
    assert not np.array_equal(old[mask], new[mask])


@pytest.fixture(autouse=True)
def _quiet() -> None:
    with silenced():
        return


@pytest.mark.req("REQ-PX-21")
@pytest.mark.peer("dcm2niix")
@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("sent", SERIES, ids=str)
def test_a_series_with_fills_in_some_slices_converts_to_one_volume(
    tmp_path: Path, sent: Sent, converter: str
) -> None:
    originals = saved(a_series(sent), tmp_path / "before")

    cleaned(originals, tmp_path / "after", FILLED, WHERE)

    before = volumes(converter, tmp_path / "before", tmp_path / "volumes before")
    after = volumes(converter, tmp_path / "after", tmp_path / "volumes after")
    assert before[0].shape == (128, 96, SLICES)
    assert_alike(before, after, [dcmread(originals[number]) for number in FILLED], _margin(WHERE))


@pytest.mark.parametrize("sent", SERIES, ids=str)
def test_no_slice_of_a_series_differs_by_what_series_are_parted_by(
    tmp_path: Path, sent: Sent
) -> None:
    originals = saved(a_series(sent), tmp_path / "before")

    slices = [dcmread(path) for path in cleaned(originals, tmp_path / "after", FILLED, WHERE)]

    for keyword in PARTING:
        assert len({repr(one.get(keyword)) for one in slices}) == 1, keyword
    expected = None if sent.image_type is None else list(sent.image_type)
    assert slices[0].get("ImageType") == expected
    told = {n for n, one in enumerate(slices) if "DerivationCodeSequence" in one}
    assert told == FILLED
    assert {n for n, one in enumerate(slices) if "DerivationDescription" in one} == FILLED
    assert {one.BurnedInAnnotation for one in slices} == {"NO"}


@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize("sent", SERIES, ids=str)
def test_a_filled_slice_has_no_error_that_the_original_lacks(tmp_path: Path, sent: Sent) -> None:
    if VERIFIER is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    originals = saved(a_series(sent), tmp_path / "before")

    results = cleaned(originals, tmp_path / "after", FILLED, WHERE)

    for number in (0, 1):
        assert errors(results[number]) - errors(originals[number]) == Counter()


@pytest.mark.shared
@pytest.mark.peer("dcm2niix")
@pytest.mark.parametrize("converter", CONVERTERS)
def test_a_real_series_in_lossy_jpeg_2000_stays_one_volume(tmp_path: Path, converter: str) -> None:
    if not SPLIT_BEFORE.is_dir():
        pytest.skip("the shared data folder is not there")
    originals = sorted(SPLIT_BEFORE.glob("*.dcm"))
    box, filled = Box(20, 20, 140, 40), frozenset(range(3, len(originals), 4))

    results = cleaned(originals, tmp_path / "after", filled, box)

    before = volumes(converter, SPLIT_BEFORE, tmp_path / "volumes before")
    after = volumes(converter, tmp_path / "after", tmp_path / "volumes after")
    syntaxes = {dcmread(path).file_meta.TransferSyntaxUID for path in results}
    assert syntaxes == {J2K_LOSSY, ExplicitVRLittleEndian}
    assert_alike(before, after, [dcmread(originals[number]) for number in filled], _margin(box))


def _margin(box: Box) -> Box:
    """Return all that a fill of `box` may have taken: the margin of its mask too."""
    return Box(max(0, box.left - 8), max(0, box.top - 8), box.right + 8, box.bottom + 8)
