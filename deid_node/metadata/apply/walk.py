"""The plan carried out on one dataset, at every depth, into a new dataset.

What is kept is carried over as the bytes that lay in the file: nothing is
decoded and encoded again, so nothing changes and nothing can fail on the way.
"""

from collections import Counter
from functools import partial

from pydicom.charset import default_encoding
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from deid_node.dicom.tag_order import DEEPEST
from deid_node.errors import MalformedDataset, UnsupportedObject
from deid_node.metadata.apply.chronology import Chronology
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.apply.repacking import LOOKED_INTO, Repacker
from deid_node.metadata.clean.cleaning import Cleaners
from deid_node.metadata.clean.concepts import CONCEPT_NAME, Concepts
from deid_node.metadata.clean.forms import Forms
from deid_node.metadata.clean.kept import Keeper
from deid_node.metadata.clean.measured import Measured
from deid_node.metadata.clean.vocabulary import Vocabulary
from deid_node.metadata.crosswalk import Kind, Pair
from deid_node.metadata.encoding import dates
from deid_node.metadata.encoding.charsets import require_character_sets
from deid_node.metadata.encoding.dummies import dummy, dummy_code
from deid_node.metadata.encoding.elements import (
    Stored,
    carried,
    element_at,
    elements_of,
    encoding_of,
    is_empty,
    items_of,
    text_of,
    vr_of,
)
from deid_node.metadata.encoding.packed import NotPlain
from deid_node.metadata.encoding.uids import SEPARATOR, are_uids
from deid_node.metadata.plan.action import CONDITIONAL, Action, Ruling
from deid_node.metadata.plan.additions import BY_ADDITION
from deid_node.metadata.plan.plan import Plan

_CHARACTER_SET = 0x00080005
_PATIENT_ID = 0x00100020
_ISSUER_OF_PATIENT_ID = 0x00100021
_BIRTH_DATE = 0x00100030
_DAYS_OF_ITEMS = frozenset({0x0040A120, 0x0040A121})  # DateTime and Date of a content item
_CODE_MEANING = 0x00080104
_PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)

# A list of UIDs may run to thousands (RT); each is replaced by itself.
_SINGLE_VRS = frozenset({"LT", "ST", "UR", "UT"})


