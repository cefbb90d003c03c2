"""Codestream to words: which decoder serves which family, written down.

The first decoder of a family is asked; only where it fails on a frame is the
next one. Colour comes back as the codestream's components, with two exceptions:
JPEG 2000's own component transformation is undone, and the YCbCr of a lossy JPEG
becomes RGB, because it never can go back (see docs/decisions). What a decoder
says when it fails may quote pixels: it is dropped.

Source: PS3.5 A.4 (per syntax), 8.2 (per family), Annex G (RLE).
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from deid_node.dicom.syntaxes import Family
from deid_node.errors import MalformedDataset, Undecodable
from deid_node.pixeldata.bits import Words
from deid_node.pixeldata.codestream import (
    Codestream,
    holds_another,
    jpeg_2000_header,
    jpeg_header,
    require_end,
)
from deid_node.pixeldata.jpeg import segments
from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.rle import planes_of

Decoder = Callable[[bytes, Layout, Codestream | None], NDArray[Any]]

CODEC_FAILURES: Final = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RuntimeError, TypeError, ValueError, struct.error, zlib.error),
)
"""What the codec libraries have been seen to raise; all of it means: not decoded."""

_RAW_DEFLATE: Final = -15

# A frame of one value shrinks by some ten thousand in JPEG-LS and JPEG 2000; what claims much
# more is a bomb, and a frame of a gigabyte takes the worker's memory either way.
_MAX_RATIO: Final = 2**17
_SMALL_FRAME_BYTES: Final = 2**24
_MAX_FRAME_BYTES: Final = 2**30


def header_of(codestream: bytes, family: Family) -> Codestream | None:
    """Return the header of `codestream`, or None for a family that has none of its own.

    Raises
    ------
    Undecodable
        It is not a codestream of that family.
    """
    if family in {Family.JPEG, Family.JPEG_LOSSLESS, Family.JPEG_LS}:
        require_end(codestream)
        return jpeg_header(codestream)
    if family in {Family.JPEG_2000, Family.HTJ2K}:
        return jpeg_2000_header(codestream)
    return None


def decoded(
    codestream: bytes, family: Family, layout: Layout, expected: Codestream | None = None
) -> Words:
    """Return the words of one encapsulated frame.

    Parameters
    ----------
    codestream
        The joined fragments of the frame.
    layout
        The layout that the dataset declares.
    expected
        Header that it must have, that of the first frame.

    Returns
    -------
    Unsigned words ``(rows, columns)`` or ``(rows, columns, samples)``, samples of a
    pixel together; the sign of signed samples is repeated up to the allocated bits.

    Raises
    ------
    Undecodable
        No decoder of the family gives a frame of that size and depth.
    MalformedDataset
        Another picture of its kind follows in it: decoders look at the first alone.
    """
    header = header_of(codestream, family)
    if header is not None and holds_another(codestream, header):
        raise MalformedDataset("a frame holds more pictures than one")
    if expected is not None and header != expected:
        raise Undecodable("the codestreams of the frames differ in kind")
    _require_plausible(len(codestream), layout)
    if header is not None:
        if (header.rows, header.columns) != (layout.rows, layout.columns):
            raise Undecodable("the codestream is of another size than Rows and Columns")
        if header.samples != layout.samples:
            raise Undecodable("the codestream contradicts SamplesPerPixel")
        if header.precision > max(8, layout.bits_allocated):
            raise Undecodable("the codestream is deeper than BitsAllocated")
    for decoder in DECODERS[family]:
        try:
            array = decoder(codestream, layout, header)
        except CODEC_FAILURES:
            continue
        if array.shape == layout.shape and array.dtype.kind in "iu":
            return _words(array, header, layout)
    raise Undecodable("no decoder makes a frame of the codestream")


def _require_plausible(codestream_bytes: int, layout: Layout) -> None:
    frame_bytes = -(-layout.frame_bits // 8)
    if frame_bytes > _MAX_FRAME_BYTES:
        raise Undecodable("a frame larger than is decoded here")
    if frame_bytes > _SMALL_FRAME_BYTES and frame_bytes > _MAX_RATIO * codestream_bytes:
        raise Undecodable("a codestream too short for its frame")


def _words(array: NDArray[Any], header: Codestream | None, layout: Layout) -> Words:
    word = layout.word_dtype
    if array.dtype.kind == "i":
        return array.astype(layout.value_dtype.str.replace("u", "i")).view(word)
    words = np.ascontiguousarray(array).astype(word, copy=False)
    if header is None or not layout.signed or header.precision >= layout.bits_allocated:
        return words
    # Signed samples that the codestream holds as plain bits: repeat their sign.
    if layout.high_bit + 1 > header.precision:
        return words
    above = layout.bits_allocated - header.precision
    typed: NDArray[Any] = (words << above).view(f"i{word.itemsize}") >> above
    return typed.view(word)


def _rle(codestream: bytes, layout: Layout, _header: Codestream | None) -> NDArray[Any]:
    pixels = layout.rows * layout.columns
    if layout.bits_allocated == 1:
        packed = planes_of(codestream, 1, -(-pixels // 8))
        bits: NDArray[Any] = np.unpackbits(packed, count=pixels, bitorder="little")
        return bits.reshape(layout.shape)
    word = layout.word_dtype
    # PS3.5 G.2: a segment for each byte of each sample, the most significant first.
    octets = planes_of(codestream, layout.samples * word.itemsize, pixels)
    return octets.view(word.newbyteorder(">")).astype(word, copy=False).reshape(layout.shape)


def holds_ybr(header: Codestream | None, layout: Layout) -> bool:
    """Return whether colour components are luma and chroma, as far as anyone says."""
    told = None if header is None else header.colour
    return layout.samples == 3 and (told or layout.photometric).startswith("YBR")


def _jpeg(codestream: bytes, layout: Layout, header: Codestream | None) -> NDArray[Any]:
    if not holds_ybr(header, layout):
        return _jpeg_raw(codestream, layout, header)
    return np.asarray(imagecodecs.jpeg8_decode(codestream, colorspace="YCBCR", outcolorspace="RGB"))


def _jpeg_raw(codestream: bytes, layout: Layout, _header: Codestream | None) -> NDArray[Any]:
    # The same colour space on both sides: libjpeg converts nothing.
    colour = None if layout.samples == 1 else "YCBCR"
    return np.asarray(imagecodecs.jpeg8_decode(codestream, colorspace=colour, outcolorspace=colour))


def _jpeg_lossless(codestream: bytes, layout: Layout, header: Codestream | None) -> NDArray[Any]:
    if layout.samples > 1 and not segments.names_every_table(codestream):
        raise ValueError
    return _jpeg_raw(codestream, layout, header)


def _jpeg_ls(codestream: bytes, _layout: Layout, _header: Codestream | None) -> NDArray[Any]:
    return np.asarray(imagecodecs.jpegls_decode(codestream))


def _jpeg_2000(codestream: bytes, _layout: Layout, _header: Codestream | None) -> NDArray[Any]:
    return np.asarray(imagecodecs.jpeg2k_decode(codestream))


def _plain(codestream: bytes, layout: Layout, _header: Codestream | None) -> NDArray[Any]:
    size = -(-layout.frame_bits // 8)
    _require_padding(codestream[size + size % 2 :])
    return native_words(codestream, layout)


def _deflated(codestream: bytes, layout: Layout, _header: Codestream | None) -> NDArray[Any]:
    size = -(-layout.frame_bits // 8)
    whole = size + size % 2
    inflater = zlib.decompressobj(_RAW_DEFLATE)
    plain = inflater.decompress(codestream, whole + 1)
    if len(plain) > whole or not inflater.eof:
        raise ValueError
    _require_padding(inflater.unused_data)
    return native_words(plain[:size], layout)


def _require_padding(rest: bytes) -> None:
    """Check that nothing stands behind a frame: it could be another one, which nobody looks at."""
    if rest.strip(b"\x00"):
        raise ValueError


def native_words(content: bytes | memoryview, layout: Layout, *, big_endian: bool = False) -> Words:
    """Return the words of one native frame that starts at a byte.

    Subsampled colour is spread to three samples a pixel; planes are interleaved.

    Raises
    ------
    ValueError
        `content` is not of the length of a frame.
    """
    samples = layout.frame_bits // layout.bits_allocated
    if layout.bits_allocated == 1:
        packed = np.frombuffer(content, dtype=np.uint8)
        bits: Words = np.unpackbits(packed, count=samples, bitorder="little")
        return bits.reshape(layout.shape)
    wire = layout.word_dtype.newbyteorder(">" if big_endian else "<")
    flat = np.frombuffer(content, dtype=wire, count=samples)
    words = flat.astype(layout.word_dtype)
    if layout.samples == 1:
        return words.reshape(layout.shape)
    if layout.frame_bits < layout.rows * layout.columns * layout.samples * layout.bits_allocated:
        return _spread(words, layout)
    if layout.planar == 1:
        planes = words.reshape(layout.samples, layout.rows, layout.columns)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))
    return words.reshape(layout.shape)


def _spread(words: Words, layout: Layout) -> Words:
    if layout.columns % 2:
        raise ValueError
    pairs = words.reshape(layout.rows, layout.columns // 2, 4)
    result = np.empty(layout.shape, dtype=words.dtype)
    result[:, 0::2, 0] = pairs[:, :, 0]
    result[:, 1::2, 0] = pairs[:, :, 1]
    result[:, :, 1] = np.repeat(pairs[:, :, 2], 2, axis=1)
    result[:, :, 2] = np.repeat(pairs[:, :, 3], 2, axis=1)
    return result


DECODERS: Final[Mapping[Family, tuple[Decoder, ...]]] = MappingProxyType(
    {
        Family.UNCOMPRESSED: (_plain,),
        Family.DEFLATED_FRAMES: (_deflated,),
        Family.RLE: (_rle,),
        # libjpeg-turbo
        Family.JPEG: (_jpeg,),
        # libjpeg-turbo; not jpegsof3, which takes no table but by the number of the component
        Family.JPEG_LOSSLESS: (_jpeg_lossless,),
        # CharLS
        Family.JPEG_LS: (_jpeg_ls,),
        # OpenJPEG
        Family.JPEG_2000: (_jpeg_2000,),
        # OpenJPEG; not OpenJPH, which never comes back from some broken codestreams
        Family.HTJ2K: (_jpeg_2000,),
    }
)
"""Decoders of each encapsulated family, in the order in which they are asked."""
