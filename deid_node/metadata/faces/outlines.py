"""Contours and segments: whether one of them is the outside of a body.

Segments of an organ show no face, those of a head or its skin do: a radiotherapy plan has
the outline of the patient in it, and a segmentation may have the skin.

Source: PS3.3 C.8.8.5 (Structure Set), C.8.8.8 (RT ROI Observations), C.8.20.2 (Segmentation
Image), C.8.23.1 (Surface Segmentation).
"""

from collections.abc import Iterator
from typing import Final

from pydicom.dataset import Dataset

from deid_node.metadata.faces.parts import Part, names_skin, parts_named
from deid_node.metadata.faces.texts import CODE_MEANING, items, plain, texts

_STRUCTURES: Final = 0x30060020
_OBSERVATIONS: Final = 0x30060080
_SEGMENTS: Final = 0x00620002
_NAMES: Final = (
    0x30060026,  # ROI Name
    0x30060028,  # ROI Description
    0x30060085,  # ROI Observation Label
    0x00620005,  # Segment Label
    0x00620006,  # Segment Description
)
_CODED: Final = (
    0x0062000F,  # Segmented Property Type Code Sequence
    0x00082218,  # Anatomic Region Sequence
    0x30060086,  # RT ROI Identification Code Sequence
)
_INTERPRETED_TYPE: Final = 0x300600A4


def shows_skin(dataset: Dataset) -> bool:
    """Return whether an outline or a segment is, or may be, the outside of a body or a head."""
    entries = [
        item for tag in (_STRUCTURES, _OBSERVATIONS, _SEGMENTS) for item in items(dataset, tag)
    ]
    if not entries:
        return True
    return any(_is_skin(text) for item in entries for text in _said_of(item))


def _said_of(item: Dataset) -> Iterator[str]:
    for tag in (*_NAMES, _INTERPRETED_TYPE):
        yield from texts(item, tag)
    for tag in _CODED:
        for code in items(item, tag):
            yield from texts(code, CODE_MEANING)


def _is_skin(text: str) -> bool:
    words = plain(text)
    return names_skin(words) or Part.HEAD in parts_named(words)
