"""What kind of object an instance is: how likely text is to stand in its pixels.

Only what a header says can be asked, so each kind is one that a header may claim
without harm: the claim moves a threshold, it never spares a look.

Source: PS3.3 A.8 (secondary capture), A.32 (visible light), C.7.6.1.1.2 (Image Type),
C.8.6.1 (Conversion Type), C.8.12.4 (whole slides).
"""

from enum import StrEnum
from typing import Final

from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.attributes import items, text, value_of
from deid_node.pixeldata.layout import Layout
from deid_node.pixels.hidden.supported import MAPS

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1"
_DEEP_BITS: Final = 8
_ACQUIRING: Final = frozenset({"CT", "MR", "PT", "NM"})
_ULTRASOUND: Final = frozenset({"US", "IVUS"})
_CAPTURING: Final = frozenset({"OT", "SC", "DOC", "SR", "PR"})
_PHOTOGRAPHING: Final = frozenset({"XC", "ES", "GM", "SM", "OP", "DMS", "OPM"})


class Kind(StrEnum):
    """The rows of the table of bands; docs/decisions/pixels-finding.md says why each."""

    ACQUIRED = "acquired"
    """ORIGINAL and PRIMARY, CT, MR, PT or NM, grey, more than 8 bits."""

    DEEP = "deep"
    """Any other grey image of more than 8 bits: radiographs, derived series."""

    ULTRASOUND = "ultrasound"
    SCREEN = "screen"
    """Secondary captures, screens, scanned films and papers."""

    PHOTOGRAPH = "photograph"
    """Visible light: skin, endoscopy, the eye, tissue; slides without their label."""

    SLIDE_LABEL = "slide_label"
    MAP = "map"
    """Masks, label maps, dose grids, parametric maps: labels and quantities."""

    PLAIN = "plain"
    """All the rest, eight bits or colour."""


def kind_of(dataset: Dataset, layout: Layout) -> Kind:
    """Return the kind of an instance with pixels; what is broken counts as absent.

    Whoever claims to be acquired must claim nothing else: one sign of a screen, and
    it is a screen.
    """
    sop_class = text(dataset, "SOPClassUID")
    modality = _text(dataset, "Modality").upper()
    grey = layout.samples == 1 and layout.photometric in {"MONOCHROME1", "MONOCHROME2"}
    if sop_class in MAPS and layout.samples == 1:
        return Kind.MAP
    if shows_slide_label(dataset):
        return Kind.SLIDE_LABEL
    image_type = _values(dataset, "ImageType")
    if _is_captured(dataset, sop_class, modality, image_type):
        return Kind.SCREEN
    if modality in _ULTRASOUND or sop_class.startswith((f"{_STORAGE}.6.", f"{_STORAGE}.3.1")):
        return Kind.ULTRASOUND
    if modality in _PHOTOGRAPHING or sop_class.startswith(f"{_STORAGE}.77.1."):
        return Kind.PHOTOGRAPH
    if not grey or layout.bits_stored <= _DEEP_BITS:
        return Kind.PLAIN
    original = image_type[:2] == ("ORIGINAL", "PRIMARY")
    return Kind.ACQUIRED if original and modality in _ACQUIRING else Kind.DEEP


def shows_slide_label(dataset: Dataset) -> bool:
    """Return whether the image says that the label of a slide is in it.

    By Specimen Label in Image, or, of a slide, by the flavour LABEL in Image Type or
    Frame Type.
    """
    if _text(dataset, "SpecimenLabelInImage").upper() == "YES":
        return True
    sop_class = text(dataset, "SOPClassUID")
    if not sop_class.startswith(f"{_STORAGE}.77.1.") and _text(dataset, "Modality") != "SM":
        return False
    if "LABEL" in _values(dataset, "ImageType"):
        return True
    groups = [
        *_items(dataset, "SharedFunctionalGroupsSequence"),
        *_items(dataset, "PerFrameFunctionalGroupsSequence"),
    ]
    return any(
        "LABEL" in _values(frame_type, "FrameType")
        for group in groups
        for frame_type in _items(group, "WholeSlideMicroscopyImageFrameTypeSequence")
    )


def says_burned_in(dataset: Dataset) -> bool:
    """Return whether Burned In Annotation is YES."""
    return _text(dataset, "BurnedInAnnotation").upper() == "YES"


def _is_captured(
    dataset: Dataset, sop_class: str, modality: str, image_type: tuple[str, ...]
) -> bool:
    return (
        modality in _CAPTURING
        or sop_class == f"{_STORAGE}.7"
        or sop_class.startswith(f"{_STORAGE}.7.")
        or bool(_text(dataset, "ConversionType"))
        or any("SCREEN" in value or "CAPTURE" in value for value in image_type)
    )


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        return text(dataset, keyword)
    except MalformedDataset:
        return ""


def _values(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    try:
        value = value_of(dataset, keyword)
    except MalformedDataset:
        return ()
    if value is None:
        return ()
    many = [value] if isinstance(value, str) else list(value)
    return tuple(str(one).strip().upper() for one in many)


def _items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    try:
        return items(dataset, keyword)
    except MalformedDataset:
        return ()
