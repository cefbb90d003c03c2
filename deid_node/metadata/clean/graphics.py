"""Drawings of presentation states: their words are cleaned, their lines stay.

A line drawn by hand can spell a name, as the contour of an organ can. Lines are
points in the image and stay, see docs/decisions/metadata-kept-values.md.
"""

from collections.abc import Sequence

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from deid_node.metadata.clean.cleaning import Planned
from deid_node.metadata.clean.descriptors import DescriptorCleaner
from deid_node.metadata.encoding.elements import element_at, items_of, text_of

ANNOTATIONS = 0x00700001
_TEXT_OBJECTS = 0x00700008
_TEXT = 0x00700006


class GraphicsCleaner:
    """Cleans the graphic annotations of one instance."""

    def __init__(self, descriptors: DescriptorCleaner) -> None:
        self._descriptors = descriptors

    def annotations(self, items: Sequence[Dataset], planned: Planned) -> Sequence[Dataset]:
        """Return the annotations for `items`: as many, the same shapes, cleaned text.

        A text object with nothing left to say keeps its place and gets a dummy:
        its text is type 1.

        Source
        ------
        PS3.15 E.3.3 (Clean Graphics Option); PS3.3 C.10.5.
        """
        return [self._annotation(item, planned(item)) for item in items]

    def _annotation(self, item: Dataset, new: Dataset) -> Dataset:
        old_texts = element_at(item, _TEXT_OBJECTS)
        new_texts = element_at(new, _TEXT_OBJECTS)
        if old_texts is None or new_texts is None:
            return new
        cleaned = []
        pairs = zip(items_of(old_texts, item), items_of(new_texts, new), strict=True)
        for old, text_object in pairs:
            text = element_at(old, _TEXT)
            said = None if text is None else self._descriptors.clean(text_of(text, old))
            if said is not None:
                text_object[_TEXT] = DataElement(_TEXT, "ST", said)
            cleaned.append(text_object)
        new[_TEXT_OBJECTS] = DataElement(_TEXT_OBJECTS, "SQ", Items(cleaned))
        return new
