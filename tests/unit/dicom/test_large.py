"""What is too large for memory is checked as well as what is held, and is the same in the end."""

import tracemalloc
import zlib
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from deid_node.dicom import part10
from deid_node.dicom.bulk import Bulk
from deid_node.dicom.silence import silenced
from deid_node.errors import IdentifierLeft, MalformedDataset
from deid_node.leaks.check import LeakCheck
from tests.unit.dicom.test_part10 import encoded, header

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defer every value of more than eight bytes."""
    monkeypatch.setattr(part10, "LARGE_BYTES", 8)


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize(
    ("syntax", "undefined_lengths"),
    [
        (ExplicitVRLittleEndian, True),
        (ImplicitVRLittleEndian, False),
        (ExplicitVRBigEndian, False),
    ],
)
def test_what_is_large_breaks_off_no_less_than_what_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, syntax: str, undefined_lengths: bool
) -> None:
    content = encoded(syntax, undefined_lengths=undefined_lengths)
    path = tmp_path / "cut.dcm"

    def taken() -> list[int]:
        lengths = []
        for length in range(1, len(content)):
            path.write_bytes(header(syntax) + content[:length])
            try:
                part10.read(path)
            except MalformedDataset:
                continue
            lengths.append(length)
        return lengths

    with silenced():
        deferred = taken()
        monkeypatch.setattr(part10, "LARGE_BYTES", 1 << 20)
        held = taken()

    assert deferred == held


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_only_pixels_stay_in_the_file(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "whole.dcm"
    path.write_bytes(header(syntax) + encoded(syntax, undefined_lengths=False))

    dataset = part10.read(path)

    assert isinstance(dataset.PixelData, Bulk)
    vr = "OW" if syntax == ImplicitVRLittleEndian else "OB"
    assert vr == dataset["PixelData"].VR
    assert dataset.ContentSequence[1].TextValue.endswith("cut")
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize(
    "content",
    [
        encapsulate([bytes([n]) * 40 for n in range(3)]),
        # A delimiter inside a fragment is none.
        encapsulate([b"\xfe\xff\xdd\xe0\x00\x00\x00\x00" * 4]),
        # Not of items: the library looks for the delimiter instead.
        b"\xfe\xff\x00\xe0\x04\x00\x00\x00abcd" + b"stray bytes.",
    ],
    ids=["frames", "delimiter-inside", "not-of-items"],
)
def test_what_is_of_undefined_length_ends_where_the_library_ends_it(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "encapsulated.dcm"
    dataset = Dataset()
    dataset.add_new("PixelData", "OB", content)
    dataset["PixelData"].is_undefined_length = True
    dataset.add_new("DataSetTrailingPadding", "OB", bytes(12))
    written = path.with_suffix(".dataset")
    dataset.save_as(written, implicit_vr=False, little_endian=True)
    path.write_bytes(header(RLELossless) + written.read_bytes())

    read = part10.read(path)

    with silenced():
        theirs = dcmread(path)
    assert read.PixelData[:] == theirs.PixelData
    assert read["PixelData"].is_undefined_length
    assert read.DataSetTrailingPadding == bytes(12)


def test_a_large_value_that_claims_more_than_the_file_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "lies.dcm"
    element = b"\xe0\x7f\x10\x00OB\x00\x00" + (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(header(ExplicitVRLittleEndian) + element + b"ten bytes.")

    with pytest.raises(MalformedDataset):
        part10.read(path)


@pytest.mark.parametrize("place", [0, (1 << 24) - 3, (1 << 24) + 5_000_000])
def test_a_name_in_pixels_that_stay_in_the_file_is_found(tmp_path: Path, place: int) -> None:
    """Also where it lies across the border of two pieces."""
    path = tmp_path / "leak.dcm"
    original = Dataset()
    original.PatientName = "Featherstonehaugh^Quentin"
    pixels = bytearray(24 << 20)
    pixels[place : place + 17] = b"Featherstonehaugh"
    cleaned = Dataset()
    cleaned.add_new("PixelData", "OB", bytes(pixels))
    cleaned.save_as(path, implicit_vr=False, little_endian=True)
    path.write_bytes(header(ExplicitVRLittleEndian) + path.read_bytes())
    written = part10.read(path)

    assert isinstance(written.PixelData, Bulk)
    with pytest.raises(IdentifierLeft, match="PixelData"):
        LeakCheck().check(original, written)


def deflated_file(path: Path, plain: bytes) -> None:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    content = deflater.compress(plain) + deflater.flush()
    path.write_bytes(
        header(DeflatedExplicitVRLittleEndian) + content + b"\x00" * (len(content) % 2)
    )


def test_a_large_deflated_dataset_comes_back_and_is_written_again(tmp_path: Path) -> None:
    path, again = tmp_path / "deflated.dcm", tmp_path / "again.dcm"
    pixels = np.random.default_rng(1).integers(0, 4, 10 << 20, dtype=np.uint8).tobytes()
    element = b"\xe0\x7f\x10\x00OB\x00\x00" + len(pixels).to_bytes(4, "little")
    head = encoded(ExplicitVRLittleEndian, undefined_lengths=False, without=[BaseTag(0x7FE00010)])
    deflated_file(path, head + element + pixels)

    dataset = part10.read(path, scratch_dir=tmp_path)
    part10.write(dataset, again)

    assert isinstance(dataset.PixelData, Bulk)
    assert dataset.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    theirs = dcmread(again)
    assert theirs.PixelData == pixels
    assert theirs.PatientName == "Doe^Jane"
    assert again.stat().st_size < len(pixels) / 2
    assert sorted(tmp_path.iterdir()) == [again, path]


def test_a_deflated_file_that_breaks_off_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    deflated_file(path, encoded(ExplicitVRLittleEndian, undefined_lengths=False))
    path.write_bytes(path.read_bytes()[:-6])

    with silenced(), pytest.raises(MalformedDataset):
        part10.read(path)


def test_a_deflated_bomb_is_refused_in_seconds_and_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.dcm"
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    zeros = bytes(1 << 24)
    content = b"".join(deflater.compress(zeros) for _ in range(32)) + deflater.flush()
    path.write_bytes(header(DeflatedExplicitVRLittleEndian) + content)
    started = process_time()

    tracemalloc.start()
    with pytest.raises(MalformedDataset, match="belief"):
        part10.read(path, scratch_dir=tmp_path)
    _, height = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert process_time() - started < 20
    assert height < 40 << 20
    assert list(tmp_path.iterdir()) == [path]
