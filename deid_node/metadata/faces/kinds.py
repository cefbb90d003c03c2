"""What an object can show of a body, by what it is.

Source: PS3.4 Table B.5-1 (storage classes); PS3.3 C.7.3.1.1.1 (modalities), C.7.6.1.1.2
(Image Type), C.8.4.9 (that of NM).
"""

from enum import StrEnum
from typing import Final

from pydicom.dataset import Dataset

from deid_node.metadata.faces.texts import (
    CODE_VALUE,
    IMAGE_TYPE,
    MODALITY,
    SOP_CLASS_UID,
    first,
    items,
    texts,
)
from deid_node.pixeldata.layout import PIXEL_KEYWORDS

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."


class Sight(StrEnum):
    """How a face could come into an object."""

    PHOTOGRAPH = "photograph"
    """Visible light, or the surface of a body: a face without any rendering."""

    SLICES = "slices"
    """Slices that can be stacked into a body with its skin."""

    PROJECTION = "projection"
    """A shadow of the body: of a head from the side, the profile."""

    EMISSION = "emission"
    """A flat picture of a gamma camera: organs that take something up, and no skin."""

    CAPTURE = "capture"
    """A screen, a paper, or anything: a rendered face among others."""

    OUTLINES = "outlines"
    """Contours and segments, the skin among others."""

    NONE = "none"
    """Sound, cells, the inner eye, quantities, texts."""


_PHOTOGRAPH_MODALITIES: Final = frozenset(
    {"XC", "DMS", "ES", "GM", "OP", "OPV", "LS", "OSS", "TG", "DG", "BI"}
)
SLICED: Final = frozenset({"CT", "MR", "PT", "NM"})
"""Modalities whose images are slices of a body."""
_PROJECTION_MODALITIES: Final = frozenset(
    {"CR", "DX", "RF", "XA", "RG", "PX", "IO", "RTIMAGE", "DF", "XF", "DS", "CF"}
)

_PHOTOGRAPH_CLASSES: Final = (
    f"{_STORAGE}77.1.1",  # endoscopes, still and moving
    f"{_STORAGE}77.1.4",  # cameras, still and moving
    f"{_STORAGE}77.1.7",  # dermoscopes
    f"{_STORAGE}68",  # surface scans
)
_FACELESS_CLASSES: Final = (
    f"{_STORAGE}1.2",  # breasts
    f"{_STORAGE}13.1.3",
    f"{_STORAGE}13.1.4",
    f"{_STORAGE}13.1.5",
    f"{_STORAGE}4.2",  # spectra
    f"{_STORAGE}77.1.2",  # microscopes
    f"{_STORAGE}77.1.3",
    f"{_STORAGE}77.1.6",
    f"{_STORAGE}77.1.8",
    f"{_STORAGE}77.1.9",
    f"{_STORAGE}77.1.5.4",  # tomography of the inner eye, and what is made of it
    f"{_STORAGE}77.1.5.5",
    f"{_STORAGE}77.1.5.6",
    f"{_STORAGE}77.1.5.7",
    f"{_STORAGE}77.1.5.8",
)
_CAMERA_TYPES: Final = 0x00220015
_FUNDUS_CAMERAS: Final = frozenset({"409898007", "R-1021A", "392001008", "A-00FBE"})
"""Fundus Camera and Scanning Laser Ophthalmoscope of CID 4202: they see the inner eye."""
_SLICE_CLASSES: Final = frozenset(
    {
        f"{_STORAGE}2",  # CT
        f"{_STORAGE}2.1",
        f"{_STORAGE}2.2",
        f"{_STORAGE}4",  # MR
        f"{_STORAGE}4.1",
        f"{_STORAGE}4.3",
        f"{_STORAGE}4.4",
        f"{_STORAGE}13.1.1",  # X-ray volumes, those of the head included
        f"{_STORAGE}13.1.2",
        f"{_STORAGE}20",  # NM
        f"{_STORAGE}128",  # PET
        f"{_STORAGE}128.1",
        f"{_STORAGE}130",
    }
)
_CAPTURE_CLASS: Final = f"{_STORAGE}7"
_OUTLINE_CLASSES: Final = frozenset(
    {
        f"{_STORAGE}66.4",  # Segmentation
        f"{_STORAGE}66.5",  # Surface Segmentation
        f"{_STORAGE}66.7",  # Label Map Segmentation
        f"{_STORAGE}481.3",  # RT Structure Set
    }
)
_FLAT_SCANS: Final = frozenset({"STATIC", "WHOLE BODY", "DYNAMIC", "GATED"})
"""Third value of Image Type in NM. TOMO is not among them: slices are made of its pictures."""

_FACELESS_MODALITIES: Final = frozenset(
    {"US", "IVUS", "MG", "OPT", "OCT", "SM", "IVOCT", "SEG", "RTDOSE"}
)
"""Sound, breasts, the inner eye, cells, quantities: on none of them has anybody a face."""

_HEAD_CLASSES: Final = frozenset({f"{_STORAGE}13.1.2"})


def sight_of(dataset: Dataset) -> Sight:
    """Return how a face could come into `dataset`; what is not known counts as a capture."""
    sop_class = next(texts(dataset, SOP_CLASS_UID), "")
    modality = first(dataset, MODALITY)
    if sop_class in _OUTLINE_CLASSES:
        return Sight.OUTLINES
    if _is_one_of(sop_class, _FACELESS_CLASSES) or _is_fundus(dataset, modality):
        return Sight.NONE
    if _is_one_of(sop_class, _PHOTOGRAPH_CLASSES) or modality in _PHOTOGRAPH_MODALITIES:
        return Sight.PHOTOGRAPH
    if modality in _FACELESS_MODALITIES:
        return Sight.NONE
    captured = _is_one_of(sop_class, (_CAPTURE_CLASS,))
    if modality == "NM" and _is_flat(dataset):
        return Sight.EMISSION
    if not captured and (modality in SLICED or sop_class in _SLICE_CLASSES):
        # A scout is the shadow of the whole body, whatever class it is sent in.
        scout = modality == "CT" and "LOCALIZER" in set(texts(dataset, IMAGE_TYPE))
        return Sight.PROJECTION if scout else Sight.SLICES
    if not any(keyword in dataset for keyword in PIXEL_KEYWORDS):
        return Sight.NONE
    if modality in _PROJECTION_MODALITIES:
        return Sight.PROJECTION
    return Sight.CAPTURE


def is_of_heads(dataset: Dataset) -> bool:
    """Return whether objects of this class or modality are made of heads only."""
    return next(texts(dataset, SOP_CLASS_UID), "") in _HEAD_CLASSES or (
        first(dataset, MODALITY) == "PX"
    )


def _is_one_of(sop_class: str, classes: tuple[str, ...]) -> bool:
    """Return whether it is one of `classes` or stands below one."""
    return f"{sop_class}.".startswith(tuple(f"{one}." for one in classes))


def _is_fundus(dataset: Dataset, modality: str) -> bool:
    cameras = [next(texts(item, CODE_VALUE), "") for item in items(dataset, _CAMERA_TYPES)]
    return modality == "OP" and bool(cameras) and _FUNDUS_CAMERAS.issuperset(cameras)


def _is_flat(dataset: Dataset) -> bool:
    image_type = [value.strip().upper() for value in texts(dataset, IMAGE_TYPE)]
    return len(image_type) > 2 and image_type[2] in _FLAT_SCANS
