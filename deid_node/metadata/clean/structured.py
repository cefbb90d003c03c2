"""Content items of structured reports, cleaned so that the tree stays a tree.

No item goes and none comes: what an item says is replaced inside it. References
by position (Referenced Content Item Identifier) would otherwise point elsewhere.
"""

from collections.abc import Sequence

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from deid_node.metadata.clean.cleaning import Planned
from deid_node.metadata.clean.codes import MEANING, CodeCleaner
from deid_node.metadata.clean.concepts import Concepts, Kind
from deid_node.metadata.clean.descriptors import DescriptorCleaner
from deid_node.metadata.encoding.dummies import dummy, dummy_code
from deid_node.metadata.encoding.elements import element_at, elements_of, items_of, text_of, vr_of

CONTENT = 0x0040A730
ACQUISITION_CONTEXT = 0x00400555
SPECIMEN_PREPARATION = 0x00400610
_STEP_CONTENT = 0x00400612
_CONCEPT = 0x0040A168
_TEXT_VALUE = 0x0040A160
_DATES = (0x0040A120, 0x0040A121, 0x0040A122)
_SECRET = frozenset({Kind.IDENTITY, Kind.CHARACTERISTIC})


class ContentCleaner:
    """Cleans the content items of one instance."""

    def __init__(
        self,
        descriptors: DescriptorCleaner,
        codes: CodeCleaner,
        concepts: Concepts,
        *,
        keeps_characteristics: bool,
    ) -> None:
        self._descriptors = descriptors
        self._codes = codes
        self._concepts = concepts
        self._keeps_characteristics = keeps_characteristics

    def content(self, items: Sequence[Dataset], planned: Planned) -> Sequence[Dataset]:
        """Return the content items for `items`: same order, relationship and value types.

        The plan has replaced names by a dummy, UIDs and references by new ones,
        and done with dates what the options say. What it cannot see is done
        here: text keeps words of the trade (a dummy stands where none is left),
        codes are checked, and what a concept names as somebody's name, number,
        birth or body does not stay.

        Source
        ------
        PS3.15 E.3.4 (Clean Structured Content Option); PS3.3 C.17.3.
        """
        return [self._item(item, planned(item)) for item in items]

    def preparations(self, items: Sequence[Dataset], planned: Planned) -> Sequence[Dataset]:
        """Return the steps of Specimen Preparation Sequence, their content items cleaned."""
        result = []
        for item in items:
            new = planned(item)
            steps = element_at(item, _STEP_CONTENT)
            if steps is not None:
                cleaned = self.content(items_of(steps, item), planned)
                new[_STEP_CONTENT] = DataElement(_STEP_CONTENT, "SQ", Items(cleaned))
            result.append(new)
        return result

    def with_codes(self, new: Dataset) -> Dataset:
        """Return `new`, its coded entries at every depth cleaned; it may be written to.

        What stands in a Content Sequence below was cleaned on the way.
        """
        for element in list(elements_of(new)):
            if int(element.tag) != CONTENT and vr_of(element) == "SQ":
                items = [self.with_codes(item) for item in items_of(element, new)]
                new[element.tag] = DataElement(element.tag, "SQ", Items(items))
        return self._codes.clean(new) if MEANING in new else new

    def _item(self, item: Dataset, new: Dataset) -> Dataset:
        if self._is_secret(item):
            _blank(item, new)
        else:
            text = element_at(item, _TEXT_VALUE)
            cleaned = None if text is None else self._descriptors.clean(text_of(text, item))
            if cleaned is not None:
                new[_TEXT_VALUE] = DataElement(_TEXT_VALUE, "UT", cleaned)
        return self.with_codes(new)

    def _is_secret(self, item: Dataset) -> bool:
        secret = {Kind.IDENTITY} if self._keeps_characteristics else _SECRET
        return not secret.isdisjoint(self._concepts.kinds_of(item))


def _blank(item: Dataset, new: Dataset) -> None:
    """Take the value out of an item whose concept says that it is about somebody.

    The plan has put a dummy for text and names already, and `Measured` has judged
    the numbers.
    """
    if _CONCEPT in new:
        new[_CONCEPT] = DataElement(_CONCEPT, "SQ", Items([dummy_code()]))
    for tag in _DATES:
        date = element_at(item, tag)
        if date is not None and tag in new:
            new[tag] = dummy(date, item)
