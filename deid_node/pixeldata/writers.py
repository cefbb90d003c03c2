"""Frames back into Pixel Data.

A frame that nothing touched keeps its bytes; one that was touched is coded
without loss, or, in JPEG Baseline and Extended, gets new blocks where it was filled
and keeps all others, so that every decoder has there what it had. Where the syntax
has no lossless encoder here, or came lossy otherwise, the whole instance is written
as Explicit VR Little Endian: decoded once, never compressed by us with loss.

Source: PS3.5 8.1, 8.2, A.1 to A.4; PS3.3 C.7.6.3.1.8.
"""

import dataclasses
import struct
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from deid_node.dicom.bulk import pieces
from deid_node.dicom.scratch import Scratch
from deid_node.dicom.syntaxes import EXPLICIT_LITTLE, JPEG_BASELINE, JPEG_EXTENDED
from deid_node.errors import Undecodable
from deid_node.pixeldata.arrays import Mask
from deid_node.pixeldata.attributes import put
from deid_node.pixeldata.bits import Words, stray
from deid_node.pixeldata.decoders import CODEC_FAILURES, decoded, holds_ybr
from deid_node.pixeldata.encoders import ENCODERS, Task
from deid_node.pixeldata.fragments import Encapsulation
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.jpeg.editing import Fill, edited
from deid_node.pixeldata.jpeg.huffman import NotEditable
from deid_node.pixeldata.native import native_bytes

_MAX_NATIVE_BYTES: Final = 2**32 - 2
"""PS3.5 7.1: an explicit length has 32 bits and is even; all ones means undefined."""

