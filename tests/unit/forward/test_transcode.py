"""Datasets in another encoding: the same pixels, described as they are now."""

import dataclasses
import errno
import io
import shutil
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread, examples
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate_extended
from pydicom.filereader import read_dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from deid_node.dicom import part10
from deid_node.dicom.bulk import LARGE_BYTES, Bulk, file_at
from deid_node.dicom.silence import silenced
from deid_node.errors import CleaningError, SpoolFull, TranscodingDiffers
from deid_node.forward import transcode
from deid_node.forward.transcode import Transcoder, Untranscodable, encoded
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.writers import DecodedWriter
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import BlobFiles
from tests.builders.samples import SHARED
from tests.fakes.peer_parcels import a_parcel
from tests.unit.pixeldata.instances import (
    BASELINE,
    DEFLATED,
    EXPLICIT,
    EXTENDED,
    HTJ2K,
    IMPLICIT,
    J2K,
    J2K_LOSSY,
    JLS,
    JLS_NEAR,
    LOSSLESS,
    RLE,
    SV1,
    UNCOMPRESSED,
    Kind,
    instance,
    noise,
)
from tests.wire.corpus import pydicom_files

TARGETS = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]

KINDS = [
    Kind(IMPLICIT),
    Kind(EXPLICIT, "RGB", planar=1),
    Kind(DEFLATED, "MONOCHROME2", 16, 12, signed=True),
    Kind(RLE, "RGB", 16, 16),
    Kind(RLE, "YBR_FULL", planar=1),
    Kind(JLS, "MONOCHROME2", 16, 12, signed=True),
    Kind(J2K, "YBR_RCT"),
    Kind(SV1, "RGB"),
    Kind(LOSSLESS, "MONOCHROME2", 16, 14),
    Kind(HTJ2K, "MONOCHROME2", 16, 16),
    Kind(UNCOMPRESSED, "RGB", planar=1),
]
LOSSY = [
    Kind(BASELINE),
    Kind(BASELINE, "YBR_FULL_422"),
    Kind(EXTENDED, "MONOCHROME2", 16, 12),
    Kind(JLS_NEAR),
    Kind(J2K_LOSSY, "YBR_ICT"),
]


def _written(dataset: Dataset, path: Path) -> Path:
    dataset.file_meta.ImplementationClassUID = UID("1.2.3")
    part10.write(dataset, path)
    return path


