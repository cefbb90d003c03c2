"""The judges of values under the options that clean and keep: what `Cleaning` promises."""

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset

from deid_node.metadata.clean.cleaning import Cleaners, Planned
from deid_node.metadata.clean.codes import CodeCleaner
from deid_node.metadata.clean.concepts import Concepts
from deid_node.metadata.clean.descriptors import DescriptorCleaner
from deid_node.metadata.clean.graphics import ANNOTATIONS, GraphicsCleaner
from deid_node.metadata.clean.patient_terms import PatientTermsReader
from deid_node.metadata.clean.private import SafePrivateKeeper
from deid_node.metadata.clean.safe_private import load_safe_private, with_own
from deid_node.metadata.clean.safe_values import SafeValues
from deid_node.metadata.clean.structured import (
    ACQUISITION_CONTEXT,
    CONTENT,
    SPECIMEN_PREPARATION,
    ContentCleaner,
)
from deid_node.metadata.clean.vocabulary import Vocabulary
from deid_node.metadata.plan.options import Option, SafePrivateOptions
from deid_node.metadata.plan.table import load_table

JUDGED = frozenset(
    {
        Option.CLEAN_GRAPHICS,
        Option.CLEAN_STRUCTURED_CONTENT,
        Option.CLEAN_DESCRIPTORS,
        Option.RETAIN_SAFE_PRIVATE,
    }
)
"""The options that look at values."""


class OptionCleaning:
    """Makes the judges of each instance for one treatment.

    Parameters
    ----------
    options
        What the treatment carries out.
    own_private
        Private attributes that the site knows to be safe.

    Raises
    ------
    ConfigurationError
        A shipped table is damaged, or the site names an attribute twice.
    """

    def __init__(
        self, options: frozenset[Option], own_private: Iterable[SafePrivateOptions] = ()
    ) -> None:
        self._options = options
        self._reader = PatientTermsReader(load_table())
        self._vocabulary = Vocabulary()
        self._concepts = Concepts()
        self._safe_private = with_own(load_safe_private(), own_private)
        self._safe_values = SafeValues(self._vocabulary)

    def of(self, original: Dataset) -> Cleaners:
        """Return what cleans `original`; raises `MalformedDataset` for a broken sequence."""
        if self._options.isdisjoint(JUDGED):
            return Cleaners()
        patient_terms = self._reader.patient_terms_of(original)
        descriptors = DescriptorCleaner(self._vocabulary, patient_terms)
        content = ContentCleaner(
            descriptors,
            CodeCleaner(descriptors, patient_terms),
            self._concepts,
            keeps_characteristics=Option.RETAIN_PATIENT_CHARACTERISTICS in self._options,
        )
        private = SafePrivateKeeper(
            original,
            self._safe_private,
            patient_terms,
            self._safe_values,
            keeps_uids=Option.RETAIN_UIDS in self._options,
        )
        return Cleaners(
            text=descriptors if Option.CLEAN_DESCRIPTORS in self._options else None,
            items=_SequenceCleaner(content, GraphicsCleaner(descriptors)),
            private=private if Option.RETAIN_SAFE_PRIVATE in self._options else None,
        )


class _SequenceCleaner:
    """Knows which sequence wants which cleaner; the plan knows which are cleaned at all."""

    def __init__(self, content: ContentCleaner, graphics: GraphicsCleaner) -> None:
        self._content = content
        self._graphics = graphics

    def clean(
        self, tag: int, items: Sequence[Dataset], planned: Planned
    ) -> Sequence[Dataset] | None:
        """Return the new items of the sequence `tag`."""
        if tag in {CONTENT, ACQUISITION_CONTEXT}:
            return self._content.content(items, planned)
        if tag == SPECIMEN_PREPARATION:
            return self._content.preparations(items, planned)
        if tag == ANNOTATIONS:
            return self._graphics.annotations(items, planned)
        return [self._content.with_codes(planned(item)) for item in items]
