"""The judgement whether an object may show a face, or one could be made of its series.

No step of this version takes a face off an image. Under Clean Recognizable Visual
Features an object that may show one is withheld; the option is never claimed.

Each object is judged by itself, as one slice of a series of unknown length: nobody
knows which others will come, or came. So what frees a slice has to hold for this
slice, and for each frame of a stack. In doubt it is a head.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from deid_node.errors import RecognizableFeatures
from deid_node.metadata.faces.drawing import is_drawing
from deid_node.metadata.faces.kinds import SLICED, Sight, is_of_heads, sight_of
from deid_node.metadata.faces.outlines import shows_skin
from deid_node.metadata.faces.parts import Part, part_of_code, parts_named
from deid_node.metadata.faces.planes import Plane, Planes
from deid_node.metadata.faces.texts import (
    BODY_PART_EXAMINED,
    MODALITY,
    PIXEL_SPACING,
    coils,
    descriptions,
    first,
    plain,
    regions,
    texts,
)
from deid_node.metadata.faces.trunk import (
    Slice,
    has_skull,
    is_larger_than_head,
    shows_no_head,
    slice_of,
)
from deid_node.pixeldata.attributes import twin_of
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword

_SMALL_MM: Final = 60.0
"""No image of this size holds a face; a finger, a tooth, a mouse."""

_LONGEST_MM: Final = MappingProxyType(
    {
        Part.SHOULDER: 220.0,
        Part.ARM: 250.0,
        Part.HEART: 380.0,
        Part.TRUNK: 400.0,
        Part.LEG: 520.0,
    }
)
"""How long an image around that part may be before a face comes into it."""

_WIDER_THAN_HEADS: Final = frozenset({Part.HEART, Part.TRUNK})
"""Parts around which a body is larger than a head, of whoever is not a child."""

_BESIDE_HEAD: Final = frozenset({Part.SHOULDER, Part.ARM})
"""Parts that may lie beside the head, so that a slice across the body may cut both."""


def require_faceless(dataset: Dataset) -> None:
    """Return if no face can be seen on `dataset` or made of it and its neighbours.

    Raises
    ------
    RecognizableFeatures
        It may show a face, or a part of one.
    CleaningError
        Its pixels had to be looked at and cannot be decoded.

    Source
    ------
    PS3.15 E.3.2 (Clean Recognizable Visual Features Option).
    """
    sight = sight_of(dataset)
    if sight is Sight.NONE:
        return
    part = Part.HEAD if is_of_heads(dataset) else named_part(dataset)
    if part is Part.HEAD or not _is_free(dataset, sight, part):
        raise RecognizableFeatures


def named_part(dataset: Dataset) -> Part:
    """Return the part nearest to the face that the header names.

    `Part.UNKNOWN` where it names none, and where a Body Part Examined or an anatomic region
    is not known, whatever the descriptions name beside it.
    """
    named: set[Part] = set()
    for text in texts(dataset, BODY_PART_EXAMINED):
        named |= parts_named(plain(text)) or ({Part.UNKNOWN} if text.strip() else set())
    for code, meaning in regions(dataset):
        by_code = part_of_code(code)
        named |= parts_named(plain(meaning)) | ({by_code} if by_code is not None else set()) or {
            Part.UNKNOWN
        }
    for text in descriptions(dataset):
        named |= parts_named(plain(text))
    if any(coils(dataset)):
        named.add(Part.HEAD)
    return min(named, default=Part.UNKNOWN)


def _is_free(dataset: Dataset, sight: Sight, part: Part) -> bool:
    match sight:
        case Sight.PROJECTION:
            return part > Part.UNKNOWN
        case Sight.OUTLINES:
            return part > Part.CHEST or not shows_skin(dataset)
        case Sight.EMISSION:
            return True
        case Sight.CAPTURE:
            return _is_capture_free(dataset, part)
        case Sight.SLICES:
            return _are_slices_free(dataset, part)
    return False


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """The frames of one instance, how each lies, and what made them."""

    frames: Frames
    planes: Planes
    modality: str

    def shown(self, index: int, plane: Plane) -> Slice | None:
        """Return what frame `index` shows, or None where body and air cannot be told apart."""
        layout = self.frames.layout
        if layout.samples != 1 or layout.photometric == "PALETTE COLOR":
            return None
        values = values_of(self.frames[index], layout)
        if not np.isfinite(values).all():
            return None
        return slice_of(values, plane, self.planes.scale(index), modality=self.modality)


def _is_capture_free(dataset: Dataset, part: Part) -> bool:
    if first(dataset, MODALITY) in SLICED and PIXEL_SPACING in dataset:
        return part > Part.CHEST and _are_slices_free(dataset, part)
    return part > Part.CHEST or _is_drawn(dataset)


def _are_slices_free(dataset: Dataset, part: Part) -> bool:
    keyword = pixel_keyword(dataset)
    if keyword is None:
        return part is Part.LEG
    twin = twin_of(dataset)
    frames = Frames(twin, keyword)
    stack = _Stack(frames, Planes(twin, frames.layout), first(dataset, MODALITY))
    return all(_is_frame_free(stack, index, part) for index in range(len(frames)))


def _is_frame_free(stack: _Stack, index: int, part: Part) -> bool:
    plane = stack.planes.plane(index)
    if plane is None:
        return part is Part.LEG
    if plane.longest_mm < _SMALL_MM:
        return True
    longest = _LONGEST_MM.get(part)
    if longest is None:
        shown = stack.shown(index, plane) if plane.across else None
        return shown is not None and shows_no_head(shown)
    if plane.longest_mm > longest and (part in _BESIDE_HEAD or not plane.across):
        return False
    shown = stack.shown(index, plane)
    if part in _WIDER_THAN_HEADS:
        return shown is not None and is_larger_than_head(shown)
    return shown is None or not has_skull(shown)


def _is_drawn(dataset: Dataset) -> bool:
    keyword = pixel_keyword(dataset)
    if keyword is None:
        return False
    frames = Frames(twin_of(dataset), keyword)
    return all(is_drawing(values_of(words, frames.layout)) for words in frames)
