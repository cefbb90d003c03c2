"""Files that lack preamble or file meta information are cleaned as those that have them."""

from io import BytesIO
from pathlib import Path
from struct import unpack_from

import pytest
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from deid_node.dicom.bare import whole
from deid_node.dicom.bulk import Bulk, Memory
from deid_node.errors import NotDicom, RepeatedTag
from tests.builders.samples import packaged
from tests.unit.pipeline.test_corridor import a_corridor, an_order, cleaned, withheld

SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


def _sample(syntax: UID) -> Dataset:
    dataset = dcmread(packaged("CT_small.dcm"))
    dataset.decode()
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = dataset.pixel_array.astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _part10(dataset: Dataset) -> bytes:
    meta = DicomBytesIO()
    meta.is_implicit_VR, meta.is_little_endian = False, True
    write_file_meta_info(meta, dataset.file_meta, enforce_standard=True)
    return b"\0" * 128 + b"DICM" + bytes(meta.getvalue()) + _without_meta(dataset)


def _without_meta(dataset: Dataset) -> bytes:
    syntax = dataset.file_meta.TransferSyntaxUID
    file = DicomBytesIO()
    file.is_implicit_VR = syntax == ImplicitVRLittleEndian
    file.is_little_endian = syntax != ExplicitVRBigEndian
    write_dataset(file, dataset)
    return bytes(file.getvalue())


def _bulk(content: bytes) -> Bulk:
    return Bulk(Memory(content), 0, len(content))


def _clean_bytes(folder: Path, content: bytes) -> bytes:
    folder.mkdir()
    (folder / "blob").write_bytes(content)
    order = an_order(folder, folder / "blob")
    cleaned(a_corridor(), order)
    return order.output.read_bytes()


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda one: one.name)
def test_without_file_meta_information_the_same_bytes_leave(tmp_path: Path, syntax: UID) -> None:
    dataset = _sample(syntax)

    result = _clean_bytes(tmp_path / "bare", _without_meta(dataset))

    assert result == _clean_bytes(tmp_path / "whole", _part10(dataset))
    assert dcmread(BytesIO(result)).file_meta.TransferSyntaxUID == syntax


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda one: one.name)
def test_without_a_preamble_the_same_bytes_leave(tmp_path: Path, syntax: UID) -> None:
    content = _part10(_sample(syntax))

    result = _clean_bytes(tmp_path / "bare", content[132:])

    assert result == _clean_bytes(tmp_path / "whole", content)


def test_a_part_10_file_is_handed_on_as_it_is() -> None:
    content = _bulk(packaged("CT_small.dcm").read_bytes())

    assert whole(content) is content


def test_a_large_file_is_not_read_to_be_put_behind_its_header(tmp_path: Path) -> None:
    dataset = _sample(ExplicitVRLittleEndian)
    bare = _without_meta(dataset)
    read: list[int] = []

    class Watched(Memory):
        def read_at(self, place: int, size: int) -> bytes:
            read.append(size)
            return super().read_at(place, size)

    joined = whole(Bulk(Watched(bare), 0, len(bare)))

    # Its beginning and the headers of its elements; not the pixels.
    assert max(read) <= 1 << 16
    assert joined[:132] == b"\0" * 128 + b"DICM"
    assert joined[len(joined) - len(bare) :] == bare


def test_compressed_pixels_of_which_nobody_says_how_are_withheld(tmp_path: Path) -> None:
    dataset = dcmread(packaged("MR_small_RLE.dcm"))
    assert dataset.file_meta.TransferSyntaxUID == RLELossless
    dataset["PixelData"].is_undefined_length = True
    (tmp_path / "blob").write_bytes(_without_meta(dataset))
    order = an_order(tmp_path, tmp_path / "blob")

    assert withheld(a_corridor().clean(order), order) == "undecodable"


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID"])
def test_one_that_does_not_name_its_object_is_none(keyword: str) -> None:
    dataset = _sample(ImplicitVRLittleEndian)
    del dataset[keyword]

    with pytest.raises(NotDicom):
        whole(_bulk(_without_meta(dataset)))


def test_one_whose_tags_do_not_ascend_is_told_so() -> None:
    bare = _without_meta(_sample(ExplicitVRLittleEndian))

    (length,) = unpack_from("<H", bare, 6)
    first = bare[: 8 + length]

    with pytest.raises(RepeatedTag):
        whole(_bulk(first + bare))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08",
        b"# Notes\n\nNot an image at all, though it is a file of a study.\n",
        bytes(range(256)) * 4,
        _without_meta(_sample(ImplicitVRLittleEndian))[:-9],
        b"\x08\x00" * 3000,
    ],
    ids=["empty", "one byte", "text", "noise", "cut off", "a group and no more"],
)
def test_what_is_no_data_set_from_end_to_end_is_left_to_the_reader(
    tmp_path: Path, content: bytes
) -> None:
    given = _bulk(content)
    assert whole(given) is given

    (tmp_path / "blob").write_bytes(content)
    order = an_order(tmp_path, tmp_path / "blob")
    assert withheld(a_corridor().clean(order), order) == "not_dicom"
