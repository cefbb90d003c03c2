"""The stored frames of an instance, one at a time.

Nothing is decoded ahead and nothing is kept: a cine of a thousand frames costs
the memory of one, and large Pixel Data is read from its file by the frame.
`Frames.source` is the layout that the dataset declares, `Frames.layout` that of
the decoded frames (YBR_RCT and the YCbCr of lossy JPEG decode to RGB, planes are
interleaved, subsampled colour is spread).

Source: PS3.3 C.7.6.3; PS3.5 8.1, 8.2, A.4.
"""

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from deid_node.dicom.bulk import Bulk, Content, pieces
from deid_node.dicom.syntaxes import Family, Syntax, pixel_syntax_of
from deid_node.errors import MalformedDataset, Undecodable
from deid_node.pixeldata.arrangement import with_every_sample, with_planes
from deid_node.pixeldata.attributes import value_of
from deid_node.pixeldata.bits import Words
from deid_node.pixeldata.codestream import Codestream
from deid_node.pixeldata.decoders import CODEC_FAILURES, decoded, header_of, native_words
from deid_node.pixeldata.fragments import joined, split
from deid_node.pixeldata.layout import SUBSAMPLED, Layout, layout_of


class Frames:
    """Frames of one instance; iterating or indexing decodes.

    Raises
    ------
    MalformedDataset
        Attributes are missing or contradict the length of the pixels, or there
        are more frames than Number of Frames says.
    Undecodable
        The pixels are cut short, or the first frame's header cannot be read.
    UnsupportedSyntax
        The transfer syntax is video or unknown.
    """

    def __init__(self, dataset: Dataset, keyword: str) -> None:
        self.syntax: Syntax = pixel_syntax_of(_syntax_uid(dataset))
        self.source: Layout = layout_of(dataset, keyword)
        element: Any = dataset[keyword]
        value = element.value
        if not isinstance(value, bytes | Bulk) or not value:
            raise Undecodable(f"{keyword} is empty")
        # A view of bytes is cut without a copy, a bulk is read where it is cut.
        self.content: Content = value if isinstance(value, Bulk) else memoryview(value)
        self.vr: str = str(element.VR)
        if self.syntax.encapsulated:
            if self.source.floating:
                raise MalformedDataset(f"{keyword} cannot be encapsulated")
            offsets = _extended_offsets(dataset)
            self._fragments = split(self.content, self.source.frames, offsets)
            self.header = header_of(self.codestream(0), self.syntax.family)
        else:
            self._fragments = ()
            self.header = None
            self.source = self._arranged()
            self._require_length()
        self.layout: Layout = _decoded_layout(self.source, self.syntax, self.header)

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.source.frames

    def __iter__(self) -> Iterator[Words]:
        """Decode the frames in order."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Words:
        """Decode frame `index`, counted from 0.

        Returns
        -------
        Words of `layout.shape` and `layout.word_dtype`, an array of its own.

        Raises
        ------
        Undecodable
            No decoder makes a frame of that size and depth of it.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self.syntax.encapsulated:
            stream = self.codestream(index)
            return decoded(stream, self.syntax.family, self.source, self.header)
        try:
            return self._native(index, self.source)
        except CODEC_FAILURES:
            raise Undecodable("a native frame does not fit its layout") from None

    def codestream(self, index: int) -> bytes:
        """Return the bytes of encapsulated frame `index` as they came."""
        return joined(self.content, self._fragments[index])

    def _arranged(self) -> Layout:
        """Return the declared layout, or a clearer one that the samples show to be true."""
        source = self.source

        def read_as(layout: Layout) -> Iterator[Words]:
            return (self._native(index, layout) for index in range(layout.frames))

        if len(self.content) < self._need(source):
            return source
        if self._is_longer():
            source = with_every_sample(source, len(self.content), read_as) or source
        if source.planar == -1:
            source = with_planes(source, read_as) or source
        return source

    def _native(self, index: int, source: Layout) -> Words:
        bits = source.frame_bits
        if bits % 8:
            first, offset = divmod(index * bits, 8)
            last = -(-(index + 1) * bits // 8)
            packed = np.frombuffer(self.content[first:last], np.uint8)
            cut = np.unpackbits(packed, bitorder="little")[offset : offset + bits]
            return cut.reshape(source.shape)
        size = bits // 8
        if self.swapped_bytes:
            # PS3.5 7.3: OW swaps bytes in pairs, also where two 8-bit samples share a word.
            start = index * size // 2 * 2
            pairs = bytes(self.content[start : (index + 1) * size + 1])
            even = pairs[: len(pairs) // 2 * 2]
            plain = np.frombuffer(even, dtype=">u2").astype("<u2").tobytes() + pairs[len(even) :]
            begin = index * size - start
            return native_words(plain[begin : begin + size], source)
        frame = self.content[index * size : (index + 1) * size]
        return native_words(frame, source, big_endian=self.syntax.big_endian)

    @property
    def swapped_bytes(self) -> bool:
        """Whether samples of at most 8 bits stand in big-endian 16-bit words."""
        return self.syntax.big_endian and self.vr == "OW" and self.source.bits_allocated <= 8

    @staticmethod
    def _need(source: Layout) -> int:
        return -(-source.frame_bits * source.frames // 8)

    def _is_longer(self) -> bool:
        """Return whether more follows than a pad byte, which may be anything, and zeros."""
        need = self._need(self.source)
        return any(map(any, pieces(self.content, need + need % 2)))

    def _require_length(self) -> None:
        if len(self.content) < self._need(self.source):
            raise Undecodable("Pixel Data is shorter than its frames")
        if self._is_longer():
            # It could be a frame that nobody looks at.
            raise MalformedDataset("Pixel Data is longer than its frames")
        if self.swapped_bytes and self.source.bits_allocated == 1:
            raise Undecodable("one-bit samples in big-endian words")


def _syntax_uid(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    uid = None if meta is None else value_of(meta, "TransferSyntaxUID")
    if not uid:
        raise MalformedDataset("TransferSyntaxUID is missing")
    return str(uid)


def _extended_offsets(dataset: Dataset) -> tuple[int, ...]:
    table = value_of(dataset, "ExtendedOffsetTable")
    if table is None:
        return ()
    if not isinstance(table, bytes) or len(table) % 8:
        raise MalformedDataset("ExtendedOffsetTable is not of whole entries")
    return struct.unpack(f"<{len(table) // 8}Q", table)


def _decoded_layout(source: Layout, syntax: Syntax, header: Codestream | None) -> Layout:
    plain = syntax.family in {Family.NATIVE, Family.UNCOMPRESSED, Family.DEFLATED_FRAMES}
    if plain and source.planar == -1:
        raise MalformedDataset("PlanarConfiguration is missing")
    depth, high = source.bits_stored, source.high_bit
    exact = syntax.family is Family.JPEG_LOSSLESS
    if header is not None and not (exact and source.high_bit < header.precision):
        # The codestream's own depth holds every value; a smaller Bits Stored would wrap them.
        # Only a lossless JPEG may have bits beside the stored ones, as native pixels do.
        depth = min(max(depth, header.precision), source.bits_allocated)
        high = depth - 1
    return dataclasses.replace(
        source,
        photometric=_decoded_photometric(source, syntax, header),
        planar=0,
        bits_stored=depth,
        high_bit=high,
    )


def _decoded_photometric(source: Layout, syntax: Syntax, header: Codestream | None) -> str:
    declared = source.photometric
    if syntax.family is Family.JPEG and source.samples == 3:
        return "RGB"
    if source.samples == 1 or (syntax.family is Family.NATIVE and declared == "YBR_PARTIAL_422"):
        return declared
    if header is not None and header.colour is not None:
        return header.colour
    if declared in {"YBR_ICT", "YBR_RCT"}:
        # Declared as transformed and not transformed in fact: the components are RGB.
        return "RGB" if syntax.family in {Family.JPEG_2000, Family.HTJ2K} else "YBR_FULL"
    return "YBR_FULL" if declared in SUBSAMPLED else declared
