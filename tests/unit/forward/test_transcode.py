"""Datasets in another encoding: the same pixels, described as they are now."""

import dataclasses
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread, examples
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from deid_node.dicom.bulk import file_at
from deid_node.forward.dimse.transcode import (
    Transcoder,
    Untranscodable,
    _require_described,
    encoded,
)
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import BlobFiles
from tests.fakes.peer_parcels import a_parcel

TARGETS = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


@pytest.mark.parametrize("target", TARGETS, ids=["explicit", "implicit"])
@pytest.mark.parametrize(
    ("name", "photometric"),
    [
        ("ybr_color", "YBR_FULL"),
        ("rgb_color", "RGB"),
        ("palette_color", "PALETTE COLOR"),
        ("jpeg2k", "RGB"),
        ("ct", "MONOCHROME2"),
    ],
)
def test_decoded_values_come_out_bit_for_bit(name: str, photometric: str, target: UID) -> None:
    path = Path(examples.get_path(name))
    before = dcmread(path)

    content = encoded(file_at(path), target)

    after = read_dataset(io.BytesIO(content), target == ImplicitVRLittleEndian, True)
    after.file_meta = FileMetaDataset()
    after.file_meta.TransferSyntaxUID = target
    assert after.PhotometricInterpretation == photometric
    assert after.SOPInstanceUID == before.SOPInstanceUID
    assert np.array_equal(pixel_array(after, raw=True), pixel_array(before, raw=True))


@pytest.mark.parametrize(
    ("bits", "frames", "length"), [(8, 1, 12), (8, None, 12), (16, 2, 48), (1, 3, 6), (1, 1, 2)]
)
def test_pixels_of_another_length_than_described_are_not_sent(
    bits: int, frames: int | None, length: int
) -> None:
    dataset = Dataset()
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 3, 4, 1
    dataset.BitsAllocated, dataset.NumberOfFrames = bits, frames
    dataset.PixelData = bytes(length)
    _require_described(dataset)

    dataset.PixelData = bytes(length + 2)

    with pytest.raises(Untranscodable):
        _require_described(dataset)


def test_a_decoder_that_dies_costs_one_instance_and_not_the_transcoder(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=RLELossless)
    transcoder = Transcoder(time_limit_seconds=60)
    first = transcoder.transcoded(parcel.path, ExplicitVRLittleEndian)
    assert transcoder._worker is not None
    transcoder._worker[0].kill()
    transcoder._worker[0].join()

    with pytest.raises(Untranscodable):
        transcoder.transcoded(parcel.path, ExplicitVRLittleEndian)

    assert transcoder.transcoded(parcel.path, ExplicitVRLittleEndian) == first
    transcoder.close()
    assert transcoder._worker is None


def test_a_decoder_that_does_not_end_is_killed(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=RLELossless)
    transcoder = Transcoder(time_limit_seconds=0)

    with pytest.raises(Untranscodable):
        transcoder.transcoded(parcel.path, ExplicitVRLittleEndian)

    assert transcoder._worker is None


def test_a_file_that_cannot_be_read_is_untranscodable(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=RLELossless)
    moved = dataclasses.replace(parcel, path=tmp_path / "moved.dcm")
    shutil.move(parcel.path, tmp_path / "elsewhere.dcm")
    transcoder = Transcoder(time_limit_seconds=60)

    with pytest.raises(Untranscodable):
        transcoder.transcoded(moved.path, ExplicitVRLittleEndian)

    transcoder.close()


def test_an_encrypted_file_is_transcoded_as_it_is_in_the_clear(tmp_path: Path) -> None:
    plain = a_parcel(tmp_path, transfer_syntax=RLELossless).path
    veiled = tmp_path / "veiled"
    files = BlobFiles(SpoolKey(bytes(range(32))), encrypts=True)
    file = files.create(veiled)
    file.write(plain.read_bytes())
    file.finish()

    transcoder = Transcoder(files, time_limit_seconds=60)
    try:
        content = transcoder.transcoded(veiled, ImplicitVRLittleEndian)
    finally:
        transcoder.close()

    assert content == encoded(file_at(plain), ImplicitVRLittleEndian)