class Walk:
    """One pass over one dataset.

    `counts` holds what it did by the letters of PS3.15, `pairs` the identifiers
    that it replaced.
    """

    def __init__(
        self,
        plan: Plan,
        pseudonyms: Pseudonyms,
        *,
        chronology: Chronology | None = None,
        cleaners: Cleaners | None = None,
        keeper: Keeper | None = None,
        measured: Measured | None = None,
    ) -> None:
        self._plan = plan
        self._pseudonyms = pseudonyms
        self._chronology = chronology or Chronology()
        self._cleaners = cleaners or Cleaners()
        self._keeper = keeper or Keeper(Forms(Vocabulary()))
        self._measured = measured or Measured(Concepts())
        self._depth = 0
        self._asked: dict[tuple[int, str], Ruling] = {}
        self._repacker = Repacker(
            self._ruling,
            self._element,
            self._count,
            self._keeper.fits,
            private_stays=self._cleaners.private is not None,
        )
        self.counts: Counter[str] = Counter()
        self.pairs: set[Pair] = set()

    def over(self, dataset: Dataset) -> Dataset:
        """Return a new dataset: the plan applied to `dataset`, which is not written to.

        Raises
        ------
        UnknownElement
            An element cannot be judged.
        UnknownSubject
            The subject table does not name a patient.
        MalformedDataset
            A sequence cannot be taken apart, or is nested beyond any use; or what
            should name a character set does not.
        UnsupportedObject
            There are pixels inside a sequence that the plan keeps: nobody looks at
            those for text (icons are removed).

        Source
        ------
        PS3.15 E.1.1 (de-identifier), E.2, E.3.
        """
        return self._level(dataset)

    def _item(self, dataset: Dataset) -> Dataset:
        if any(tag in dataset for tag in _PIXELS):
            raise UnsupportedObject("pixels inside a sequence are not looked at")
        if self._depth == DEEPEST:
            raise MalformedDataset(f"sequences are nested more than {DEEPEST} deep")
        self._depth += 1
        try:
            return self._level(dataset)
        finally:
            self._depth -= 1

    def _level(self, dataset: Dataset) -> Dataset:
        charset = dataset.original_character_set
        # The writer carries bytes over only where it sees the character set unchanged.
        result = Dataset(parent_encoding=charset or default_encoding)
        elements = list(elements_of(dataset))
        implicit, little = encoding_of(elements, dataset)
        result.set_original_encoding(implicit, little, charset)
        for element in elements:
            if element.tag == _CHARACTER_SET:
                require_character_sets(text_of(element, dataset))
            new = self._element(element, dataset)
            if new is not None:
                result[new.tag] = new
        if CONCEPT_NAME in dataset:
            self._measured.judge(dataset, result)
        if self._cleaners.private is not None:
            for kept in self._cleaners.private.kept(dataset, self._item, self._uid):
                result[kept.tag] = kept
                self.counts[Action.KEEP.letter] += 1
        return result

    def _element(self, element: Stored, parent: Dataset) -> Stored | None:
        if element.VR is None and not element.is_implicit_VR:
            raise MalformedDataset("an element has no VR where VRs are explicit")
        vr = vr_of(element)
        ruling = self._ruling(int(element.tag), vr)
        action = ruling.action
        if action in CONDITIONAL and not is_empty(element):
            new = self._judged(element, parent, action, vr)
            if new is not None:
                self.counts[action.letter] += 1
                return new
        if action in CONDITIONAL:
            action = ruling.otherwise
        self.counts[action.letter] += 1
        # Where a site keeps something of its own, the site has judged.
        if action is Action.KEEP and vr != "SQ" and ruling.by != BY_ADDITION:
            return self._keeper.kept(element, parent, vr, self._uid)
        return self._done(element, parent, action, vr)

    def _count(self, letter: str) -> None:
        self.counts[letter] += 1

    def _ruling(self, tag: int, vr: str) -> Ruling:
        # A multi-frame object asks the same thousands of times.
        ruling = self._asked.get((tag, vr))
        if ruling is None:
            ruling = self._asked[tag, vr] = self._plan.judge(tag, vr)
        return ruling

    def _judged(self, element: Stored, parent: Dataset, action: Action, vr: str) -> Stored | None:
        """Return what a conditional action makes of the value; None where it cannot be done."""
        if action is Action.CLEAN_ITEMS:
            return self._cleaned_items(element, parent)
        original = text_of(element, parent)
        match action:
            case Action.KEEP_UID:
                new = original if are_uids(original) else None
            case Action.KEEP_DATE | Action.SHIFT_DATE:
                new = self._dated(element, original, parent, moved=action is Action.SHIFT_DATE)
            case Action.BIRTH_DATE:
                may = original and original == self._chronology.birth_date
                new = self._chronology.moved(original, vr) if may else None
            case Action.CAP_AGE:
                new = dates.capped(original)
            case _:
                new = self._cleaned_text(element, original)
        if new is None:
            return None
        if new == original:
            return carried(element)
        return DataElement(element.tag, vr, new)

    def _dated(self, element: Stored, text: str, parent: Dataset, *, moved: bool) -> str | None:
        if element.tag in _DAYS_OF_ITEMS and not self._measured.concepts.may_tell_day(
            parent, moved=moved
        ):
            return None
        if moved:
            return self._chronology.moved(text, vr_of(element))
        if element.tag == _BIRTH_DATE:
            return dates.checked(text, vr_of(element))
        return self._chronology.kept(text, vr_of(element))

    def _cleaned_text(self, element: Stored, original: str) -> str | None:
        if self._cleaners.text is None:
            return None
        clean = partial(self._cleaners.text.clean, keyword=keyword_for_tag(element.tag))
        # In the long texts a backslash is a character like any other (PS3.5 6.4).
        values = [original] if vr_of(element) in _SINGLE_VRS else original.split(SEPARATOR)
        cleaned = [clean(value) for value in values]
        return SEPARATOR.join(value or "" for value in cleaned) if any(cleaned) else None

    def _cleaned_items(self, element: Stored, parent: Dataset) -> DataElement | None:
        if self._cleaners.items is None:
            return None
        items = self._cleaners.items.clean(int(element.tag), items_of(element, parent), self._item)
        return None if items is None else DataElement(element.tag, "SQ", Items(items))

    def _done(self, element: Stored, parent: Dataset, action: Action, vr: str) -> Stored | None:
        if action is Action.REMOVE:
            return None
        if vr == "SQ":
            return self._sequence(element, parent, action)
        if action is Action.KEEP:
            return carried(element)
        if action is Action.EMPTY or is_empty(element):
            return DataElement(element.tag, vr, None)
        return self._replaced(element, parent, action, vr)

    def _replaced(self, element: Stored, parent: Dataset, action: Action, vr: str) -> Stored | None:
        if action is Action.DUMMY and vr != "UI":
            return dummy(element, parent)
        original = text_of(element, parent)
        if action is Action.REPLACE_UID or vr == "UI":
            return DataElement(element.tag, "UI", self._uids(original))
        match action:
            case Action.PATIENT_NAME:
                return DataElement(element.tag, vr, self._name(parent))
            case Action.PATIENT_ID:
                return DataElement(element.tag, vr, self._patient_id(original, parent))
            case Action.ACCESSION_NUMBER:
                return DataElement(element.tag, vr, self._pseudonyms.accession_number(original))
            case Action.AE_TITLE:
                return DataElement(element.tag, vr, self._pseudonyms.ae_title(original))
            case _:
                return DataElement(element.tag, vr, self._pseudonyms.study_id(original))

    def _uids(self, original: str) -> list[str]:
        return [self._uid(uid.strip("\0 ")) for uid in original.split(SEPARATOR)]

    def _uid(self, original: str) -> str:
        if not original:
            return ""
        new = self._pseudonyms.uid(original)
        self.pairs.add((Kind.UID, original, new))
        return new

    def _name(self, level: Dataset) -> str | None:
        """Return the pseudonym of the patient whose id stands at the same level, if one does."""
        patient_id = element_at(level, _PATIENT_ID)
        if patient_id is None or is_empty(patient_id):
            return None
        return self._patient_id(text_of(patient_id, level), level)

    def _patient_id(self, original: str, level: Dataset) -> str:
        issuer = element_at(level, _ISSUER_OF_PATIENT_ID)
        new = self._pseudonyms.patient_id(
            original, "" if issuer is None else text_of(issuer, level)
        )
        self.pairs.add((Kind.PATIENT_ID, original, new))
        return new

    def _sequence(self, element: Stored, parent: Dataset, action: Action) -> Stored:
        if isinstance(element, RawDataElement) and action in LOOKED_INTO:
            rewritten = self._packed(element, parent)
            if rewritten is not None:
                return rewritten
        items: list[Dataset] = []
        if action is not Action.EMPTY:
            for item in items_of(element, parent):
                # A code that the table wants replaced names a person or a place by itself.
                is_code = action is Action.DUMMY and _CODE_MEANING in item
                items.append(dummy_code() if is_code else self._item(item))
        return DataElement(element.tag, "SQ", Items(items))

    def _packed(self, element: RawDataElement, parent: Dataset) -> RawDataElement | None:
        """Return the sequence rewritten as bytes, or None where its items must be taken apart."""
        counts, pairs = self.counts.copy(), self.pairs.copy()
        try:
            return self._repacker.repacked(
                element, parent.original_character_set, DEEPEST - self._depth
            )
        except NotPlain:
            self.counts, self.pairs = counts, pairs
            return None
