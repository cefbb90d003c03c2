"""Text beside the coded data leaves; the coded data and its pixels stay bit for bit."""

import contextlib
import struct

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames

from deid_node.errors import Undecodable
from deid_node.pixeldata import jpeg_2000
from deid_node.pixeldata.jpeg.segments import segment, without_text
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from tests.fakes.finder import finds_nothing
from tests.unit.pixeldata.instances import (
    BASELINE,
    EXTENDED,
    HTJ2K,
    J2K,
    J2K_LOSSY,
    JLS,
    JLS_NEAR,
    LOSSLESS,
    SV1,
    Kind,
    codestream,
    decoded_elsewhere,
    instance,
    noise,
)

NAME = b"DOE^JANE 1970-01-01"
JPEGS = [
    Kind(BASELINE),
    Kind(BASELINE, "RGB"),
    Kind(EXTENDED, "MONOCHROME2", 16, 12),
    Kind(LOSSLESS),
    Kind(SV1, "RGB"),
    Kind(JLS, "MONOCHROME2", 16, 12),
    Kind(JLS_NEAR),
]
LS = {JLS, JLS_NEAR}
JPEG_2000S = [Kind(J2K), Kind(J2K, "YBR_RCT"), Kind(J2K_LOSSY), Kind(HTJ2K)]


def commented_jpeg(stream: bytes, kind: Kind) -> bytes:
    """Return `stream` with a name in every place that decoders skip."""
    scan = stream.index(b"\xff\xda")
    end = stream.rindex(b"\xff\xd9")
    segments = [
        segment(0xFE, NAME),
        segment(0xE1, b"Exif\x00\x00" + NAME),
        segment(0xED, b"Photoshop 3.0\x00" + NAME),
    ]
    head = stream[:2] + segments[0] + stream[2:scan] + b"".join(segments[1:]) + stream[scan:end]
    if kind.syntax in LS:
        return head + stream[end:]  # CharLS takes nothing behind the scan
    return head + segment(0xFE, NAME) + stream[end : end + 2] + NAME[:9] + b"\xff\xd9"


def commented_jpeg_2000(stream: bytes, comment: bytes = b"\x00\x01" + NAME) -> bytes:
    """Return `stream` with a comment in the main header and in its first tile-part."""
    marker = struct.pack(">HH", 0xFF64, len(comment) + 2) + comment
    tile = stream.index(b"\xff\x90")
    data = stream.index(b"\xff\x93", tile)
    (length,) = struct.unpack_from(">L", stream, tile + 6)
    longer = struct.pack(">L", length + len(marker)) if length else b"\x00" * 4
    head = stream[:tile] + marker + stream[tile : tile + 6] + longer
    return head + stream[tile + 10 : data] + marker + stream[data:]


def commented(stream: bytes, kind: Kind) -> bytes:
    return commented_jpeg(stream, kind) if kind in JPEGS else commented_jpeg_2000(stream)


def dataset_of(kind: Kind, streams: list[bytes]) -> Dataset:
    values = noise(kind, frames=len(streams))
    return instance(values, kind, pixels=encapsulate(streams, has_bot=len(streams) > 1))


@pytest.mark.parametrize("kind", JPEGS + JPEG_2000S, ids=str)
def test_comments_leave_and_the_codestream_is_what_it_was_without_them(kind: Kind) -> None:
    plain = [codestream(frame, kind) for frame in noise(kind, frames=2)]
    dataset = dataset_of(kind, [commented(stream, kind) for stream in plain])
    before = dataset.PixelData

    cleaned = PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1)

    written = cleaned.dataset.PixelData
    after = [stream.rstrip(b"\x00") for stream in generate_frames(written, number_of_frames=2)]
    bare = (
        jpeg_2000.without_text(plain[0])
        if kind in JPEG_2000S
        else without_text(plain[0], is_ls=kind.syntax in LS)
    )
    assert NAME[:9] in before
    assert NAME[:3] not in written
    assert after[0] == bare.rstrip(b"\x00")
    assert not cleaned.changed
    assert cleaned.dataset.file_meta.TransferSyntaxUID == kind.syntax
    assert dataset.PixelData == before


