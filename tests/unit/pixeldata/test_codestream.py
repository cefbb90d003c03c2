import contextlib

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate

from deid_node.dicom.syntaxes import Family
from deid_node.errors import Undecodable
from deid_node.pixeldata.codestream import jpeg_2000_header, jpeg_header
from deid_node.pixeldata.decoders import decoded
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import Layout
from tests.unit.pixeldata.instances import (
    DEFLATED_FRAMES,
    RLE,
    UNCOMPRESSED,
    Kind,
    codestream,
    instance,
    noise,
)

GREY = np.arange(35, dtype=np.uint8).reshape(5, 7)
RGB = np.stack([GREY] * 3, axis=2)


def layout(rows: int = 5, columns: int = 7, samples: int = 1, bits: int = 8) -> Layout:
    name = "MONOCHROME2" if samples == 1 else "RGB"
    return Layout("PixelData", rows, columns, samples, bits, bits, bits - 1, False, name, 0, 1)


def test_a_jpeg_tells_size_depth_and_colour() -> None:
    plain = jpeg_header(bytes(imagecodecs.jpeg8_encode(GREY)))
    ycc = jpeg_header(bytes(imagecodecs.jpeg8_encode(RGB)))
    rgb = jpeg_header(bytes(imagecodecs.jpeg8_encode(RGB, colorspace="RGB", outcolorspace="RGB")))

    assert (plain.rows, plain.columns, plain.samples, plain.precision) == (5, 7, 1, 8)
    assert (plain.colour, ycc.colour, rgb.colour) == (None, "YBR_FULL", "RGB")
    assert plain.reversible is False


@pytest.mark.parametrize("reversible", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "i2"])
def test_a_jpeg_2000_tells_size_depth_sign_and_loss(dtype: str, reversible: bool) -> None:
    stream = imagecodecs.jpeg2k_encode(
        GREY.astype(dtype), codecformat="j2k", reversible=reversible, level=None
    )

    header = jpeg_2000_header(bytes(stream))

    assert (header.rows, header.columns, header.samples) == (5, 7, 1)
    assert (header.signed, header.reversible) == (dtype == "i2", reversible)


def test_a_component_transformation_is_seen() -> None:
    on = imagecodecs.jpeg2k_encode(RGB, codecformat="j2k", reversible=True, mct=True)
    off = imagecodecs.jpeg2k_encode(RGB, codecformat="j2k", reversible=True, mct=False)

    assert (jpeg_2000_header(bytes(on)).colour, jpeg_2000_header(bytes(off)).colour) == (
        "RGB",
        None,
    )


@given(st.binary(max_size=80), st.sampled_from([b"\xff\xd8", b"\xff\xd8\xff\xc0", b""]))
def test_any_bytes_are_a_header_or_undecodable(tail: bytes, head: bytes) -> None:
    with contextlib.suppress(Undecodable):
        jpeg_header(head + tail)
    with contextlib.suppress(Undecodable):
        jpeg_2000_header(b"\xff\x4f\xff\x51" + tail)


@pytest.mark.parametrize(
    ("family", "stream"),
    [
        (Family.JPEG, imagecodecs.jpeg8_encode(GREY)),
        (Family.JPEG_LOSSLESS, imagecodecs.jpeg8_encode(GREY, lossless=True, predictor=1)),
        (Family.JPEG_LS, imagecodecs.jpegls_encode(np.zeros((5, 7), np.uint8))),
        (Family.JPEG_2000, imagecodecs.jpeg2k_encode(GREY, codecformat="j2k", reversible=True)),
        (Family.HTJ2K, imagecodecs.htj2k_encode(GREY, reversible=True)),
    ],
)
def test_a_codestream_of_another_size_depth_or_kind_is_refused(
    family: Family, stream: bytes
) -> None:
    assert decoded(stream, family, layout()).shape == (5, 7)
    for wrong in (layout(rows=65535, columns=65535), layout(columns=6), layout(samples=3)):
        with pytest.raises(Undecodable):
            decoded(stream, family, wrong)
    for broken in (b"", stream[:10], stream[: len(stream) // 3], b"\x00" * 40):
        with pytest.raises(Undecodable):
            decoded(broken, family, layout())


def test_an_rle_frame_that_is_cut_short_is_refused() -> None:
    for broken in (b"", b"\x01", b"\x00" * 64, b"\x02" + b"\x00" * 63, b"\xff" * 90):
        with pytest.raises(Undecodable):
            decoded(broken, Family.RLE, layout())


@pytest.mark.parametrize("syntax", [RLE, UNCOMPRESSED, DEFLATED_FRAMES])
def test_a_second_frame_behind_the_one_that_is_shown_is_refused(syntax: str) -> None:
    """Nobody would look at it: Number of Frames is missing, and the table is empty."""
    kind = Kind(syntax)
    values = noise(kind, frames=2)
    both = encapsulate([codestream(frame, kind) for frame in values], has_bot=False)
    hidden = Frames(instance(values[:1], kind, pixels=both), "PixelData")
    alone = Frames(instance(values[:1], kind), "PixelData")

    assert np.array_equal(alone[0], values[0])
    with pytest.raises(Undecodable, match="no decoder"):
        hidden[0]


@pytest.mark.parametrize("family", [Family.JPEG, Family.JPEG_LOSSLESS, Family.JPEG_LS])
def test_a_codestream_without_its_end_is_refused_at_once(family: Family) -> None:
    stream = {
        Family.JPEG: imagecodecs.jpeg8_encode(GREY),
        Family.JPEG_LOSSLESS: imagecodecs.jpeg8_encode(GREY, lossless=True, predictor=1),
        Family.JPEG_LS: imagecodecs.jpegls_encode(np.zeros((5, 7), np.uint8)),
    }[family]

    assert decoded(bytes(stream) + b"\x00" * 400, family, layout()).shape == (5, 7)
    with pytest.raises(Undecodable, match="cut short"):
        decoded(bytes(stream[:-2]), family, layout())


def test_frames_of_another_kind_than_the_first_are_refused() -> None:
    grey = bytes(imagecodecs.jpeg8_encode(GREY))
    rgb = bytes(imagecodecs.jpeg8_encode(RGB, colorspace="RGB", outcolorspace="RGB"))
    ycc = bytes(imagecodecs.jpeg8_encode(RGB))

    assert decoded(grey, Family.JPEG, layout(), jpeg_header(grey)).shape == (5, 7)
    with pytest.raises(Undecodable, match="differ in kind"):
        decoded(rgb, Family.JPEG, layout(samples=3), jpeg_header(ycc))


@pytest.mark.parametrize(("rows", "columns"), [(65535, 65535), (30000, 30000), (5000, 5000)])
def test_a_short_codestream_that_claims_a_huge_frame_is_refused_at_once(
    rows: int, columns: int
) -> None:
    bomb = bytearray(imagecodecs.jpeg8_encode(GREY))
    place = bomb.index(b"\xff\xc0") + 5
    bomb[place : place + 4] = rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
    del bomb[place + 40 : -2]

    with pytest.raises(Undecodable):
        decoded(bytes(bomb), Family.JPEG, layout(rows=rows, columns=columns))
