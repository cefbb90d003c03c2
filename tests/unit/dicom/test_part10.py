"""Reading and the spool's header: a file that breaks off is never taken for a whole one."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid_node.dicom import part10
from deid_node.dicom.silence import silenced
from deid_node.errors import (
    DatasetMismatch,
    DatasetUnreadable,
    MalformedDataset,
    NotDicom,
)
from tests.builders.samples import packaged

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


def a_dataset() -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.PatientName = "Doe^Jane"
    inner = Dataset()
    inner.CodeValue, inner.CodeMeaning = "1", "a meaning"
    outer = Dataset()
    outer.ConceptCodeSequence = Sequence([inner])
    outer.TextValue = "a text that is long enough to be cut"
    dataset.ContentSequence = Sequence([outer, outer])
    dataset.PixelData = bytes(64)
    return dataset


def encoded(
    syntax: str, *, undefined_lengths: bool, without: tuple[BaseTag, ...] | list[BaseTag] = ()
) -> bytes:
    dataset = a_dataset()
    dataset["PixelData"].VR = "OB"
    for tag in without:
        del dataset[tag]
    for element in dataset.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = undefined_lengths
    buffer = BytesIO()
    dataset.save_as(
        buffer,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )
    return buffer.getvalue()


def header(syntax: str) -> bytes:
    return part10.spool_header(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7",
        sop_instance_uid="1.2.3.4",
        transfer_syntax=syntax,
    )


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined_lengths", [False, True])
def test_a_whole_file_is_read(tmp_path: Path, syntax: str, undefined_lengths: bool) -> None:
    path = tmp_path / "whole.dcm"
    path.write_bytes(header(syntax) + encoded(syntax, undefined_lengths=undefined_lengths))

    dataset = part10.read(path)

    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert dataset.ContentSequence[1].TextValue.endswith("cut")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined_lengths", [False, True])
def test_a_file_that_breaks_off_anywhere_is_not_taken_for_whole(
    tmp_path: Path, syntax: str, undefined_lengths: bool
) -> None:
    """The library returns what it has: the rest of a plan would silently be missing."""
    content = encoded(syntax, undefined_lengths=undefined_lengths)
    path = tmp_path / "cut.dcm"
    ends = _element_ends(syntax, undefined_lengths=undefined_lengths)

    taken = []
    with silenced():
        for length in range(1, len(content)):
            path.write_bytes(header(syntax) + content[:length])
            try:
                part10.read(path)
            except MalformedDataset:
                continue
            taken.append(length)

    assert set(taken) <= ends


def _element_ends(syntax: str, *, undefined_lengths: bool) -> set[int]:
    """Where a top-level element ends: a file cut there is a whole, if shorter, dataset."""
    tags = list(a_dataset().keys())
    return {
        len(encoded(syntax, undefined_lengths=undefined_lengths, without=tags[count:]))
        for count in range(1, len(tags))
    }


def test_the_truncated_plan_that_ships_with_pydicom_is_malformed() -> None:
    part10.read(packaged("rtplan.dcm"))
    with silenced(), pytest.raises(MalformedDataset):
        part10.read(packaged("rtplan_truncated.dcm"))


@pytest.mark.parametrize("content", [b"", b"DICM", b"\x00" * 132, b"text" * 100])
def test_what_is_no_part_10_file_is_told_as_that(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)

    with silenced(), pytest.raises((NotDicom, MalformedDataset)):
        part10.read(path)


@given(uid=st.from_regex(r"[0-9.]{1,64}", fullmatch=True), syntax=st.sampled_from(SYNTAXES))
def test_the_spools_header_is_a_file_meta_that_pydicom_reads(uid: str, syntax: str) -> None:
    head = part10.spool_header(sop_class_uid=uid, sop_instance_uid=uid, transfer_syntax=syntax)

    with silenced():
        meta = dcmread(BytesIO(head + encoded(syntax, undefined_lengths=False))).file_meta

        assert meta.MediaStorageSOPInstanceUID == uid
    assert meta.TransferSyntaxUID == syntax
    assert meta.FileMetaInformationGroupLength == len(head) - 144


def test_a_uid_that_is_no_ascii_is_unreadable() -> None:
    with pytest.raises(DatasetUnreadable):
        part10.spool_header(sop_class_uid="1.2", sop_instance_uid="é", transfer_syntax="1.2")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_dataset_must_be_what_the_command_names(syntax: str) -> None:
    content = encoded(syntax, undefined_lengths=False)
    named = {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7", "transfer_syntax": syntax}

    part10.require_identity(content, sop_instance_uid="1.2.3.4", **named)
    with pytest.raises(DatasetMismatch):
        part10.require_identity(content, sop_instance_uid="1.2.3.5", **named)
    with pytest.raises(DatasetUnreadable):
        part10.require_identity(content[:40], sop_instance_uid="1.2.3.4", **named)


def test_writing_puts_a_new_file_there_and_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "out.dcm"
    dataset = dcmread(packaged("CT_small.dcm"))

    part10.write(dataset, path)

    assert part10.read(path) == dataset
    with pytest.raises(FileExistsError):
        part10.write(dataset, path)