@pytest.mark.parametrize("kind", [JPEGS[1], JPEG_2000S[1]], ids=str)
def test_other_decoders_read_the_same_pixels(kind: Kind) -> None:
    plain = [codestream(frame, kind) for frame in noise(kind, frames=2)]
    dataset = dataset_of(kind, [commented(stream, kind) for stream in plain])

    cleaned = PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1)

    assert np.array_equal(decoded_elsewhere(cleaned.dataset), decoded_elsewhere(dataset))


def test_a_thumbnail_goes_and_what_tells_of_colour_stays() -> None:
    frame = noise(Kind(BASELINE, "YBR_FULL"), frames=1)[0]
    stream = bytes(imagecodecs.jpeg8_encode(frame))
    jfif = stream.index(b"JFIF\x00")
    small = stream[: jfif + 12] + b"\x02\x01" + b"abcdef" + stream[jfif + 14 :]
    small = small[: jfif - 2] + struct.pack(">H", 16 + 6) + small[jfif:]
    extension = segment(0xE0, b"JFXX\x00\x10thumbnail")

    assert without_text(small[:2] + small[2:].replace(b"\xff\xdb", extension + b"\xff\xdb", 1)) == (
        stream
    )
    assert without_text(stream) is stream


def test_adobes_segment_stays_without_its_tail() -> None:
    kind = Kind(BASELINE, "RGB")
    stream = codestream(noise(kind, frames=1)[0], kind)
    place = stream.index(b"\xff\xee")
    (length,) = struct.unpack_from(">H", stream, place + 2)
    body = stream[place + 4 : place + 2 + length]
    longer = stream[:place] + segment(0xEE, body + NAME) + stream[place + 2 + length :]

    assert without_text(longer) == stream


@pytest.mark.parametrize(
    "comment",
    [b"Kakadu-v7.3.3", b"Created by GDCM/OpenJPEG version 2.3.0", b"OpenJPH Ver 0.7.3."],
)
def test_the_name_of_an_encoder_stays(comment: bytes) -> None:
    stream = codestream(noise(Kind(J2K), frames=1)[0], Kind(J2K))
    named = commented_jpeg_2000(stream, b"\x00\x01" + comment)

    assert jpeg_2000.without_text(named) is named
    assert NAME not in jpeg_2000.without_text(commented_jpeg_2000(named))


def test_text_behind_the_end_of_a_frame_goes_and_padding_stays() -> None:
    stream = codestream(noise(Kind(BASELINE), frames=1)[0], Kind(BASELINE))

    assert without_text(stream + b"DOE" + b"\xff\xd9") == stream
    for padding in (b"\x00", b"\xff", b"\x00\x00"):
        assert without_text(stream + padding) == stream + padding


def test_a_codestream_whose_segments_cannot_be_told_apart_is_withheld() -> None:
    stream = codestream(noise(Kind(BASELINE), frames=1)[0], Kind(BASELINE))
    endless = stream[:2] + b"\xff\xe1\xff\xff" + stream[2:]

    with pytest.raises(Undecodable):
        PixelCleaner(finds_nothing(), SolidInpainter()).clean(
            dataset_of(Kind(BASELINE), [endless]), seed=1
        )


@given(st.binary(max_size=60), st.sampled_from([b"\xff\xd8", b"\xff\x4f\xff\x51", b""]))
def test_any_bytes_are_stripped_or_undecodable(tail: bytes, head: bytes) -> None:
    for strip in (without_text, jpeg_2000.without_text):
        with contextlib.suppress(Undecodable):
            strip(head + tail)
        with contextlib.suppress(Undecodable):
            strip(head + tail + b"\xff\xd9")
