"""Objects whose content nobody can look into here: a written table.

An object without Pixel Data is no trouble in itself (a report or a plan is the
metadata room's work, a waveform or a mesh is numbers). Trouble is a payload that
shows or says something and is opaque: a document, a drawing, a voice.

Source: PS3.3 A.45 (encapsulated documents), A.34.2.4.6 (audio waveforms), A.61
(implant templates), F.3 (directories); PS3.4 B.5.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydicom.dataset import Dataset

from deid_node.errors import ResidualText, UnsupportedObject
from deid_node.pixeldata.attributes import text

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1"

OPAQUE_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{_STORAGE}.104.1": "encapsulated PDF",
        f"{_STORAGE}.104.2": "encapsulated CDA",
        f"{_STORAGE}.104.3": "encapsulated STL",
        f"{_STORAGE}.104.4": "encapsulated OBJ",
        f"{_STORAGE}.104.5": "encapsulated MTL",
        f"{_STORAGE}.9.4.1": "voice",
        f"{_STORAGE}.9.4.2": "audio",
        "1.2.840.10008.1.3.10": "a directory",
    }
)
"""SOP classes that are withheld whatever they hold."""

OPAQUE_ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "EncapsulatedDocument": "an encapsulated document",
        "HPGLDocument": "a drawing",
        # (0028,7FE0): the pixels are on a server.
        "PixelDataProviderURL": "pixels that are elsewhere",
    }
)
"""Attributes that withhold any object they stand in."""


MAPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{_STORAGE}.66.4": "a segmentation",
        f"{_STORAGE}.66.7": "a label map",
        f"{_STORAGE}.30": "a parametric map",
        f"{_STORAGE}.481.2": "a dose grid",
    }
)
"""SOP classes whose pixels are labels or quantities, not a picture that could be filled."""


def require_picture(dataset: Dataset) -> None:
    """Check that filling pixels of the object keeps its meaning.

    Raises
    ------
    ResidualText
        Its pixels are labels or quantities: a filled pixel would be a false
        finding, so what looks like text there is for a person to judge.
    """
    what = MAPS.get(text(dataset, "SOPClassUID"))
    if what is not None:
        raise ResidualText(f"something like text is seen in {what}, which is not filled")


def require_open(dataset: Dataset) -> None:
    """Check that the object holds nothing but attributes and pixels.

    Raises
    ------
    UnsupportedObject
        Its class or one of its attributes is in the tables above.
    """
    opaque = OPAQUE_CLASSES.get(text(dataset, "SOPClassUID"))
    if opaque is not None:
        raise UnsupportedObject(f"{opaque} cannot be looked into")
    for keyword, what in OPAQUE_ATTRIBUTES.items():
        if keyword in dataset:
            raise UnsupportedObject(f"{what} cannot be looked into")