def _received(content: Bulk, target: str) -> Dataset:
    """Return the dataset as an archive reads what came in `target`."""
    content.seek(0)
    plain = io.BytesIO(content.read())
    dataset = read_dataset(plain, target == ImplicitVRLittleEndian, True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(target)
    return dataset


def _values(dataset: Dataset) -> tuple[str, NDArray[np.generic]]:
    frames = Frames(dataset, "PixelData")
    return frames.layout.photometric, np.stack(
        [values_of(words, frames.layout) for words in frames]
    )


def _is_mixed(dataset: Dataset) -> bool:
    """Return whether elements lack the VR that the transfer syntax gives them: never sealed so."""
    implicit, _ = dataset.original_encoding
    return not implicit and any(element.VR is None for _, element in dataset.items())


def _unlike(paths: Sequence[Path], folder: Path) -> tuple[int, list[str]]:
    """Return how many of `paths` have frames, and those that do not arrive with the same ones."""
    count, unlike = 0, []
    with silenced():
        for path in paths:
            try:
                sealed = part10.read(path)
                before = _values(sealed)
            # What the corridor cannot read is never sealed.
            except (CleaningError, KeyError, OSError):
                continue
            if sealed.file_meta.TransferSyntaxUID == ExplicitVRBigEndian or _is_mixed(sealed):
                continue
            count += 1
            for target in TARGETS:
                try:
                    after = _values(_received(encoded(file_at(path), target, folder), target))
                except Untranscodable:
                    unlike.append(f"{path.name}: not sent")
                    continue
                if before[0] != after[0] or not np.array_equal(before[1], after[1]):
                    unlike.append(f"{path.name}: {before[0]} as {after[0]}")
    return count, unlike


@pytest.mark.req("REQ-FW-06")
def test_every_example_of_the_library_arrives_with_the_frames_of_the_corridor(
    tmp_path: Path,
) -> None:
    count, unlike = _unlike(pydicom_files(), tmp_path)

    assert unlike == []
    assert count > 50


@pytest.mark.shared
def test_every_file_of_the_zoo_arrives_with_the_frames_of_the_corridor(tmp_path: Path) -> None:
    count, unlike = _unlike(sorted((SHARED / "dicom_zoo").glob("*.dcm")), tmp_path)

    assert unlike == []
    assert count > 100


@pytest.mark.parametrize("target", TARGETS, ids=["explicit", "implicit"])
@pytest.mark.parametrize(
    ("name", "photometric"),
    [
        ("rgb_color", "RGB"),
        ("palette_color", "PALETTE COLOR"),
        ("jpeg2k", "RGB"),
        ("ct", "MONOCHROME2"),
    ],
)
def test_decoded_values_come_out_bit_for_bit(
    tmp_path: Path, name: str, photometric: str, target: UID
) -> None:
    path = Path(examples.get_path(name))
    before = dcmread(path)

    after = _received(encoded(file_at(path), target, tmp_path), target)

    assert after.PhotometricInterpretation == photometric
    assert after.SOPInstanceUID == before.SOPInstanceUID
    assert np.array_equal(pixel_array(after, raw=True), pixel_array(before, raw=True))


def test_the_chroma_of_a_lossy_jpeg_arrives_as_the_colours_that_the_corridor_saw(
    tmp_path: Path,
) -> None:
    path = Path(examples.get_path("ybr_color"))
    sealed = part10.read(path)

    after = _received(encoded(file_at(path), EXPLICIT, tmp_path), EXPLICIT)

    assert (after.PhotometricInterpretation, after.PlanarConfiguration) == ("RGB", 0)
    assert np.array_equal(pixel_array(after, raw=True), np.stack(list(Frames(sealed, "PixelData"))))


@pytest.mark.parametrize("target", TARGETS, ids=["explicit", "implicit"])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("kind", KINDS + LOSSY, ids=str)
def test_an_archive_reads_what_the_attributes_say(
    tmp_path: Path, kind: Kind, frames: int, target: UID
) -> None:
    path = _written(instance(noise(kind, frames=frames), kind), tmp_path / "sealed.dcm")
    photometric, before = _values(part10.read(path))

    after = _received(encoded(file_at(path), target, tmp_path), target)

    assert after.PhotometricInterpretation == photometric
    assert "ExtendedOffsetTable" not in after
    # The library's own reader, by the attributes alone.
    assert np.array_equal(pixel_array(after, raw=True).reshape(before.shape), before)
    stated = after.Rows * after.Columns * after.SamplesPerPixel * after.BitsAllocated // 8
    assert len(after.PixelData) == stated * frames + stated * frames % 2


@pytest.mark.parametrize("kind", LOSSY, ids=str)
def test_what_was_compressed_with_loss_says_so_after_it_is_decoded(
    tmp_path: Path, kind: Kind
) -> None:
    path = _written(instance(noise(kind, frames=1), kind), tmp_path / "sealed.dcm")

    after = _received(encoded(file_at(path), EXPLICIT, tmp_path), EXPLICIT)

    assert after.LossyImageCompression == "01"
    assert float(after.LossyImageCompressionRatio) >= 1
    assert after.LossyImageCompressionMethod in {"ISO_10918_1", "ISO_14495_1", "ISO_15444_1"}


def test_a_history_of_losses_stays_as_it_was_told(tmp_path: Path) -> None:
    dataset = instance(noise(Kind(BASELINE), frames=1), Kind(BASELINE))
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionRatio = [2.5, 10]
    dataset.LossyImageCompressionMethod = ["ISO_15444_1", "ISO_10918_1"]
    path = _written(dataset, tmp_path / "sealed.dcm")

    after = _received(encoded(file_at(path), EXPLICIT, tmp_path), EXPLICIT)

    assert after.LossyImageCompressionRatio == [2.5, 10]
    assert after.LossyImageCompressionMethod == ["ISO_15444_1", "ISO_10918_1"]


def test_no_offset_table_is_left_beside_native_pixels(tmp_path: Path) -> None:
    kind = Kind(RLE)
    dataset = instance(noise(kind, frames=3), kind)
    frames = Frames(dataset, "PixelData")
    pixels, offsets, lengths = encapsulate_extended([frames.codestream(n) for n in range(3)])
    dataset["PixelData"] = DataElement(0x7FE00010, "OB", pixels, is_undefined_length=True)
    dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
    dataset.EncapsulatedPixelDataValueTotalLength = len(pixels)
    path = _written(dataset, tmp_path / "sealed.dcm")

    after = _received(encoded(file_at(path), EXPLICIT, tmp_path), EXPLICIT)

    assert [element.keyword for element in after if element.tag.group == 0x7FE0] == ["PixelData"]


def test_an_object_without_pixels_is_brought_into_the_other_encoding(tmp_path: Path) -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    del dataset.PixelData
    path = _written(dataset, tmp_path / "sealed.dcm")

    after = _received(encoded(file_at(path), IMPLICIT, tmp_path), IMPLICIT)

    assert after == dataset


def test_big_endian_is_not_turned(tmp_path: Path) -> None:
    kind = Kind(ExplicitVRBigEndian, "MONOCHROME2", 16, 16)
    path = _written(instance(noise(kind, frames=1), kind), tmp_path / "sealed.dcm")

    with pytest.raises(Untranscodable):
        encoded(file_at(path), EXPLICIT, tmp_path)


@pytest.mark.req("REQ-FW-06")
@pytest.mark.parametrize("number", [0, 2], ids=["first", "last"])
def test_one_sample_that_differs_stops_the_whole_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    kind = Kind(RLE, "MONOCHROME2", 16, 12)
    path = _written(instance(noise(kind, frames=3), kind), tmp_path / "sealed.dcm")
    put = DecodedWriter.put

    def astray(self: DecodedWriter, index: int, words: NDArray[np.uint16]) -> None:
        changed = words.copy()
        changed[-1, -1] ^= index == number
        put(self, index, changed)

    monkeypatch.setattr(DecodedWriter, "put", astray)

    with pytest.raises(TranscodingDiffers):
        encoded(file_at(path), EXPLICIT, tmp_path)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PhotometricInterpretation", "YBR_FULL"),
        ("PlanarConfiguration", 1),
        ("PixelRepresentation", 1),
        ("BitsStored", 7),
    ],
)
def test_pixels_that_are_described_otherwise_than_they_are_do_not_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyword: str, value: str | int
) -> None:
    kind = Kind(RLE, "RGB")
    path = _written(instance(noise(kind, frames=1), kind), tmp_path / "sealed.dcm")
    write = DecodedWriter.write

    def astray(self: DecodedWriter, dataset: Dataset) -> None:
        write(self, dataset)
        setattr(dataset, keyword, value)

    monkeypatch.setattr(DecodedWriter, "write", astray)

    with pytest.raises(TranscodingDiffers):
        encoded(file_at(path), EXPLICIT, tmp_path)


