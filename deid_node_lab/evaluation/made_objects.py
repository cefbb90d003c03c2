"""Text-free objects made by code: what scanners and tools make, and finders stumble over.

Mosaics of 4 x 4 to 8 x 8 slices, masks of 0 and 1 as segmentations and as plain frames,
label maps, phantoms, low matrices. They are drawn apart from what a finder trains on: who
examines does not take the questions of the lesson.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

Grey = NDArray[np.uint8]

_UID: Final = "1.2.826.0.1.3680043.8.498.91"
_DEPTH: Final = 12
_TILES: Final = (4, 5, 6, 7, 8)
_TILE_PIXELS: Final = (64, 80, 96, 128)
_PHANTOM_SIDES: Final = (96, 128, 192, 256)
VARIOUS: Final = "various"
"""Anatomy of what is made of slices of each."""


@dataclass(frozen=True, slots=True, eq=False)
class MadeObject:
    """An instance with what it shows."""

    modality: str
    anatomy: str
    kind: str
    dataset: Dataset = field(repr=False)


def mosaic_of(slices: Sequence[Grey], *, across: int, tile: int, seed: int) -> Dataset:
    """Return `across` x `across` of `slices`, each `tile` pixels wide, as one MR instance.

    As functional scanners send a volume (Image Type value 3 MOSAIC): neighbouring slices
    in rows, the last tiles empty, 12 bits, some noise everywhere.
    """
    chance = np.random.default_rng(seed)
    sheet = np.zeros((across * tile, across * tile), np.float64)
    used = across * across - int(chance.integers(0, across))
    for place in range(used):
        # From end to end, as slices follow each other through a body.
        one = slices[place * len(slices) // used]
        row, column = divmod(place, across)
        part = slice(row * tile, (row + 1) * tile), slice(column * tile, (column + 1) * tile)
        sheet[part] = cv2.resize(one, (tile, tile), interpolation=cv2.INTER_AREA)
    levels = sheet * 6 + np.abs(chance.normal(0, 8, sheet.shape))
    dataset = deep_instance(levels, MRImageStorage, "MR")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    return dataset


def made_objects(slices: Mapping[str, Sequence[Grey]], *, seed: int) -> Iterator[MadeObject]:
    """Yield the same objects for the same `slices` and `seed`.

    Parameters
    ----------
    slices
        Grey text-free pictures by what they show; those of one name lie in order.
    """
    chance = np.random.default_rng(seed)
    for anatomy, own in slices.items():
        for across in _TILES:
            tile = int(chance.choice(_TILE_PIXELS))
            made = mosaic_of(own, across=across, tile=tile, seed=int(chance.integers(1 << 30)))
            yield MadeObject("MR", anatomy, "mosaic", made)
        for number in np.unique(np.linspace(0, len(own) - 1, 3).astype(int)):
            one = own[int(number)]
            yield MadeObject("SEG", VARIOUS, "mask of an organ", segmentation(_organ(one)))
            yield MadeObject("OT", VARIOUS, "mask of 0 and 1", _plain_mask(_organ(one)))
            yield MadeObject("OT", VARIOUS, "label map", _plain_mask(_labels(one)))
            side = int(chance.choice((32, 48, 64, 96, 128)))
            small = cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA)
            made = deep_instance(small.astype(np.float64) * 8, MRImageStorage, "MR")
            yield MadeObject("MR", VARIOUS, "low matrix", made)
    for name, draw in _PHANTOMS.items():
        for side in _PHANTOM_SIDES:
            levels = draw(side, chance) + chance.normal(0, 0.01, (side, side))
            for sop_class, modality in ((MRImageStorage, "MR"), (CTImageStorage, "CT")):
                made = deep_instance(levels * 2400, sop_class, modality)
                yield MadeObject(modality, "none", f"phantom: {name}", made)
    for name, mask in (("ring", _ring), ("grid of blobs", _blobs), ("ribs", _ribs)):
        for side in _PHANTOM_SIDES:
            yield MadeObject("SEG", "none", f"mask: {name}", segmentation(mask(side)))


def deep_instance(levels: NDArray[np.float64], sop_class: str, modality: str) -> Dataset:
    """Return grey levels from 0 to 4095 as an instance of 12 stored bits, cut where beyond."""
    dataset = _instance(sop_class, modality, *levels.shape)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, _DEPTH, _DEPTH - 1
    stored = np.clip(np.rint(levels), 0, (1 << _DEPTH) - 1).astype("<u2")
    dataset.add_new("PixelData", "OW", stored.tobytes())
    return dataset


def segmentation(mask: NDArray[np.bool_]) -> Dataset:
    """Return `mask` as a binary segmentation of one frame: one bit a pixel."""
    dataset = _instance(SegmentationStorage, "SEG", *mask.shape)
    dataset.SegmentationType = "BINARY"
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit, dataset.NumberOfFrames = 0, 1
    packed = np.packbits(mask.ravel(), bitorder="little").tobytes()
    dataset.add_new("PixelData", "OB", packed + b"\x00" * (len(packed) % 2))
    return dataset


def _plain_mask(labels: NDArray[np.uint8] | NDArray[np.bool_]) -> Dataset:
    dataset = _instance(SecondaryCaptureImageStorage, "OT", *labels.shape)
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    stored = labels.astype(np.uint8).tobytes()
    dataset.add_new("PixelData", "OB", stored + b"\x00" * (len(stored) % 2))
    return dataset


def _instance(sop_class: str, modality: str, rows: int, columns: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = sop_class, _UID, modality
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelRepresentation = 0
    return dataset


def _organ(picture: Grey) -> NDArray[np.bool_]:
    """Return the bright part of a slice, as a threshold tool marks it."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 2)
    threshold, _ = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(smooth > threshold, np.bool_)


