"""Reading and the spool's header: a file that breaks off is never taken for a whole one."""

import errno
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, dcmread, dcmwrite
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid_node.dicom import part10
from deid_node.dicom.identity import identity_of, require_named
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
    sop_class = "1.2.840.10008.5.1.4.1.1.7"

    identity = identity_of(content, syntax)

    require_named(identity, sop_class_uid=sop_class, sop_instance_uid="1.2.3.4")
    with pytest.raises(DatasetMismatch):
        require_named(identity, sop_class_uid=sop_class, sop_instance_uid="1.2.3.5")
    with pytest.raises(DatasetUnreadable):
        require_named(
            identity_of(content[:40], syntax), sop_class_uid=sop_class, sop_instance_uid="1.2.3.4"
        )


def test_writing_puts_a_new_file_there_and_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "out.dcm"
    dataset = dcmread(packaged("CT_small.dcm"))

    part10.write(dataset, path)

    assert part10.read(path) == dataset
    with pytest.raises(FileExistsError):
        part10.write(dataset, path)


@pytest.mark.parametrize(("keyword", "vr", "value"), [("StudyID", "FD", "one"), ("Rows", "QQ", 1)])
def test_a_value_that_cannot_be_encoded_is_malformed_and_leaves_no_file(
    keyword: str, vr: str, value: object, tmp_path: Path
) -> None:
    dataset = dcmread(packaged("CT_small.dcm"))
    with silenced():
        dataset[keyword] = DataElement(keyword, "LO", "a value")
        dataset[keyword].VR = vr
        dataset[keyword]._value = value

        with pytest.raises(MalformedDataset) as caught:
            part10.write(dataset, tmp_path / "out.dcm")

    assert str(value) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


class FullDisk(BytesIO):
    """Takes a kilobyte."""

    def write(self, content: Any, /) -> int:
        if self.tell() + len(content) > 1024:
            raise OSError(errno.ENOSPC, "of the disk")
        return super().write(content)


@pytest.mark.req("REQ-RX-21")
def test_a_disk_that_fills_up_while_an_element_is_written_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pydicom names the element in an error of its own, which has lost the number."""
    monkeypatch.setattr(
        "deid_node.dicom.part10.dcmwrite",
        lambda _file, dataset, **options: dcmwrite(FullDisk(), dataset, **options),
    )

    with pytest.raises(OSError, match="of the disk") as caught:
        part10.write(dcmread(packaged("CT_small.dcm")), tmp_path / "out.dcm")

    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "of the disk"), MemoryError("nothing")])
def test_what_reading_lacks_is_not_blamed_on_the_file(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise fault

    monkeypatch.setattr("deid_node.dicom.part10.inflated", fail)

    with pytest.raises(type(fault)) as caught:
        part10.read(packaged("image_dfl.dcm"))

    assert caught.value is fault


def test_a_fault_of_the_library_without_a_number_is_the_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError("a value such as Mueller^Hans")

    monkeypatch.setattr("deid_node.dicom.part10.inflated", fail)

    with pytest.raises(MalformedDataset) as caught:
        part10.read(packaged("image_dfl.dcm"))

    assert "Mueller" not in str(caught.value)
