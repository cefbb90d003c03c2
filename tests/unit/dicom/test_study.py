"""Study and series are read from the first elements, in every encoding."""

import pytest
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
)

from deid_node.dicom.study import Lineage, lineage_of
from tests.builders.encoded import ENCODINGS, encoded


def instance() -> Dataset:
    dataset = Dataset()
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.PatientID = "PAT-17"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.Rows = 4
    return dataset


@ENCODINGS
def test_study_and_series_are_found_in_every_encoding(transfer_syntax: str) -> None:
    dataset = instance()
    dataset.SeriesInstanceUID = "1.2.3.5"
    dataset.ReferencedStudySequence = [Dataset()]
    dataset.ReferencedStudySequence[0].StudyInstanceUID = "6.6"

    found = lineage_of(encoded(dataset, transfer_syntax), transfer_syntax)

    assert found == Lineage("1.2.3", "1.2.3.5")


def test_what_stands_before_a_break_is_known() -> None:
    dataset = instance()
    dataset.SeriesInstanceUID = "1.2.3.5"
    content = encoded(dataset, ExplicitVRLittleEndian)
    series_at = content.index(b"1.2.3.5")

    assert lineage_of(content[: series_at - 2], ExplicitVRLittleEndian) == Lineage("1.2.3", "")
    # The pixels of a picture do not come with its first bytes.
    assert lineage_of(content[:-1], ExplicitVRLittleEndian) == Lineage("1.2.3", "1.2.3.5")


@pytest.mark.parametrize("content", [b"", b"\x10\x00", b"no dataset at all", b"\xff" * 64])
def test_what_cannot_be_read_belongs_nowhere(content: bytes) -> None:
    for transfer_syntax in (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        assert lineage_of(content, transfer_syntax) == Lineage("", "")


def test_a_uid_that_is_none_belongs_nowhere() -> None:
    study = b"\x20\x00\x0d\x00UI\xc8\x00" + b"1" * 200
    series = b"\x20\x00\x0e\x00LO\x08\x00M\xc3\xbcller "

    assert lineage_of(study + series, ExplicitVRLittleEndian) == Lineage()


def test_no_identifier_shows_in_a_repr() -> None:
    assert repr(Lineage("1.2.3", "1.2.4")) == "Lineage()"
