"""Frames back into Pixel Data.

A frame that nothing touched keeps its bytes; one that was touched is coded
without loss, or, in JPEG Baseline, gets new blocks where it was filled and keeps
all others. Where the syntax has no lossless encoder here, or came lossy otherwise,
the whole instance is written as Explicit VR Little Endian: decoded once, never
compressed by us with loss.

Source: PS3.5 8.1, 8.2, A.1 to A.4; PS3.3 C.7.6.3.1.8.
"""

import dataclasses
import io
import struct
from collections.abc import Callable
from typing import Final, Protocol

import cv2
import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from deid_node.dicom.syntaxes import EXPLICIT_LITTLE, JPEG_BASELINE
from deid_node.errors import Undecodable
from deid_node.pixels.arrays import Mask
from deid_node.pixels.attributes import put
from deid_node.pixels.bits import Words
from deid_node.pixels.codecs import CODEC_FAILURES, decoded, holds_ybr
from deid_node.pixels.encoders import ENCODERS, Task
from deid_node.pixels.fragments import encapsulated
from deid_node.pixels.frames import Frames
from deid_node.pixels.jpeg.editing import Fill, edited
from deid_node.pixels.jpeg.huffman import NotEditable
from deid_node.pixels.native import native_bytes

_MAX_NATIVE_BYTES: Final = 2**32 - 2
"""PS3.5 7.1: an explicit length has 32 bits and is even; all ones means undefined."""


class EncodingFailed(Exception):
    """A codestream does not give back what was put into it, or cannot be edited."""


class Writer(Protocol):
    """Takes the frames of one instance in order, then writes them into a dataset."""

    syntax: str
    """Transfer syntax of the result."""

    exact: bool
    """Whether a reader has what was put; else ask `read_back` before each `put`."""

    fringe_pixels: int
    """How far beyond its mask a frame that was put may differ from what it was."""

    def read_back(self, index: int, words: Words, mask: Mask) -> Words:
        """Return what a reader has of frame `index` where `words` are put under `mask`.

        Raises `EncodingFailed` where they cannot be put there. What was asked last
        for a frame is what `put` takes.
        """

    def keep(self, index: int) -> None:
        """Take frame `index` as it came."""

    def put(self, index: int, words: Words) -> None:
        """Take `words` as frame `index`; raise `EncodingFailed` where they cannot be coded."""

    def write(self, dataset: Dataset) -> None:
        """Set Pixel Data and what describes its coding in `dataset`."""


def put_codestreams(dataset: Dataset, frames: int, codestream: Callable[[int], bytes]) -> None:
    """Set Pixel Data to the `codestream` of each of `frames`; the kind of offset table stays.

    Each is asked for twice, so that they need not be held together.
    """
    extended = "ExtendedOffsetTable" in dataset
    content, offsets, lengths = encapsulated(frames, codestream, extended=extended)
    dataset["PixelData"] = DataElement(0x7FE00010, "OB", content, is_undefined_length=True)
    if extended:
        count = len(offsets)
        put(dataset, "ExtendedOffsetTable", struct.pack(f"<{count}Q", *offsets))
        put(dataset, "ExtendedOffsetTableLengths", struct.pack(f"<{count}Q", *lengths))


def writer_for(frames: Frames) -> Writer:
    """Return the writer that keeps the transfer syntax of `frames` where that can be done."""
    if not frames.syntax.encapsulated:
        return NativeWriter(frames)
    if frames.syntax.uid in ENCODERS:
        return EncapsulatedWriter(frames)
    if frames.syntax.uid == JPEG_BASELINE and not frames.source.signed:
        return BlockWriter(frames)
    return DecodedWriter(frames)


class ExactWriter:
    """What writers have in common that lose nothing."""

    exact = True
    fringe_pixels = 0

    def read_back(self, index: int, words: Words, mask: Mask) -> Words:
        """Return `words`."""
        del index, mask
        return words