def _labels(picture: Grey) -> NDArray[np.uint8]:
    """Return four tissues as the values 0 to 3."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 2)
    edges = np.percentile(smooth, (50, 75, 92))
    return np.digitize(smooth, np.maximum(edges, 1)).astype(np.uint8)


def _distance(side: int, row: float, column: float) -> NDArray[np.float64]:
    """Return how far each pixel lies from a centre, all in shares of the side."""
    places = (np.arange(side) + 0.5) / side
    return np.asarray(np.hypot(places[:, None] - row, places[None, :] - column))


def _disc(side: int, row: float, column: float, radius: float) -> NDArray[np.float64]:
    inside = (radius - _distance(side, row, column)) * side + 0.5
    return np.asarray(np.clip(inside, 0, 1), np.float64)


def _sphere(side: int, chance: np.random.Generator) -> NDArray[np.float64]:
    row, column = chance.uniform(0.4, 0.6, 2)
    shade = 1 - 0.4 * _distance(side, row, column)
    return _disc(side, row, column, chance.uniform(0.25, 0.4)) * shade


def _vials(side: int, chance: np.random.Generator) -> NDArray[np.float64]:
    levels = 0.2 * _disc(side, 0.5, 0.5, 0.45)
    for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        row, column = 0.5 + 0.3 * np.sin(turn), 0.5 + 0.3 * np.cos(turn)
        levels += chance.uniform(0.1, 0.8) * _disc(side, row, column, 0.05)
    return levels


def _bars(side: int, chance: np.random.Generator) -> NDArray[np.float64]:
    levels = 0.5 * _disc(side, 0.5, 0.5, 0.45)
    for group, pitch in enumerate((2, 3, 4, 6)):
        row, column = round(side * (0.25 + 0.13 * group)), round(side * chance.uniform(0.3, 0.5))
        length, thick = max(4, side // 8), max(3, side // 16)
        for bar in range(5):
            left = column + bar * pitch
            levels[row : row + thick, left : left + max(1, pitch // 2)] = 1.0
            levels[row : row + length, left] = np.maximum(levels[row : row + length, left], 0.9)
    return levels


def _ring(side: int) -> NDArray[np.bool_]:
    distance = _distance(side, 0.5, 0.5)
    return np.asarray((distance > 0.28) & (distance < 0.36), np.bool_)


def _rings(side: int, chance: np.random.Generator) -> NDArray[np.float64]:
    distance = _distance(side, 0.5, 0.5)
    inner = chance.uniform(0.15, 0.2)
    gap = (distance > inner) & (distance < inner + 0.02)
    return np.asarray(0.7 * ((distance < 0.42) & ~gap), np.float64)


def _grid(side: int, chance: np.random.Generator) -> NDArray[np.float64]:
    pitch = int(chance.integers(8, 15))
    levels = 0.6 * _disc(side, 0.5, 0.5, 0.42)
    lines = (np.arange(side) % pitch) < 1
    return np.asarray(levels * ~(lines[:, None] | lines[None, :]), np.float64)


def _holes(side: int, chance: np.random.Generator) -> NDArray[np.float64]:
    levels = 0.7 * _disc(side, 0.5, 0.5, 0.42)
    for row in range(4):
        for column in range(4):
            top, left = 0.35 + 0.08 * row, 0.35 + 0.08 * column
            levels -= 0.6 * _disc(side, top, left, float(chance.uniform(0.5, 2.0)) / side)
    return np.asarray(np.maximum(levels, 0), np.float64)


def _blobs(side: int) -> NDArray[np.bool_]:
    levels = sum(
        _disc(side, row, column, 0.03)
        for row in np.linspace(0.2, 0.8, 5)
        for column in np.linspace(0.15, 0.85, 7)
    )
    return np.asarray(levels > 0.5, np.bool_)


def _ribs(side: int) -> NDArray[np.bool_]:
    canvas = np.zeros((side, side), np.uint8)
    for number in range(8):
        top = round(side * (0.15 + 0.09 * number))
        for left, turn in ((0.3, 0), (0.7, 180)):
            size = round(side * 0.18), round(side * 0.08)
            cv2.ellipse(canvas, (round(side * left), top), size, turn, 200, 340, 1, 2)
    return np.asarray(canvas > 0, np.bool_)


_PHANTOMS: Final[Mapping[str, Callable[[int, np.random.Generator], NDArray[np.float64]]]] = (
    MappingProxyType(
        {
            "sphere": _sphere,
            "vials": _vials,
            "bars": _bars,
            "rings": _rings,
            "grid": _grid,
            "holes": _holes,
        }
    )
)