_TOTAL_LENGTH: Final = "EncapsulatedPixelDataValueTotalLength"
_OF_CODESTREAMS: Final = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths", _TOTAL_LENGTH)


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

        Outside the mask `words` are those of the frame as it came. What was asked last
        for a frame is what `put` takes. Raises `EncodingFailed` where they cannot be
        put there.
        """

    def keep(self, index: int) -> None:
        """Take frame `index` as it came."""

    def put(self, index: int, words: Words) -> None:
        """Take `words` as frame `index`; raise `EncodingFailed` where they cannot be coded."""

    def write(self, dataset: Dataset) -> None:
        """Set Pixel Data and what describes its coding in `dataset`."""


def put_encapsulated(dataset: Dataset, encapsulation: Encapsulation) -> None:
    """Set Pixel Data to what was encapsulated, and the Extended Offset Table where there is one."""
    content = encapsulation.content()
    dataset["PixelData"] = DataElement(0x7FE00010, "OB", content, is_undefined_length=True)
    if _TOTAL_LENGTH in dataset:
        # It told of the codestreams as they came; only video must have it (PS3.3 C.7.6.3).
        del dataset[_TOTAL_LENGTH]
    if "ExtendedOffsetTable" in dataset:
        count = len(encapsulation.offsets)
        put(dataset, "ExtendedOffsetTable", struct.pack(f"<{count}Q", *encapsulation.offsets))
        put(
            dataset, "ExtendedOffsetTableLengths", struct.pack(f"<{count}Q", *encapsulation.lengths)
        )


def writer_for(frames: Frames, dataset: Dataset, scratch_dir: Path | None) -> Writer:
    """Return the writer that keeps the transfer syntax of `frames` where that can be done.

    `dataset` is the one that will be written into, `scratch_dir` as for `Scratch`.
    """
    if not frames.syntax.encapsulated:
        return NativeWriter(frames, scratch_dir)
    extended = "ExtendedOffsetTable" in dataset
    room = Encapsulation(len(frames), extended=extended, scratch_dir=scratch_dir)
    if frames.syntax.uid in ENCODERS:
        return EncapsulatedWriter(frames, room)
    if frames.syntax.uid in {JPEG_BASELINE, JPEG_EXTENDED} and not frames.source.signed:
        return BlockWriter(frames, room)
    return DecodedWriter(frames, scratch_dir)


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

    def __init__(self, frames: Frames, scratch_dir: Path | None) -> None:
        self.syntax = frames.syntax.uid
        self._frames = frames
        self._content = Scratch(scratch_dir)
        for piece in pieces(frames.content):
            self._content.add(piece)

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
        if not self._frames.swapped_bytes:
            self._content.put(index * size, plain)
            return
        start = index * size // 2 * 2
        around = bytearray(self._content.part(start, (index + 1) * size + 1))
        for place, octet in enumerate(plain, index * size):
            around[(place ^ 1) - start] = octet
        self._content.put(start, bytes(around))

    def write(self, dataset: Dataset) -> None:
        """Set the pixel attribute, its VR as it was."""
        keyword = self._frames.source.keyword
        tag = dataset[keyword].tag
        dataset[keyword] = DataElement(tag, self._frames.vr, self._content.content())

    def _put_bits(self, index: int, words: Words) -> None:
        bits = self._frames.source.frame_bits
        first, offset = divmod(index * bits, 8)
        last = -(-(index + 1) * bits // 8)
        packed = np.frombuffer(self._content.part(first, last), np.uint8)
        cut = np.unpackbits(packed, bitorder="little")
        cut[offset : offset + bits] = words.reshape(-1)
        self._content.put(first, np.packbits(cut, bitorder="little").tobytes())


class EncapsulatedWriter(ExactWriter):
    """Codes touched frames in the syntax they came in, and decodes them to be sure."""

    def __init__(self, frames: Frames, encapsulation: Encapsulation) -> None:
        self.syntax = frames.syntax.uid
        self._frames = frames
        self._encapsulation = encapsulation

    def keep(self, index: int) -> None:
        """Take the codestream of frame `index` as it came."""
        self._encapsulation.add(self._frames.codestream(index))

    def put(self, index: int, words: Words) -> None:
        """Code `words`; `index` is the number of frames so far."""
        del index
        frames = self._frames
        task = Task(words, frames.layout, frames.source, frames.header)
        try:
            coded = ENCODERS[self.syntax](task)
            again = decoded(coded, frames.syntax.family, frames.source)
        except (*CODEC_FAILURES, Undecodable):
            raise EncodingFailed from None
        if not np.array_equal(again, words):
            raise EncodingFailed
        self._encapsulation.add(coded)

    def write(self, dataset: Dataset) -> None:
        """Set Pixel Data and its offset table, of the kind that it came with."""
        put_encapsulated(dataset, self._encapsulation)


class BlockWriter(EncapsulatedWriter):
    """Gives touched frames of a sequential JPEG new blocks, and decodes them to be sure."""

    exact = False

    def __init__(self, frames: Frames, encapsulation: Encapsulation) -> None:
        super().__init__(frames, encapsulation)
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
        if not _equal_outside(near, again, words):
            raise EncodingFailed
        self._tried[index] = coded
        return again

    def put(self, index: int, words: Words) -> None:
        """Take frame `index` as it was last tried; `words` are what that gave."""
        del words
        if index not in self._tried:
            raise EncodingFailed
        self._encapsulation.add(self._tried.pop(index))


def _equal_outside(mask: Mask, one: Words, two: Words) -> bool:
    """Return whether two frames are equal but under `mask`; most rows are compared whole."""
    touched = mask.any(axis=1)
    outside = ~mask[touched]
    return np.array_equal(one[~touched], two[~touched]) and np.array_equal(
        one[touched][outside], two[touched][outside]
    )


class DecodedWriter(ExactWriter):
    """Writes decoded frames as Explicit VR Little Endian."""

    def __init__(self, frames: Frames, scratch_dir: Path | None) -> None:
        self.syntax: str = EXPLICIT_LITTLE
        self._frames = frames
        need = -(-frames.layout.frame_bits * len(frames) // 8)
        if need > _MAX_NATIVE_BYTES:
            raise Undecodable("the decoded frames do not fit native Pixel Data")
        self._layout = dataclasses.replace(frames.layout, planar=0)
        self._content = Scratch(scratch_dir)
        # Fewer than eight: one-bit frames follow each other without padding.
        self._bits: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._as_declared = dataclasses.replace(
            frames.layout,
            bits_stored=frames.source.bits_stored,
            high_bit=frames.source.bits_stored - 1,
        )
        self._deeper = False

    def keep(self, index: int) -> None:
        """Decode frame `index`."""
        self.put(index, self._frames[index])

    def put(self, index: int, words: Words) -> None:
        """Take `words`; `index` is the number of frames so far."""
        del index
        self._deeper = self._deeper or stray(words, self._as_declared)
        if self._layout.frame_bits % 8 == 0:
            self._content.add(native_bytes(words, self._layout))
            return
        bits = np.concatenate([self._bits, words.reshape(-1)])
        whole = bits.size // 8 * 8
        self._content.add(np.packbits(bits[:whole], bitorder="little").tobytes())
        self._bits = bits[whole:]

    def write(self, dataset: Dataset) -> None:
        """Set Pixel Data, transfer syntax and the attributes that describe the samples."""
        self._content.add(np.packbits(self._bits, bitorder="little").tobytes())
        self._content.add(b"\x00" * (len(self._content) % 2))
        layout = self._layout
        vr = "OB" if layout.bits_allocated <= 8 else "OW"
        dataset["PixelData"] = DataElement(0x7FE00010, vr, self._content.content())
        put(dataset, "PhotometricInterpretation", layout.photometric)
        if layout.samples > 1:
            put(dataset, "PlanarConfiguration", 0)
        self._declare_depth(dataset)
        for keyword in _OF_CODESTREAMS:
            if keyword in dataset:
                del dataset[keyword]
        put(dataset.file_meta, "TransferSyntaxUID", UID(EXPLICIT_LITTLE))

    def _declare_depth(self, dataset: Dataset) -> None:
        """Set Bits Stored and High Bit where a codestream had other ones than declared.

        Decoders go by the codestream, readers of native pixels by these two.
        """
        layout, source = self._layout, self._frames.source
        if (layout.bits_stored, layout.high_bit) == (source.bits_stored, source.high_bit):
            return
        stored = layout.bits_stored if self._deeper else source.bits_stored
        put(dataset, "BitsStored", stored)
        put(dataset, "HighBit", stored - 1)