class NativeWriter(ExactWriter):
    """Writes touched frames over the native bytes as they came."""

    def __init__(self, frames: Frames) -> None:
        self.syntax = frames.syntax.uid
        self._frames = frames
        # Written to, it is copied once; what it gives at the end is not copied again.
        self._content = io.BytesIO(frames.content)

    def keep(self, index: int) -> None:
        """Leave frame `index` as it is."""

    def put(self, index: int, words: Words) -> None:
        """Write `words` over frame `index`."""
        layout = self._frames.source
        bits = layout.frame_bits
        if bits % 8:
            self._put_bits(index, words)
            return
        size = bits // 8
        plain = native_bytes(words, layout, big_endian=self._frames.syntax.big_endian)
        with self._content.getbuffer() as view:
            if not self._frames.swapped_bytes:
                view[index * size : (index + 1) * size] = plain
                return
            for place, octet in enumerate(plain, index * size):
                view[place ^ 1] = octet

    def write(self, dataset: Dataset) -> None:
        """Set the pixel attribute, its VR as it was."""
        keyword = self._frames.source.keyword
        tag = dataset[keyword].tag
        dataset[keyword] = DataElement(tag, self._frames.vr, self._content.getvalue())

    def _put_bits(self, index: int, words: Words) -> None:
        bits = self._frames.source.frame_bits
        first, offset = divmod(index * bits, 8)
        last = -(-(index + 1) * bits // 8)
        with self._content.getbuffer() as view:
            packed = np.frombuffer(bytes(view[first:last]), np.uint8)
            cut = np.unpackbits(packed, bitorder="little")
            cut[offset : offset + bits] = words.reshape(-1)
            view[first:last] = np.packbits(cut, bitorder="little").tobytes()


class EncapsulatedWriter(ExactWriter):
    """Codes touched frames in the syntax they came in, and decodes them to be sure."""

    def __init__(self, frames: Frames) -> None:
        self.syntax = frames.syntax.uid
        self._frames = frames
        self._coded: dict[int, bytes] = {}

    def keep(self, index: int) -> None:
        """Leave the codestream of frame `index` as it came."""

    def put(self, index: int, words: Words) -> None:
        """Code `words` as frame `index`."""
        frames = self._frames
        task = Task(words, frames.layout, frames.source, frames.header)
        try:
            coded = ENCODERS[self.syntax](task)
            again = decoded(coded, frames.syntax.family, frames.source)
        except (*CODEC_FAILURES, Undecodable):
            raise EncodingFailed from None
        if not np.array_equal(again, words):
            raise EncodingFailed
        self._coded[index] = coded

    def write(self, dataset: Dataset) -> None:
        """Set Pixel Data and its offset table, of the kind that it came with."""
        put_codestreams(dataset, len(self._frames), self._codestream)

    def _codestream(self, index: int) -> bytes:
        return self._coded[index] if index in self._coded else self._frames.codestream(index)


class BlockWriter(EncapsulatedWriter):
    """Gives touched frames of a JPEG Baseline new blocks, and decodes them to be sure."""

    exact = False

    def __init__(self, frames: Frames) -> None:
        super().__init__(frames)
        self._tried: dict[int, bytes] = {}
        if frames.header is not None and frames.header.subsampled:
            # Decoders smooth chroma: a new sample shows in the pixels beside its block.
            self.fringe_pixels = 1

    def read_back(self, index: int, words: Words, mask: Mask) -> Words:
        """Return what is decoded once the blocks under `mask` are made of `words`."""
        frames = self._frames
        fill = Fill(words, mask, ybr=holds_ybr(frames.header, frames.source))
        try:
            coded = edited(frames.codestream(index), fill)
            again = decoded(coded, frames.syntax.family, frames.source, frames.header)
        except (NotEditable, *CODEC_FAILURES, Undecodable):
            raise EncodingFailed from None
        side = 2 * self.fringe_pixels + 1
        near = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
        if not np.array_equal(again[~near], frames[index][~near]):
            raise EncodingFailed
        self._tried[index] = coded
        return again

    def put(self, index: int, words: Words) -> None:
        """Take frame `index` as it was last tried; `words` are what that gave."""
        del words
        if index not in self._tried:
            raise EncodingFailed
        self._coded[index] = self._tried.pop(index)


class DecodedWriter(ExactWriter):
    """Writes decoded frames as Explicit VR Little Endian."""

    def __init__(self, frames: Frames) -> None:
        self.syntax: str = EXPLICIT_LITTLE
        self._frames = frames
        need = -(-frames.layout.frame_bits * len(frames) // 8)
        if need > _MAX_NATIVE_BYTES:
            raise Undecodable("the decoded frames do not fit native Pixel Data")
        self._layout = dataclasses.replace(frames.layout, planar=0)
        self._content = io.BytesIO()
        self._bits: list[Words] = []

    def keep(self, index: int) -> None:
        """Decode frame `index`."""
        self.put(index, self._frames[index])

    def put(self, index: int, words: Words) -> None:
        """Take `words`; `index` is the number of frames so far."""
        del index
        if self._layout.frame_bits % 8:
            self._bits.append(words.reshape(-1))
        else:
            self._content.write(native_bytes(words, self._layout))

    def write(self, dataset: Dataset) -> None:
        """Set Pixel Data, transfer syntax and the attributes that describe the samples."""
        if self._bits:
            packed = np.packbits(np.concatenate(self._bits), bitorder="little")
            self._content.write(packed.tobytes())
        self._content.write(b"\x00" * (self._content.tell() % 2))
        content = self._content.getvalue()
        layout = self._layout
        vr = "OB" if layout.bits_allocated <= 8 else "OW"
        dataset["PixelData"] = DataElement(0x7FE00010, vr, content)
        put(dataset, "PhotometricInterpretation", layout.photometric)
        if layout.samples > 1:
            put(dataset, "PlanarConfiguration", 0)
        for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if keyword in dataset:
                del dataset[keyword]
        put(dataset.file_meta, "TransferSyntaxUID", UID(EXPLICIT_LITTLE))
