"""Study and patient are read from the first elements, in every encoding."""

import zlib

import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deid_node.dicom.study import OriginalStudy, original_study


def encoded(dataset: Dataset, transfer_syntax: str) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = transfer_syntax != ExplicitVRBigEndian
    buffer.is_implicit_VR = transfer_syntax == ImplicitVRLittleEndian
    write_dataset(buffer, dataset)
    content: bytes = buffer.getvalue()
    if transfer_syntax == DeflatedExplicitVRLittleEndian:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(content) + packer.flush()
    return content


def instance() -> Dataset:
    dataset = Dataset()
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.PatientID = "PAT-17"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.Rows = 4
    return dataset


@pytest.mark.parametrize(
    "transfer_syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
def test_both_are_found_in_every_encoding(transfer_syntax: str) -> None:
    found = original_study(encoded(instance(), transfer_syntax), transfer_syntax)

    assert found == OriginalStudy("1.2.3", "PAT-17")


def test_what_is_not_there_is_empty() -> None:
    dataset = instance()
    del dataset.PatientID
    dataset.StudyInstanceUID = ""

    found = original_study(encoded(dataset, ExplicitVRLittleEndian), ExplicitVRLittleEndian)

    assert found == OriginalStudy("", "")


def test_nothing_behind_the_study_is_read() -> None:
    content = encoded(instance(), ExplicitVRLittleEndian)

    found = original_study(content[:-4] + b"\xff\xff\xff\xff", ExplicitVRLittleEndian)

    assert found == OriginalStudy("1.2.3", "PAT-17")


@pytest.mark.parametrize("content", [b"", b"\x10\x00", b"no dataset at all", b"\xff" * 64])
def test_what_cannot_be_read_names_nobody(content: bytes) -> None:
    for transfer_syntax in (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        assert original_study(content, transfer_syntax) == OriginalStudy("", "")


def test_no_identifier_shows_in_a_repr() -> None:
    assert repr(OriginalStudy("1.2.3", "PAT-17")) == "OriginalStudy()"