def _cine(folder: Path, *, frames: int) -> Path:
    """Write a cine of frames of half a megabyte that compress well."""
    kind = Kind(RLE, "MONOCHROME2", 16, 12)
    values = np.zeros((1, 512, 512), np.uint16)
    one = Frames(instance(values, kind), "PixelData").codestream(0)
    dataset = instance(values, kind)
    dataset.NumberOfFrames = frames
    pixels, _, _ = encapsulate_extended([one] * frames)
    dataset["PixelData"] = DataElement(0x7FE00010, "OB", pixels, is_undefined_length=True)
    return _written(dataset, folder / f"{frames}.dcm")


def test_memory_does_not_grow_with_the_frames(tmp_path: Path) -> None:
    peaks = []
    # Both lie in a file once they are decoded.
    for frames in (20, 80):
        file = file_at(_cine(tmp_path, frames=frames))
        tracemalloc.start()
        content = encoded(file, EXPLICIT, tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(content) > frames * 512 * 512 * 2 > LARGE_BYTES

    assert peaks[1] < peaks[0] + 4 * 512 * 512


def test_a_large_cine_comes_back_from_the_process_and_leaves_no_file(tmp_path: Path) -> None:
    path = _cine(tmp_path, frames=20)
    transcoder = Transcoder(time_limit_seconds=60)
    try:
        content = transcoder.transcoded(path, EXPLICIT)
    finally:
        transcoder.close()

    assert content[:] == encoded(file_at(path), EXPLICIT, tmp_path)[:]
    assert len(_received(content, EXPLICIT).PixelData) == 20 * 512 * 512 * 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_decoder_that_dies_costs_one_instance_and_not_the_transcoder(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=RLELossless)
    transcoder = Transcoder(time_limit_seconds=60)
    first = transcoder.transcoded(parcel.path, ExplicitVRLittleEndian)
    assert transcoder._worker is not None
    transcoder._worker[0].kill()
    transcoder._worker[0].join()

    with pytest.raises(Untranscodable):
        transcoder.transcoded(parcel.path, ExplicitVRLittleEndian)

    assert transcoder.transcoded(parcel.path, ExplicitVRLittleEndian)[:] == first[:]
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


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TranscodingDiffers(), TranscodingDiffers),
        (OSError(errno.ENOSPC, "no room"), SpoolFull),
        (OSError(errno.ENOENT, "gone"), Untranscodable),
        (ValueError("anything"), Untranscodable),
    ],
    ids=["differs", "full", "gone", "anything"],
)
def test_what_became_of_it_is_told_across_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: type[Exception]
) -> None:
    def failing(*_: object) -> Bulk:
        raise raised

    monkeypatch.setattr(transcode, "encoded", failing)
    parcel = a_parcel(tmp_path, transfer_syntax=RLELossless)

    told, content = transcode._made(BlobFiles(), parcel.path, ExplicitVRLittleEndian)

    assert len(content) == 0
    with pytest.raises(expected):
        transcode._raise_unless_done(told)


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

    assert content[:] == encoded(file_at(plain), ImplicitVRLittleEndian, tmp_path)[:]
