"""The same content is known in every transfer syntax that loses nothing, and no other is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from deid_node.dicom import part10
from deid_node.pixeldata.content import content_sha256
from tests.builders.samples import packaged

PLAIN = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
PACKED = (RLELossless, JPEGLSLossless, JPEG2000Lossless)


def sample(name: str = "CT_small.dcm") -> Dataset:
    dataset = part10.read(packaged(name))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        dataset.decompress(generate_instance_uid=False)
    dataset.ReferencedStudySequence = Sequence([Dataset()])
    dataset.ReferencedStudySequence[0].ReferencedSOPInstanceUID = "1.2.3"
    return dataset


def in_syntax(dataset: Dataset, syntax: UID, folder: Path) -> Path:
    """Return a file with `dataset` in another transfer syntax, its UID kept."""
    path = folder / f"{syntax}.dcm"
    if syntax in PACKED:
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path, enforce_file_format=True)
        return path
    if syntax == ExplicitVRBigEndian and dataset.BitsAllocated == 16:
        content = bytearray(dataset.PixelData)
        content[0::2], content[1::2] = content[1::2], content[0::2]
        dataset.PixelData = bytes(content)
    dataset.file_meta.TransferSyntaxUID = syntax
    part10_dataset = Dataset()
    part10_dataset.update(dataset)
    part10_dataset.file_meta = dataset.file_meta
    part10_dataset.save_as(path, enforce_file_format=True)
    return path


def checksum(path: Path) -> str | None:
    return content_sha256(part10.read(path))


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "SC_rgb_rle.dcm"])
@pytest.mark.parametrize("syntax", [*PLAIN[1:], *PACKED], ids=lambda uid: uid.name)
def test_the_transfer_syntax_is_no_content(tmp_path: Path, name: str, syntax: UID) -> None:
    plain = checksum(in_syntax(sample(name), ExplicitVRLittleEndian, tmp_path))

    assert plain is not None
    assert checksum(in_syntax(sample(name), syntax, tmp_path)) == plain


def _other_pixel(dataset: Dataset) -> None:
    dataset.PixelData = bytes([dataset.PixelData[0] ^ 1]) + dataset.PixelData[1:]


def _other_text(dataset: Dataset) -> None:
    dataset.StudyDescription = "corrected"


def _one_more(dataset: Dataset) -> None:
    dataset.PatientComments = "more"


def _one_less(dataset: Dataset) -> None:
    del dataset.StudyDate


def _deeper(dataset: Dataset) -> None:
    dataset.ReferencedStudySequence[0].ReferencedSOPInstanceUID = "1.2.4"


def _item_more(dataset: Dataset) -> None:
    dataset.ReferencedStudySequence.append(Dataset())


def _private(dataset: Dataset) -> None:
    dataset.private_block(0x0099, "SOMEBODY", create=True).add_new(1, "LO", "a")


@pytest.mark.parametrize(
    "change",
    [_other_pixel, _other_text, _one_more, _one_less, _deeper, _item_more, _private],
)
def test_anything_else_is(tmp_path: Path, change: Callable[[Dataset], None]) -> None:
    plain = checksum(in_syntax(sample(), ExplicitVRLittleEndian, tmp_path))
    other = sample()
    change(other)

    assert checksum(in_syntax(other, RLELossless, tmp_path)) != plain


def test_objects_without_pixels_have_content_too(tmp_path: Path) -> None:
    plan = part10.read(packaged("rtplan.dcm"))

    explicit = in_syntax(plan, ExplicitVRLittleEndian, tmp_path)

    assert checksum(explicit) == checksum(packaged("rtplan.dcm")) is not None


def test_what_cannot_be_decoded_has_none(tmp_path: Path) -> None:
    dataset = sample()
    dataset.PixelData = dataset.PixelData[:-100]

    assert checksum(in_syntax(dataset, ExplicitVRLittleEndian, tmp_path)) is None
