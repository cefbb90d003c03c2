"""Encrypted files give back what was written, by any way of writing and reading, or nothing."""

import io
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deid_node.dicom.bulk import file_at
from deid_node.spool import encryption
from deid_node.spool.encryption import (
    HEADER_BYTES,
    TAG_BYTES,
    EncryptedFile,
    EncryptedNewFile,
    SpoolKey,
    key_id_of,
)
from deid_node.spool.files import BlobFiles

KEY = SpoolKey(bytes(range(32)))
PIECE_BYTES = 16
STORED_BYTES = PIECE_BYTES + TAG_BYTES

contents = st.lists(st.binary(max_size=5 * PIECE_BYTES), max_size=6)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "PIECE_BYTES", PIECE_BYTES)
    monkeypatch.setattr(encryption, "_STORED_BYTES", STORED_BYTES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "blob"


def write(path: Path, pieces: Sequence[bytes], key: SpoolKey = KEY) -> bytes:
    path.unlink(missing_ok=True)
    file = EncryptedNewFile(path, key)
    for piece in pieces:
        assert file.write(piece) == len(piece)
    file.finish()
    return path.read_bytes()


def read(path: Path, key: SpoolKey = KEY) -> bytes:
    return BlobFiles(key).open(path)[:]


@settings(max_examples=300)
@given(contents, st.lists(st.tuples(st.integers(-200, 500), st.integers(-200, 500)), max_size=5))
def test_whatever_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], cuts: list[tuple[int, int]]
) -> None:
    path, whole = tmp_path_factory.getbasetemp() / "any", b"".join(pieces)
    write(path, pieces)

    content = BlobFiles(KEY).open(path)

    assert len(content) == len(whole)
    for start, stop in cuts:
        assert content[start:stop] == whole[start:stop]
    assert io.BufferedReader(content).read() == whole


@settings(max_examples=300)
@given(contents, st.data())
def test_a_changed_bit_anywhere_is_no_content(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed"
    stored = bytearray(write(path, pieces))
    # Behind the magic: without it, the file is not an encrypted one, and its sum is wrong.
    place = data.draw(st.integers(8, len(stored) - 1))
    stored[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(stored)

    with pytest.raises(OSError, match=r"not what was written|another key"):
        read(path)


@settings(max_examples=300)
@given(contents, st.data())
def test_a_file_that_is_cut_or_goes_on_is_refused_when_it_is_opened(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut"
    stored = write(path, pieces)
    length = data.draw(st.integers(8, len(stored) - 1))

    for other in (stored[:length], stored + stored[-length:]):
        path.write_bytes(other)

        with pytest.raises(OSError, match=r"breaks off|not what was written|another key"):
            BlobFiles(KEY).open(path)


def test_pieces_in_another_order_or_of_another_file_are_refused(path: Path) -> None:
    content = bytes(range(3 * PIECE_BYTES))
    stored, other = write(path, [content]), write(path, [content])
    places = [HEADER_BYTES + number * STORED_BYTES for number in range(3)]
    first, second = (stored[place : place + STORED_BYTES] for place in places[:2])

    swapped = stored[:HEADER_BYTES] + second + first + stored[places[2] :]
    strange = stored[:HEADER_BYTES] + other[HEADER_BYTES : places[1]] + stored[places[1] :]
    headed = other[:HEADER_BYTES] + stored[HEADER_BYTES:]
    for mixed in (swapped, strange, headed):
        path.write_bytes(mixed)
        with pytest.raises(OSError, match="not what was written"):
            read(path)


def test_the_same_content_gives_another_file_each_time(path: Path) -> None:
    content = b"DOE^JANE" * 20

    files = [write(path, [content]) for _ in range(2)]

    pieces = {
        stored[place : place + STORED_BYTES]
        for stored in files
        for place in range(HEADER_BYTES, len(stored), STORED_BYTES)
    }
    assert len(pieces) == 20
    assert not any(b"DOE^JANE" in stored for stored in files)


def test_a_file_says_which_key_it_wants_and_no_other_opens_it(path: Path) -> None:
    stored = write(path, [b"content"])
    other = SpoolKey(bytes(32))

    assert key_id_of(stored) == KEY.id != other.id
    with pytest.raises(OSError, match="another key"):
        EncryptedFile(file_at(path), other)


def test_a_file_that_was_not_finished_cannot_be_read(path: Path) -> None:
    file = EncryptedNewFile(path, KEY)
    file.write(bytes(3 * PIECE_BYTES))
    file.close()

    with pytest.raises(OSError, match="not what was written"):
        read(path)


def test_a_key_travels_to_a_worker_and_does_not_show_itself(path: Path) -> None:
    write(path, [b"content"])

    files = pickle.loads(pickle.dumps(BlobFiles(KEY, encrypts=True)))  # noqa: S301

    assert files.open(path)[:] == b"content"
    assert bytes(range(32)).hex() not in repr(files)
    assert repr(bytes(range(32))) not in repr(files)


def test_nothing_is_encrypted_without_a_key() -> None:
    with pytest.raises(ValueError, match="without a key"):
        BlobFiles(encrypts=True)


def test_a_file_is_for_its_owner_alone_and_never_written_over(path: Path) -> None:
    before = os.umask(0)
    try:
        write(path, [b"content"])
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        EncryptedNewFile(path, KEY)
