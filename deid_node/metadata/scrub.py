"""From an instance as sent to an instance without its patient.

The result is a new dataset; the argument is not written to. Large values (the
pixels) are shared between the two, not copied.
"""

from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from deid_node.dicom.syntaxes import syntax_of
from deid_node.errors import MalformedDataset
from deid_node.metadata.apply.chronology import Chronology, chronology_of
from deid_node.metadata.apply.filemeta import new_file_meta
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.apply.walk import Walk
from deid_node.metadata.clean.cleaning import Cleaning, NoCleaning
from deid_node.metadata.clean.concepts import Concepts
from deid_node.metadata.clean.forms import Forms
from deid_node.metadata.clean.kept import Keeper
from deid_node.metadata.clean.measured import Measured, digits_of
from deid_node.metadata.clean.vocabulary import Vocabulary
from deid_node.metadata.crosswalk import Crosswalk, Pair
from deid_node.metadata.encoding.elements import element_at, text_of
from deid_node.metadata.encoding.uids import are_uids
from deid_node.metadata.faces.judge import require_faceless
from deid_node.metadata.originals import ENCRYPTED, Envelope
from deid_node.metadata.plan.options import DateOptions, Option
from deid_node.metadata.plan.plan import Plan
from deid_node.metadata.plan.sop_classes import (
    needs_study,
    require_no_directory,
    require_no_notes,
    require_supported,
)

_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_STUDY_INSTANCE_UID = 0x0020000D
_SERIES_INSTANCE_UID = 0x0020000E


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A scrubbed dataset, the new UIDs and what was done, in counts.

    `actions` holds ``(letter, count)`` for the letters of PS3.15 E.2 that were
    applied. The study and series UIDs name a place even where the object has
    none of its own (a hanging protocol). `pairs` are the identifiers that were
    replaced; they leave this value only through `Scrubber.remember`.
    """

    dataset: Dataset = field(repr=False)
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    actions: tuple[tuple[str, int], ...]
    pairs: frozenset[Pair] = field(default=frozenset(), repr=False)


class Scrubber:
    """Applies a plan with the pseudonyms of one site.

    Promise: the argument is not written to; the same dataset gives the same
    result, but for the originals that are locked in under a key drawn anew;
    nothing but a `CleaningError` is raised for what a sender may send.

    Parameters
    ----------
    plan
        What happens to each attribute.
    pseudonyms
        The new identifiers.
    cleaning
        What judges values where the plan says clean.
    dates
        How far dates may move, where the plan moves them.
    crosswalk
        Where old and new identifiers are written down, if anywhere.
    envelope
        What locks the originals into the result, if they are.
    """

    def __init__(
        self,
        plan: Plan,
        pseudonyms: Pseudonyms,
        *,
        cleaning: Cleaning | None = None,
        dates: DateOptions | None = None,
        crosswalk: Crosswalk | None = None,
        envelope: Envelope | None = None,
    ) -> None:
        self._plan = plan
        self._pseudonyms = pseudonyms
        self._cleaning = cleaning or NoCleaning()
        self._dates = dates or DateOptions()
        self._crosswalk = crosswalk
        self._envelope = envelope
        self._keeper = Keeper(Forms(Vocabulary()))
        self._concepts = Concepts()

    @property
    def plan(self) -> Plan:
        """What happens to each attribute."""
        return self._plan

    def scrub(self, dataset: Dataset) -> Scrubbed:
        """Return a new dataset without the patient, with new file meta information.

        Parameters
        ----------
        dataset
            An instance as read from a Part 10 file, with its `file_meta`.

        Raises
        ------
        MalformedDataset
            SOP Class, SOP Instance, Study or Series Instance UID or the transfer
            syntax is missing, or a sequence cannot be read.
        UnsupportedObject
            The object carries content that attributes do not tell of.
        UnknownElement
            An element cannot be judged.
        UnknownSubject
            The subject table does not name the patient.
        RecognizableFeatures
            The object may show a face, and faces are to be removed.

        Source
        ------
        PS3.15 E.1.1, E.2, E.3.
        """
        require_no_directory(dataset)
        sop_class = _required(dataset, _SOP_CLASS_UID, "SOPClassUID")
        sop_instance = _required(dataset, _SOP_INSTANCE_UID, "SOPInstanceUID")
        syntax = _transfer_syntax(dataset)
        require_supported(sop_class, self._plan.options)
        require_no_notes(dataset, self._plan.options)
        if Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES in self._plan.options:
            require_faceless(dataset)
        if needs_study(sop_class):
            study = _required(dataset, _STUDY_INSTANCE_UID, "StudyInstanceUID")
            series = _required(dataset, _SERIES_INSTANCE_UID, "SeriesInstanceUID")
        else:
            study, series = f"study of {sop_instance}", f"series of {sop_instance}"
        walk = Walk(
            self._plan,
            self._pseudonyms,
            chronology=self._chronology(dataset, of_patient=needs_study(sop_class)),
            cleaners=self._cleaning.of(dataset),
            keeper=self._keeper,
            measured=Measured(
                self._concepts,
                digits_of(dataset),
                Option.RETAIN_PATIENT_CHARACTERISTICS in self._plan.options,
            ),
        )
        result = walk.over(dataset)
        if self._envelope is not None:
            result[ENCRYPTED] = self._envelope.sealed(dataset, result)
        new_sop_instance = self._uid(sop_instance)
        result.file_meta = new_file_meta(
            sop_class_uid=sop_class,
            sop_instance_uid=new_sop_instance,
            transfer_syntax_uid=syntax,
        )
        result.preamble = b"\0" * 128
        return Scrubbed(
            dataset=result,
            sop_instance_uid=new_sop_instance,
            series_instance_uid=self._uid(series),
            study_instance_uid=self._uid(study),
            actions=tuple(sorted(walk.counts.items())),
            pairs=frozenset() if self._crosswalk is None else frozenset(walk.pairs),
        )

    def remember(self, scrubbed: Scrubbed) -> None:
        """Write down the identifiers that were replaced, where the site asks for it.

        Called for an instance that passed the second look, before it is sealed.

        Raises
        ------
        CrosswalkUnavailable
            They cannot be written.
        """
        if self._crosswalk is not None:
            self._crosswalk.record(sorted(scrubbed.pairs))

    def _uid(self, original: str) -> str:
        """Return what the walk makes of a UID: it becomes part of a path, so it must be one."""
        if Option.RETAIN_UIDS in self._plan.options and are_uids(original):
            return original
        return self._pseudonyms.uid(original)

    def _chronology(self, dataset: Dataset, *, of_patient: bool) -> Chronology:
        moves = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in self._plan.options
        return chronology_of(
            dataset,
            self._pseudonyms,
            self._dates.span if moves else None,
            moves_birth_date=self._plan.moves_birth_date,
            of_patient=of_patient,
        )


def _required(dataset: Dataset, tag: int, keyword: str) -> str:
    element = element_at(dataset, tag)
    text = "" if element is None else text_of(element, dataset)
    if not text:
        raise MalformedDataset(f"{keyword} is missing")
    if "\\" in text:
        raise MalformedDataset(f"{keyword} has more than one value")
    return text


def _transfer_syntax(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    syntax = "" if meta is None else str(meta.get("TransferSyntaxUID") or "")
    if not syntax:
        raise MalformedDataset("TransferSyntaxUID is missing")
    # It goes on as it stands: one that nobody has registered may say anything.
    return syntax_of(syntax).uid
