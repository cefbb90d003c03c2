import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from deid_node.errors import CleaningError, MalformedDataset, Undecodable
from deid_node.pixeldata.fragments import Encapsulation, joined, split
from deid_node.pixeldata.writers import put_encapsulated

ITEM = b"\xfe\xff\x00\xe0"
SOI = b"\xff\xd8\xff\xe0"


def item(content: bytes) -> bytes:
    return ITEM + struct.pack("<L", len(content)) + content


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=6), st.booleans())
def test_frames_come_back_in_order(frames: list[bytes], extended: bool) -> None:
    encapsulation = Encapsulation(len(frames), extended=extended, scratch_dir=None)
    for frame in frames:
        encapsulation.add(frame)

    content = encapsulation.content()

    groups = split(content, len(frames), encapsulation.offsets if extended else ())

    assert [joined(content, group)[: len(f)] for group, f in zip(groups, frames, strict=True)] == (
        frames
    )
    assert len(encapsulation.lengths) == len(frames)


@given(st.binary(max_size=64), st.integers(1, 3))
def test_any_bytes_are_split_or_refused(content: bytes, frames: int) -> None:
    try:
        groups = split(content, frames)
    except CleaningError:
        return
    assert len(groups) == frames


def test_a_frame_in_pieces_is_joined_by_its_offset_table() -> None:
    table = struct.pack("<2L", 0, 20)
    content = item(table) + item(b"ab") + item(b"cd") + item(b"ef")

    one, two = split(content, 2)

    assert (joined(content, one), joined(content, two)) == (b"abcd", b"ef")


def test_without_a_table_a_frame_begins_where_a_codestream_begins() -> None:
    content = item(b"") + item(SOI + b"1") + item(b"23") + item(SOI + b"4")

    one, two = split(content, 2)

    assert joined(content, one) == SOI + b"123"
    assert joined(content, two) == SOI + b"4"


@pytest.mark.parametrize("entries", [1, 3])
def test_a_table_of_zeros_says_nothing(entries: int) -> None:
    frames = [SOI + b"1", SOI + b"23", SOI + b"4567"]
    content = item(bytes(4 * entries)) + b"".join(map(item, frames))

    for extended in ((), (0,) * 3):
        assert [joined(content, group) for group in split(content, 3, extended)] == frames


def test_a_table_of_zeros_leaves_it_to_the_codestreams() -> None:
    content = item(bytes(8)) + item(SOI + b"1") + item(b"23") + item(SOI + b"4")

    one, two = split(content, 2)

    assert (joined(content, one), joined(content, two)) == (SOI + b"123", SOI + b"4")


@pytest.mark.parametrize(
    ("content", "frames", "error"),
    [
        (b"", 1, Undecodable),
        (item(b""), 1, Undecodable),
        (item(b"") + ITEM + struct.pack("<L", 99) + b"ab", 1, Undecodable),
        (item(b"") + item(b"ab") + b"\x01\x02\x03\x04", 1, Undecodable),
        (item(b"") + item(b"ab"), 2, Undecodable),
        (item(b"") + item(b"ab") + item(b"cd") + item(b"ef"), 2, Undecodable),
        (item(b"") + item(SOI) + item(SOI) + item(SOI), 2, MalformedDataset),
        (item(b"") + item(SOI) + item(SOI) + item(SOI), 1, MalformedDataset),
        (item(bytes(4)) + item(SOI) + item(SOI), 1, MalformedDataset),
        (
            item(struct.pack("<2L", 0, 24)) + item(SOI) + item(SOI) + item(b"xy"),
            2,
            MalformedDataset,
        ),
        (item(struct.pack("<2L", 0, 10)) + item(b"ab") + item(b"cd"), 1, MalformedDataset),
        (item(struct.pack("<2L", 0, 9)) + item(b"ab") + item(b"cd"), 2, Undecodable),
        (item(struct.pack("<2L", 10, 0)) + item(b"ab") + item(b"cd"), 2, Undecodable),
        (item(b"abc") + item(b"ab") + item(b"cd"), 2, Undecodable),
    ],
    ids=[
        *("empty", "no-fragment", "length-lies", "garbage-behind", "too-few", "cannot-tell"),
        *("too-many", "too-many-for-one", "too-many-beside-a-table", "too-many-for-the-second"),
        *("table-longer", "offset-between", "offsets-backwards", "odd-table"),
    ],
)
def test_what_contradicts_itself_is_refused(
    content: bytes, frames: int, error: type[CleaningError]
) -> None:
    with pytest.raises(error):
        split(content, frames)


def test_bytes_behind_the_delimiter_are_not_overlooked() -> None:
    end = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"

    assert split(item(b"") + item(b"ab") + end, 1)
    with pytest.raises(Undecodable):
        split(item(b"") + item(b"ab") + end + b"hidden", 1)


def test_a_length_that_told_of_other_codestreams_is_not_kept() -> None:
    dataset = Dataset()
    dataset.EncapsulatedPixelDataValueTotalLength = 100
    encapsulation = Encapsulation(1, extended=False, scratch_dir=None)
    encapsulation.add(b"\xff\xd8\xff\xd9")

    put_encapsulated(dataset, encapsulation)

    assert [element.keyword for element in dataset] == ["PixelData"]
