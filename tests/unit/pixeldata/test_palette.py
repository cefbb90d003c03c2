import numpy as np
import pytest
from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.palette import palette_of


def tables(first: int, bits: int, *columns: bytes, prefix: str = "") -> Dataset:
    dataset = Dataset()
    names = ("Red", "Green", "Blue")
    for name, content in zip(names, columns, strict=True):
        vr = "SS" if first < 0 else "US"
        tag = {"Red": 0x00281101, "Green": 0x00281102, "Blue": 0x00281103}[name]
        dataset.add_new(tag, vr, [4, first, bits])
        setattr(dataset, f"{prefix}{name}PaletteColorLookupTableData", content)
    return dataset


def words(*numbers: int, order: str = "<") -> bytes:
    return np.array(numbers, dtype=f"{order}u2").tobytes()


def test_sixteen_bit_tables_give_their_high_byte() -> None:
    column = words(0, 0x1200, 0xFF00, 0xFFFF)

    palette = palette_of(tables(0, 16, column, column, column), signed=False, big_endian=False)

    assert palette.colours[:, 0].tolist() == [0, 0x12, 0xFF, 0xFF]


def test_big_endian_tables_are_read_as_such() -> None:
    column = words(0, 0x1200, 0xFF00, 0xFFFF, order=">")

    palette = palette_of(tables(0, 16, column, column, column), signed=False, big_endian=True)

    assert palette.colours[:, 2].tolist() == [0, 0x12, 0xFF, 0xFF]


@pytest.mark.parametrize("content", [bytes([0, 5, 9, 255]), words(0, 5, 9, 255)])
def test_eight_bit_tables_may_stand_in_bytes_or_words(content: bytes) -> None:
    palette = palette_of(tables(0, 8, content, content, content), signed=False, big_endian=False)

    assert palette.colours[:, 1].tolist() == [0, 5, 9, 255]


def test_values_outside_take_the_nearest_end() -> None:
    content = bytes([10, 20, 30, 40])
    palette = palette_of(tables(-2, 8, content, content, content), signed=True, big_endian=False)

    shown = palette.rgb(np.array([[-9, -2, 1, 9]], dtype=np.int16))

    assert shown[0, :, 0].tolist() == [10, 10, 40, 40]


def test_segments_are_expanded() -> None:
    # A discrete entry, then a line to 300 over three entries.
    content = words(0, 1, 0, 1, 3, 0x3000)
    dataset = tables(0, 16, content, content, content, prefix="Segmented")

    palette = palette_of(dataset, signed=False, big_endian=False)

    assert palette.colours[:, 0].tolist() == [0, 0x10, 0x20, 0x30]


def test_values_of_one_colour_hide_their_difference() -> None:
    content = bytes([0, 0, 30, 40])
    palette = palette_of(tables(0, 8, content, content, content), signed=False, big_endian=False)

    assert palette.hides(np.array([[0, 1, 2]], dtype=np.uint8))
    assert not palette.hides(np.array([[0, 2, 3]], dtype=np.uint8))


@pytest.mark.parametrize(
    "dataset",
    [
        Dataset(),
        tables(0, 8, b"\x00\x01", b"\x00\x01", b"\x00\x01"),
        tables(0, 16, *[words(7, 1, 2, 3)] * 3, prefix="Segmented"),
        tables(0, 16, *[words(2, 1, 500, 0)] * 3, prefix="Segmented"),
    ],
    ids=["none", "short", "unknown-segment", "points-nowhere"],
)
def test_broken_tables_are_malformed(dataset: Dataset) -> None:
    with pytest.raises(MalformedDataset):
        palette_of(dataset, signed=False, big_endian=False)
