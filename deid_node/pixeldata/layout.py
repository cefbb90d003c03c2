"""How the samples of a frame are laid out: the Image Pixel Module as one value.

A layout speaks of frames as Pixel Data holds them (`Frames.source`) or as they
are once decoded (`Frames.layout`); the two differ in photometric interpretation
and planar configuration. "Words" are the allocated bits as read; "values" are
the stored bits of a word, sign applied.

Source: PS3.3 C.7.6.3, C.7.6.24, C.7.6.25; PS3.5 8.1.1, 8.2.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset, Undecodable
from deid_node.pixeldata.attributes import integer, text, value_of

GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
SUBSAMPLED: Final = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
COLOUR: Final = frozenset({"RGB", "YBR_FULL", "YBR_ICT", "YBR_RCT"}) | SUBSAMPLED

PIXEL_KEYWORDS: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_INTEGER_BITS: Final = frozenset({1, 8, 16, 32, 64})


@dataclass(frozen=True, slots=True)
class Layout:
    """Shape, depth and colour of the frames of one instance."""

    keyword: str
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: int
    frames: int

    @property
    def shape(self) -> tuple[int, ...]:
        """``(rows, columns)`` or ``(rows, columns, samples)``."""
        shape = (self.rows, self.columns)
        return shape if self.samples == 1 else (*shape, self.samples)

    @property
    def floating(self) -> bool:
        """Whether samples are IEEE 754 numbers."""
        return self.keyword != "PixelData"

    @property
    def low_bit(self) -> int:
        """Number of unused bits below the stored ones."""
        return self.high_bit + 1 - self.bits_stored

    @property
    def word_dtype(self) -> np.dtype[Any]:
        """Type of a word in memory, native byte order."""
        if self.floating:
            return np.dtype(f"f{self.bits_allocated // 8}")
        return np.dtype(f"u{max(8, self.bits_allocated) // 8}")

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """Type of a value in memory."""
        if self.floating or not self.signed:
            return self.word_dtype
        return np.dtype(f"i{max(8, self.bits_allocated) // 8}")

    @property
    def frame_bits(self) -> int:
        """Length of one native frame in bits (one-bit frames follow without padding)."""
        samples = self.rows * self.columns * self.samples
        if self.photometric in SUBSAMPLED:
            samples = self.rows * self.columns * 2  # Y Y Cb Cr for two pixels
        return samples * self.bits_allocated


def pixel_keyword(dataset: Dataset) -> str | None:
    """Return which of the three pixel attributes the dataset has, or None.

    Raises
    ------
    MalformedDataset
        More than one: PS3.3 lets an image have one only, and nobody would look
        at the second.
    """
    present = [keyword for keyword in PIXEL_KEYWORDS if keyword in dataset]
    if len(present) > 1:
        raise MalformedDataset("more than one pixel attribute is present")
    return present[0] if present else None


def layout_of(dataset: Dataset, keyword: str) -> Layout:
    """Return the layout that the Image Pixel attributes declare.

    Raises
    ------
    MalformedDataset
        An attribute is missing, is not a number or contradicts another.
    Undecodable
        A photometric interpretation or depth that is not decoded here.
    """
    floating = keyword != "PixelData"
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    samples = integer(dataset, "SamplesPerPixel", 1 if floating else None)
    frames = integer(dataset, "NumberOfFrames", 1)
    if rows < 1 or columns < 1 or frames < 1:
        raise MalformedDataset("Rows, Columns or NumberOfFrames is zero")
    photometric = text(dataset, "PhotometricInterpretation")
    if not photometric:
        raise MalformedDataset("PhotometricInterpretation is missing")
    if (photometric in GREY and samples != 1) or (photometric in COLOUR and samples != 3):
        raise MalformedDataset("SamplesPerPixel contradicts PhotometricInterpretation")
    if photometric not in GREY | COLOUR:
        raise Undecodable("PhotometricInterpretation is not one that is decoded here")
    allocated, stored, high, signed = _depth(dataset, keyword)
    planar = integer(dataset, "PlanarConfiguration", -1) if samples > 1 else 0
    if planar not in {-1, 0, 1}:
        raise MalformedDataset("PlanarConfiguration is neither 0 nor 1")
    if photometric in SUBSAMPLED and allocated != 8:
        raise Undecodable("subsampled colour of more than 8 bits")
    return Layout(
        keyword=keyword,
        rows=rows,
        columns=columns,
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=signed,
        photometric=photometric,
        planar=planar,
        frames=frames,
    )


def _depth(dataset: Dataset, keyword: str) -> tuple[int, int, int, bool]:
    if keyword != "PixelData":
        bits = 32 if keyword == "FloatPixelData" else 64
        if value_of(dataset, "BitsAllocated") not in {None, bits}:
            raise MalformedDataset(f"BitsAllocated contradicts {keyword}")
        return bits, bits, bits - 1, True
    allocated = integer(dataset, "BitsAllocated")
    stored = integer(dataset, "BitsStored")
    high = integer(dataset, "HighBit", stored - 1)
    representation = integer(dataset, "PixelRepresentation")
    if allocated not in _INTEGER_BITS:
        raise Undecodable("BitsAllocated is not 1, 8, 16, 32 or 64")
    if not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        raise MalformedDataset("BitsStored or HighBit does not fit BitsAllocated")
    if representation not in {0, 1}:
        raise MalformedDataset("PixelRepresentation is neither 0 nor 1")
    return allocated, stored, high, representation == 1
