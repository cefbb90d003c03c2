"""What the scanner sends: real files of the installed pydicom, two with a canary, a mosaic.

Several of the test files are one instance in several encodings, with one SOP
Instance UID. A node that took one of them must hold the others back, so each is
given a UID of its own here; nothing else in them is touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from deid_node.demo.canary import CANARY, Canary
from deid_node.demo.mosaic import mosaic_of
from deid_node.demo.unharmed import MOSAIC
from deid_node.errors import InputError

FILES: Final = (
    ("ultrasound, palette colour", "examples_palette.dcm"),
    ("ultrasound, colour", "examples_rgb_color.dcm"),
    ("ultrasound cine, JPEG", "examples_ybr_color.dcm"),
    ("ultrasound, JPEG 2000", "examples_jpeg2k.dcm"),
    ("MR with an overlay", "examples_overlay.dcm"),
    ("CT", "CT_small.dcm"),
    ("CT, JPEG 2000", "693_J2KI.dcm"),
    ("MR", "MR_small.dcm"),
    ("MR, implicit VR", "MR_small_implicit.dcm"),
    ("MR, big endian", "MR_small_bigendian.dcm"),
    ("MR, RLE", "MR_small_RLE.dcm"),
    ("MR, JPEG-LS", "MR_small_jpeg_ls_lossless.dcm"),
    ("MR, JPEG 2000", "MR_small_jp2klossless.dcm"),
    ("screenshot, JPEG lossless", "SC_rgb_jpeg_gdcm.dcm"),
    ("screenshot, deflated", "image_dfl.dcm"),
    ("ECG", "waveform_ecg.dcm"),
    ("report", "test-SR.dcm"),
    ("report, plain text", "reportsi.dcm"),
    ("radiotherapy plan", "rtplan.dcm"),
    ("radiotherapy dose", "rtdose.dcm"),
    ("segmentation of a liver", "liver_1frame.dcm"),
    ("MR whose pixels break off", "MR_truncated.dcm"),
)
"""What a person calls each file, and its name among pydicom's test files."""

CANARY_CT: Final = "CT of the canary"
CANARY_MR: Final = "MR of the canary"

_ENLARGED: Final = 4
_LINE_PIXELS: Final = 24


@dataclass(frozen=True, slots=True)
class Sample:
    """A file that the scanner holds, with what a person would call it."""

    title: str
    path: Path
    sop_instance_uid: str


def write_samples(folder: Path) -> Sequence[Sample]:
    """Write every sample below the new folder `folder` and return them in order of sending.

    Raises `InputError` when pydicom was installed without its test files.
    """
    folder.mkdir()
    taken: set[str] = set()
    samples = []
    for title, name in FILES:
        dataset = dcmread(shipped(name))
        if dataset.SOPInstanceUID in taken:
            give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[name]))
        taken.add(dataset.SOPInstanceUID)
        samples.append(_written(dataset, title, folder / name))
    for title, made in (
        (CANARY_CT, canary_ct(CANARY)),
        (CANARY_MR, canary_mr(CANARY)),
        (MOSAIC, mosaic()),
    ):
        name = title.lower().replace(" ", "_") + ".dcm"
        samples.append(_written(made, title, folder / name))
    return samples


def shipped(name: str) -> Path:
    """Return the path of one of pydicom's own test files; nothing is downloaded."""
    found = get_testdata_file(name, download=False)
    if not isinstance(found, str):
        raise InputError(f"the installed pydicom has no test file {name}")
    return Path(found)


def give_uid(dataset: Dataset, uid: str) -> None:
    """Make `uid` the SOP Instance UID of `dataset`, in the file meta information too."""
    dataset.SOPInstanceUID = UID(uid)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid)


def mosaic() -> Dataset:
    """Return an MR mosaic with a UID of its own."""
    dataset = mosaic_of(dcmread(shipped("examples_overlay.dcm")))
    give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[MOSAIC]))
    return dataset


def canary_ct(canary: Canary) -> Dataset:
    """Return a CT slice of 512 x 512 with the canary in its header and in a corner."""
    dataset = dcmread(shipped("CT_small.dcm"))
    # CT_small carries a thumbnail-sized slice; a scanner's matrix leaves room for text.
    stored = dataset.pixel_array
    size = (dataset.Columns * _ENLARGED, dataset.Rows * _ENLARGED)
    enlarged = cv2.resize(stored, size, interpolation=cv2.INTER_LINEAR)
    dataset.Rows, dataset.Columns = enlarged.shape
    dataset.PixelSpacing = [float(spacing) / _ENLARGED for spacing in dataset.PixelSpacing]
    _burn(dataset, enlarged, canary, letter_value=int(enlarged.max()))
    return dataset


def canary_mr(canary: Canary) -> Dataset:
    """Return an MR slice with the canary in its header and in a corner."""
    dataset = dcmread(shipped("examples_overlay.dcm"))
    stored = dataset.pixel_array
    _burn(dataset, stored, canary, letter_value=int(stored.max()))
    return dataset


def _burn(dataset: Dataset, stored: NDArray[np.generic], canary: Canary, letter_value: int) -> None:
    dataset.PatientName = canary.person_name
    dataset.PatientID = canary.patient_id
    dataset.PatientBirthDate = canary.birth_date
    dataset.BurnedInAnnotation = "YES"
    give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[canary.patient_id, dataset.Modality]))
    drawn = with_lines(stored, canary.lines, letter_value=letter_value)
    dataset.PixelData = drawn.tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def with_lines(
    stored: NDArray[np.generic], lines: Sequence[str], *, letter_value: int
) -> NDArray[np.generic]:
    """Return `stored` (``(rows, columns)``) with `lines` drawn from the top left.

    Letters have the stored value `letter_value`, their edges are blended.
    """
    ink = np.zeros(stored.shape, dtype=np.uint8)
    for number, line in enumerate(lines, 1):
        origin = (8, number * _LINE_PIXELS)
        cv2.putText(ink, line, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1, cv2.LINE_AA)
    share = ink.astype(np.float64) / 255
    blended = stored.astype(np.float64) * (1 - share) + letter_value * share
    return np.rint(blended).astype(stored.dtype)


def _written(dataset: Dataset, title: str, path: Path) -> Sample:
    dataset.save_as(path, enforce_file_format=True)
    return Sample(title, path, str(dataset.SOPInstanceUID))
