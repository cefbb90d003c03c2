"""Pictures beside the picture: overlays, curves, icons, at every depth.

An icon is a small copy of the dirty image; an overlay is a bitmap in which
workstations write names; both stay behind when only Pixel Data is cleaned.

Source: PS3.3 C.9.2 (Overlay Plane), C.7.6.1.1.6 (Icon Image Sequence), PS3.3-2004
C.10.2 (Curve, retired).
"""

import warnings
from typing import Final

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from deid_node.errors import MalformedDataset, UnsupportedObject
from deid_node.pixeldata.attributes import twin_of
from deid_node.pixels.hidden.overlays import STAYING

_ICON: Final = Tag(0x0088, 0x0200)
_PIXELS: Final = frozenset({Tag(0x7FE0, 0x0008), Tag(0x7FE0, 0x0009), Tag(0x7FE0, 0x0010)})
_REPEATING: Final = (0x5000, 0x6000)


def without_hidden_pictures(
    dataset: Dataset, staying: frozenset[int] = frozenset()
) -> tuple[Dataset, bool]:
    """Return a twin of `dataset` without overlays, curves and icons, and whether there were any.

    Overlay planes in the groups `staying` stay, without their labels. `dataset` is not
    written to; sequences that lose something are replaced in the twin, all other
    elements are shared.

    Raises
    ------
    UnsupportedObject
        Pixel Data stands in an item of some other standard sequence.
    MalformedDataset
        A sequence cannot be read.
    """
    return _stripped(dataset, nested=False, staying=staying)


def _stripped(
    dataset: Dataset, *, nested: bool, staying: frozenset[int] = frozenset()
) -> tuple[Dataset, bool]:
    twin = twin_of(dataset)
    removed = False
    for tag, element in tuple(twin.items()):
        if nested and tag in _PIXELS:
            raise UnsupportedObject("pixels stand in a sequence other than IconImageSequence")
        if tag.group in staying and tag.element in STAYING:
            continue
        if tag == _ICON or (tag.group & 0xFF00 in _REPEATING and not tag.group & 1):
            del twin[tag]
            removed = True
        elif _is_sequence(tag, element):
            removed |= _strip_sequence(twin, tag)
    return twin, removed


def _strip_sequence(twin: Dataset, tag: BaseTag) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            items = list(twin[tag].value or ())
    except Exception:  # noqa: BLE001 - whatever a broken sequence makes pydicom raise
        raise MalformedDataset("a sequence cannot be read") from None
    try:
        stripped = [_stripped(item, nested=True) for item in items]
    except UnsupportedObject:
        if not tag.is_private:
            raise
        # Private content is not kept by any option that we know of: it can go whole.
        del twin[tag]
        return True
    if not any(removed for _, removed in stripped):
        return False
    twin[tag] = DataElement(tag, "SQ", Sequence([item for item, _ in stripped]))
    return True


def _is_sequence(tag: BaseTag, element: DataElement | RawDataElement) -> bool:
    if isinstance(element, DataElement) or element.VR not in {None, "UN"}:
        return element.VR == "SQ"
    try:
        return bool(dictionary_VR(tag) == "SQ")
    except KeyError:
        return False
