"""Values that stay on disk are the bytes that they would be in memory."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from deid_node.dicom import bulk
from deid_node.dicom.bulk import LARGE_BYTES, Bulk, file_at, pieces
from deid_node.dicom.scratch import Scratch

CONTENT = np.random.default_rng(3).bytes(300)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Bulk:
    path = tmp_path_factory.mktemp("bulk") / "content"
    path.write_bytes(CONTENT)
    return file_at(path)


@given(start=st.integers(-320, 320), stop=st.integers(-320, 320))
def test_a_bulk_is_cut_like_bytes(file: Bulk, start: int, stop: int) -> None:
    assert file[start:stop] == CONTENT[start:stop]
    assert file.within(50, 100)[start:stop] == CONTENT[50:150][start:stop]


@given(sizes=st.lists(st.integers(0, 120), max_size=6), place=st.integers(0, 400))
def test_a_bulk_is_read_like_a_file(file: Bulk, sizes: list[int], place: int) -> None:
    like, own = io.BytesIO(CONTENT), file.within(0, len(file))

    assert own.seek(place) == like.seek(place)
    assert [own.read(size) for size in sizes] == [like.read(size) for size in sizes]
    assert own.tell() == like.tell()
    assert own.read() == like.read()


def test_a_bulk_outlives_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    held = file_at(path)

    path.unlink()

    assert held[:] == CONTENT


def test_a_bulk_closes_its_file_with_the_last_value_in_it(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    before = open_files()

    part = file_at(path).within(1, 2)
    during = open_files()
    del part

    assert (during, open_files()) == (before + 1, before)


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    held = file_at(path)

    path.write_bytes(CONTENT[:10])

    with pytest.raises(OSError, match="shorter"):
        held[:]


def test_pieces_are_the_whole(file: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_PIECE_BYTES", 7)

    assert b"".join(pieces(file, 5)) == b"".join(pieces(CONTENT, 5)) == CONTENT[5:]


@pytest.mark.parametrize("length", [10, LARGE_BYTES, LARGE_BYTES + 1])
def test_a_scratch_gives_back_what_was_put_wherever_it_lies(tmp_path: Path, length: int) -> None:
    scratch = Scratch(tmp_path)

    scratch.add(bytes(length - 4))
    scratch.add(b"tail")
    scratch.put(1, b"over")
    content = scratch.content(1)

    assert len(scratch) == length
    assert bytes(content[:5]) == b"over\x00"
    assert content[len(content) - 4 :] == scratch.part(length - 4, length) == b"tail"
    assert isinstance(content, Bulk) is (length > LARGE_BYTES)
    assert scratch.bulk(1)[:] == content[:]
    assert not list(tmp_path.iterdir())


def test_the_library_writes_a_bulk_as_it_writes_bytes(file: Bulk) -> None:
    written = []
    for value in (CONTENT, file.within(0, len(file))):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
        dataset.add_new("PixelData", "OB", value)
        buffer = io.BytesIO()
        dcmwrite(buffer, dataset, enforce_file_format=True)
        written.append(buffer.getvalue())

    assert written[0] == written[1]
