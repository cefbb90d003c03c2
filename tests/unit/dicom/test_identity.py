"""Which object it is and whose is read from the first elements, in every encoding."""

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deid_node.dicom.bulk import LARGE_BYTES
from deid_node.dicom.identity import Identity, identity_of
from deid_node.dicom.silence import silenced
from tests.builders.encoded import encoded
from tests.builders.samples import packaged


def instance() -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.PatientID = "PAT-17"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.3.1"
    dataset.Rows = 4
    return dataset


FOUND = Identity(
    frozenset({"1.2.840.10008.5.1.4.1.1.2"}), frozenset({"1.2.3.4"}), "1.2.3", "1.2.3.1", "PAT-17"
)


@pytest.mark.parametrize(
    "transfer_syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
def test_all_of_it_is_found_in_every_encoding(transfer_syntax: str) -> None:
    assert identity_of(encoded(instance(), transfer_syntax), transfer_syntax) == FOUND


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_sequences_and_long_values_before_it_are_stepped_over(syntax: str) -> None:
    dataset = instance()
    item = Dataset()
    item.StudyInstanceUID = item.SOPInstanceUID = "9.9"
    for keyword, is_delimited in (
        ("ReferencedStudySequence", True),
        ("ReferencedImageSequence", False),
    ):
        setattr(dataset, keyword, [item])
        dataset[keyword].is_undefined_length = is_delimited
    dataset.add_new(0x00091010, "UN", b"x" * 70_001)
    dataset.add_new(0x00091011, "OB", b"y" * 5)
    dataset.add_new(0x00091012, "UT", "z" * 70_000)

    assert identity_of(encoded(dataset, syntax), syntax) == FOUND


def test_what_is_not_there_is_empty() -> None:
    dataset = instance()
    del dataset.PatientID
    dataset.StudyInstanceUID = ""

    found = identity_of(encoded(dataset, ExplicitVRLittleEndian), ExplicitVRLittleEndian)

    assert (found.study_instance_uid, found.patient_id) == ("", "")


def test_nothing_behind_the_series_is_read() -> None:
    content = encoded(instance(), ExplicitVRLittleEndian)

    found = identity_of(content[:-4] + b"\xff\xff\xff\xff", ExplicitVRLittleEndian)

    assert found == FOUND


@pytest.mark.parametrize("content", [b"", b"\x10\x00", b"no dataset at all", b"\xff" * 64])
def test_what_cannot_be_read_names_nothing(content: bytes) -> None:
    for transfer_syntax in (
        ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian,
    ):  # fmt: skip
        assert identity_of(content, transfer_syntax) == Identity()


@pytest.mark.parametrize(
    ("character_set", "patient"),
    [("ISO_IR 192", "Bär-17"), ("ISO_IR 100", "Bär-17"), (["", "ISO 2022 IR 87"], "山田")],
    ids=["UTF-8", "Latin-1", "with escapes"],
)
def test_a_patient_is_spelled_in_the_character_set_that_is_told(
    character_set: str | list[str], patient: str
) -> None:
    dataset = instance()
    dataset.SpecificCharacterSet = character_set
    dataset.PatientID = patient

    found = identity_of(encoded(dataset, ExplicitVRLittleEndian), ExplicitVRLittleEndian)

    assert found.patient_id == patient


def test_of_an_unreadable_patient_the_rest_holds() -> None:
    dataset = instance()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    content = encoded(dataset, ExplicitVRLittleEndian).replace(b"PAT-17", b"PAT-\xff7")

    with silenced():
        found = identity_of(content, ExplicitVRLittleEndian)

    assert (found.study_instance_uid, found.sop_instance_uids) == ("1.2.3", frozenset({"1.2.3.4"}))


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "rtplan.dcm",
        "image_dfl.dcm", "reportsi.dcm", "UN_sequence.dcm", "nested_priv_SQ.dcm", "priv_SQ.dcm",
        "JPEG2000.dcm", "SC_rgb_rle_2frame.dcm",
    ],
)  # fmt: skip
def test_real_instances_say_what_the_library_reads(name: str) -> None:
    content = packaged(name).read_bytes()
    with silenced():
        whole = dcmread(packaged(name))
    start = 144 + whole.file_meta.FileMetaInformationGroupLength

    found = identity_of(content[start : start + LARGE_BYTES], whole.file_meta.TransferSyntaxUID)

    def told(keyword: str) -> str:
        return str(whole.get(keyword) or "").strip()

    assert found == Identity(
        frozenset({told("SOPClassUID")} - {""}),
        frozenset({told("SOPInstanceUID")} - {""}),
        told("StudyInstanceUID"),
        told("SeriesInstanceUID"),
        told("PatientID"),
    )


def test_no_identifier_shows_in_a_repr() -> None:
    assert repr(FOUND) == "Identity(sop_class_uids=frozenset({'1.2.840.10008.5.1.4.1.1.2'}))"
