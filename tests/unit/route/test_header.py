"""What routing reads from a dataset as sent: exact, or not at all."""

import io
import struct
import warnings

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit

from deid_node.route.header import header_of
from deid_node.values.header import Header


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    if vr == b"UN":
        return struct.pack("<HH2sHI", group, number, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


def as_sent(*elements: bytes) -> Dataset:
    """Read explicit VR little endian bytes the way the corridor does, values undecoded."""
    meta = element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1\0")
    meta = element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta
    with warnings.catch_warnings():
        # Reading warns of the character set; what counts here is what follows.
        warnings.simplefilter("ignore")
        return dcmread(io.BytesIO(bytes(128) + b"DICM" + meta + b"".join(elements)))


CHARSET = (8, 0x05, b"CS")
STATION = (8, 0x1010, b"SH")


@pytest.mark.parametrize(
    ("elements", "keyword", "values"),
    [
        ([element(8, 0x60, b"CS", b"CT")], "Modality", ("CT",)),
        ([element(8, 0x60, b"CS", b"CR \0")], "Modality", ("CR",)),
        ([element(8, 0x08, b"CS", b"ORIGINAL\\ PRIMARY")], "ImageType", ("ORIGINAL", "PRIMARY")),
        ([element(8, 0x60, b"CS", b"")], "Modality", ()),
        ([element(8, 0x60, b"CS", b"  ")], "Modality", ()),
        ([element(8, 0x16, b"UI", b"1.2.3\0")], "SOPClassUID", ("1.2.3",)),
        ([element(8, 0x60, b"UN", b"CT")], "Modality", ("CT",)),
        ([element(0x28, 0x10, b"US", b"\x00\x02")], "Rows", ("512",)),
        ([element(0x28, 9, b"AT", b"\x18\x00\x63\x10")], "FrameIncrementPointer", ("00181063",)),
        ([element(0x20, 0x4000, b"LT", b" a\\b  ")], "ImageComments", (" a\\b",)),
        ([element(*CHARSET, b"ISO_IR 100"), element(*STATION, b"M\xfcnster ")], "StationName",
         ("Münster",)),
        ([element(*CHARSET, b"ISO_IR 192"), element(*STATION, "Kraków ".encode())], "StationName",
         ("Kraków",)),
        ([element(*CHARSET, b"GB18030 "), element(*STATION, "表A".encode("gb18030") + b" ")],
         "StationName", ("表A",)),
        ([element(*CHARSET, b"\\ISO 2022 IR 149"),
          element(*STATION, b"\x1b$)C" + "김".encode("euc_kr"))], "StationName", ("김",)),
        ([element(*CHARSET, b"no such one "), element(*STATION, b"PLAIN ")], "StationName",
         ("PLAIN",)),
    ],
)  # fmt: skip
def test_a_value_comes_out_exactly(
    elements: list[bytes], keyword: str, values: tuple[str, ...]
) -> None:
    header = header_of(as_sent(*elements), [keyword])

    assert header == Header(((keyword, values),))


@pytest.mark.parametrize(
    ("elements", "keyword"),
    [
        ([element(8, 0x60, b"CS", b"C\xff")], "Modality"),
        ([element(*STATION, b"M\xfcnster ")], "StationName"),
        ([element(*CHARSET, b"ISO_IR 192"), element(*STATION, b"M\xfcnster ")], "StationName"),
        ([element(*CHARSET, b"no such one "), element(*STATION, b"M\xfcnster ")], "StationName"),
        ([element(*CHARSET, b"\\ISO 2022 IR 149"), element(*STATION, b"\x1b$)C\xff\xff")],
         "StationName"),
        ([element(*CHARSET, b"\\no such "), element(*STATION, b"\x1b$)C\xb1\xe8")],
         "StationName"),
        ([element(0x28, 0x10, b"US", b"\x00")], "Rows"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_decode_is_unreadable(elements: list[bytes], keyword: str) -> None:
    header = header_of(as_sent(*elements), [keyword])

    assert header == Header((), unreadable=frozenset({keyword}))


def test_only_what_is_asked_for_and_present_is_read() -> None:
    dataset = as_sent(element(8, 0x60, b"CS", b"CT"), element(*STATION, b"M\xfcnster "))

    header = header_of(dataset, ["Modality", "BodyPartExamined"])

    assert list(header.keywords) == ["Modality"]
    assert not header.unreadable


def test_sequences_and_bytes_are_only_seen_to_be_there() -> None:
    dataset = Dataset()
    dataset.ReferencedImageSequence = Sequence([Dataset(), Dataset()])
    dataset.RequestAttributesSequence = Sequence([])
    dataset.add_new("PixelData", "OW", b"\x00\x01")

    header = header_of(
        dataset, ["ReferencedImageSequence", "RequestAttributesSequence", "PixelData"]
    )

    assert header.values("ReferencedImageSequence") == ("item", "item")
    assert header.values("RequestAttributesSequence") == ()
    assert header.values("PixelData") == ("bytes",)


def test_values_that_python_code_set_are_read_too() -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.Modality = "US"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.SeriesNumber = 7
    dataset.Rows = 12
    dataset.FrameIncrementPointer = 0x00181063
    dataset.StationName = None

    header = header_of(
        dataset,
        ["TransferSyntaxUID", "Modality", "ImageType", "SeriesNumber", "Rows",
         "FrameIncrementPointer", "StationName"],
    )  # fmt: skip

    assert dict(header.attributes) == {
        "TransferSyntaxUID": ("1.2.840.10008.1.2.4.50",),
        "Modality": ("US",),
        "ImageType": ("DERIVED", "SECONDARY"),
        "SeriesNumber": ("7",),
        "Rows": ("12",),
        "FrameIncrementPointer": ("00181063",),
        "StationName": (),
    }


@given(st.binary(max_size=20), st.binary(max_size=40))
def test_no_bytes_make_it_fail_or_warn(charset: bytes, value: bytes) -> None:
    try:
        dataset = as_sent(element(*CHARSET, charset), element(*STATION, value))
    except Exception:  # noqa: BLE001 - pydicom cannot open such a file at all
        reject()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        header = header_of(dataset, ["StationName"])

    assert (header.values("StationName") is None) == ("StationName" in header.unreadable)


def test_a_header_shows_no_values() -> None:
    header = header_of(as_sent(element(*STATION, b"CANARY")), ["StationName"])

    assert "CANARY" not in repr(header)
