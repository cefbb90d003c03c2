"""Every error of the house, on one page.

::

    DeidNodeError
    |-- ConfigurationError           refuses to start; names the YAML path
    |-- InputError                   misuse of the command line; names what the caller gave
    |-- CustodyError                 the spool cannot take or keep an instance
    |   |-- SpoolFull                below the reserve, or the disk said so
    |   |-- SpoolUnavailable         write, fsync or journal failed
    |   |-- SpoolInUse               another node uses this spool
    |   |-- JournalDamaged           a page of the journal is not what was written
    |   |-- JournalMissing           there are files of instances and no journal
    |   |-- JournalNewer             a newer version of the node has written the journal
    |   `-- BlobDamaged              bytes on disk no longer match their checksum
    |-- ReceiveError                 the sender's message cannot be taken
    |   |-- PeerNotAuthorised
    |   |-- DatasetMismatch          command and dataset name different objects
    |   |-- SyntaxNotTaken           an encoding whose dataset cannot be parsed
    |   `-- DatasetUnreadable        no Part 10 reader could make sense of it
    |-- CleaningError                the instance is withheld, whole
    |   |-- NotDicom                 `clean` was handed something else
    |   |-- Undecodable              the pixels cannot be decoded
    |   |-- UnsupportedSyntax        a transfer syntax that we do not edit
    |   |-- UnsupportedObject        an object whose content we cannot look into
    |   |-- RecognizableFeatures     it may show a face, and faces are to be removed
    |   |-- MalformedDataset         an attribute is missing or contradicts another
    |   |-- RepeatedTag              a tag stands twice, or out of order
    |   |-- NoRule                   no rule matched
    |   |-- RuleWithholds            a rule says withhold
    |   |-- RuleUndecidable          a predicate cannot be evaluated on this instance
    |   |-- UnknownElement           an element that the plan cannot judge
    |   |-- UnknownSubject           the subject table does not name the patient
    |   |-- CrosswalkUnavailable     the list of old and new identifiers cannot be written
    |   |-- RegionsUnreadable        the file of fixed regions cannot be read
    |   |-- TextUncertain            something may be text, and nothing here is sure
    |   |-- BurnedInUnconfirmed      it says that text is burned in, and none was found
    |   |-- SlideLabel               it shows the label of a slide
    |   |-- ResidualText             text is still seen after the fill
    |   |-- MostlyText               more than half of a frame would be filled
    |   |-- AnatomyCovered           more anatomy would be made up than the treatment lets
    |   |-- FillFailed               the model that fills cannot run: memory is short
    |   |-- ProvenanceFailed         what was filled cannot be marked in a Segmentation
    |   |-- IdentifierLeft           an original identifier stands in the result
    |   |-- UidConflict              same SOP Instance UID, other content
    |   |-- OriginUnknown            its file was found in the spool, and no row names it
    |   |-- WorkerLost               it took a worker process down, three times
    |   |-- ModelsAway               the models elsewhere were lost each time it was looked at
    |   |-- TimeLimit                it outlasted the time limit, three times
    |   |-- MemoryLimit              it needs more memory than there is, three times
    |   |-- RefusedByDestination     the archive says no for good
    |   |-- InstanceTooLarge         larger than an archive takes
    |   |-- TranscodingDiffers       decoded for an archive, it is not what was sealed
    |   |-- CommitmentFailed         the archive took it, and does not commit to keep it
    |   `-- Unexpected               anything else: a fault of ours
    |-- DeliveryError                an attempt to deliver failed; the same bytes go again
    |   `-- DestinationUnavailable
    |-- AuditUnavailable             audit messages cannot be kept or delivered for now
    `-- NotificationFailed           a mail or a web address did not take what it was told

`code` is stable and short: it labels metrics, reports and the list of withheld
instances. `passes` says whether time alone may heal the trouble. The text of
an error names attributes, never what stood in them: pynetdicom logs the text of
an exception that leaves a handler.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class DeidNodeError(Exception):
    """Root of all errors raised on purpose by this package."""

    code: ClassVar[str] = "error"
    passes: ClassVar[bool] = False


class ConfigurationError(DeidNodeError):
    """The node refuses to start.

    `path` is the YAML path of the fault (``forward.destinations.archive.port``),
    `reason` says what is wrong without quoting the value.
    """

    code = "configuration"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class InputError(DeidNodeError):
    """The command line was given something that cannot be worked with."""

    code = "input"


class CustodyError(DeidNodeError):
    """The spool could not take or keep an instance; the sender is not told Success."""

    code = "custody"
    passes = True


class SpoolFull(CustodyError):
    """Less than the reserve is free on the spool's disk."""

    code = "spool_full"


class SpoolUnavailable(CustodyError):
    """Writing, fsyncing or committing failed."""

    code = "spool_unavailable"


class SpoolInUse(CustodyError):
    """Another node uses the spool: a spool has one node at a time."""

    code = "spool_in_use"


class JournalDamaged(CustodyError):
    """A page of the journal is not what was written; a person puts back a copy of it."""

    code = "journal_damaged"
    passes = False


class JournalMissing(CustodyError):
    """The spool holds files of instances and has no journal; a person puts back a copy of it."""

    code = "journal_missing"
    passes = False


class JournalNewer(CustodyError):
    """A newer version of the node has written the journal; this one must not touch it."""

    code = "journal_newer"
    passes = False


class BlobDamaged(CustodyError):
    """The bytes on disk are not those that were taken into custody."""

    code = "blob_damaged"
    passes = False


class ReceiveError(DeidNodeError):
    """A message of a sender cannot be taken into custody."""

    code = "receive"


class PeerNotAuthorised(ReceiveError):
    """The peer may not store here."""

    code = "peer_not_authorised"


class DatasetMismatch(ReceiveError):
    """SOP Class or Instance UID of the command differ from those of the dataset."""

    code = "dataset_mismatch"


class SyntaxNotTaken(ReceiveError):
    """The dataset is in a transfer syntax that no door takes."""

    code = "syntax_not_taken"


class DatasetUnreadable(ReceiveError):
    """The dataset as sent cannot be read far enough to name the instance."""

    code = "dataset_unreadable"


class CleaningError(DeidNodeError):
    """The instance is withheld; `code` says why, `text` where all of a class say the same.

    `regions` are the boxes that a person should look at, as `values.geometry` has them
    (a floor that errors know nothing of).
    """

    code = "cleaning"
    text: ClassVar[str] = ""

    def __init__(self, text: str = "", *, regions: Sequence[Any] = ()) -> None:
        super().__init__(text or self.text)
        self.regions = tuple(regions)


class NotDicom(CleaningError):
    """The file is not a DICOM Part 10 file."""

    code = "not_dicom"
    text = "not a DICOM file"


class Undecodable(CleaningError):
    """No decoder gives all frames of the Pixel Data."""

    code = "undecodable"


class UnsupportedSyntax(CleaningError):
    """The transfer syntax is one that pixels are not looked at in (video, ...)."""

    code = "unsupported_syntax"


class UnsupportedObject(CleaningError):
    """The object carries content that cannot be looked into (documents, meshes, ...)."""

    code = "unsupported_object"


class RecognizableFeatures(CleaningError):
    """The image may show a face, the treatment wants faces removed, and nothing here does that."""

    code = "recognizable_features"
    text = "the image may show a face, which this version cannot remove"


class MalformedDataset(CleaningError):
    """An attribute that the work needs is missing or contradicts another."""

    code = "malformed_dataset"


class RepeatedTag(CleaningError):
    """Tags do not ascend strictly, so that readers may take different elements for one.

    `name` is the keyword of the element that stands out of order, or its tag.
    """

    code = "repeated_tag"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} stands twice, or out of the order of tags")
        self.name = name


class NoRule(CleaningError):
    """No routing rule matched and the configuration withholds what none matches."""

    code = "no_rule"
    text = "no routing rule matched"


class RuleWithholds(CleaningError):
    """A routing rule says that a person decides."""

    code = "rule_withholds"


class RuleUndecidable(CleaningError):
    """A predicate could not be evaluated: its attribute cannot be read."""

    code = "rule_undecidable"

    def __init__(self, keyword: str) -> None:
        super().__init__(f"the rules cannot read {keyword}")
        self.keyword = keyword


class UnknownElement(CleaningError):
    """An element whose VR the de-identification plan cannot judge."""

    code = "unknown_element"


class UnknownSubject(CleaningError):
    """The subject table names no subject for this patient."""

    code = "unknown_subject"
    text = "the patient is not in the subject table"


class CrosswalkUnavailable(CleaningError):
    """The list of old and new identifiers is asked for and cannot be written."""

    code = "crosswalk_unavailable"
    passes = True
    text = "the list of old and new identifiers cannot be written"


class RegionsUnreadable(CleaningError):
    """The file of fixed regions is there and cannot be read, or says something else."""

    code = "regions_unreadable"
    passes = True
    text = "the file of fixed regions cannot be read"


class TextUncertain(CleaningError):
    """A region is too likely to be text to stay and too unlikely to be filled."""

    code = "text_uncertain"
    text = "something may be text: too doubtful to fill, and too likely to let stand"


class BurnedInUnconfirmed(CleaningError):
    """Burned In Annotation is YES, and nothing was found that could be filled."""

    code = "burned_in_unconfirmed"
    text = "BurnedInAnnotation is YES, and no text was found"


class SlideLabel(CleaningError):
    """The image shows the label of a slide: it is made to name somebody."""

    code = "slide_label"
    text = "the image shows the label of a slide"


class ResidualText(CleaningError):
    """The second look still sees text in a filled frame."""

    code = "residual_text"


class MostlyText(CleaningError):
    """More than half of a frame would be filled: little of the image would be left."""

    code = "mostly_text"
    text = "more than half of a frame would be filled"


class AnatomyCovered(CleaningError):
    """Text covers more anatomy of a frame than the treatment lets be made up."""

    code = "anatomy_covered"
    text = "text covers more anatomy than may be made up"


class FillFailed(CleaningError):
    """The model that fills cannot run, on an accelerator or on the processor."""

    code = "fill_failed"
    passes = True
    text = "the model that fills cannot run: memory is short, or it gives no picture"


class ProvenanceFailed(CleaningError):
    """The treatment asks for a Segmentation of what was filled, and none can be made."""

    code = "provenance_failed"


class IdentifierLeft(CleaningError):
    """An identifier of the original still stands in the cleaned dataset."""

    code = "identifier_left"

    def __init__(self, keyword: str) -> None:
        super().__init__(f"original identifier found again in {keyword}")


class UidConflict(CleaningError):
    """An instance of the same SOP Instance UID but with other content is in custody."""

    code = "uid_conflict"
    text = "another instance of the same SOP Instance UID is in custody"


class OriginUnknown(CleaningError):
    """Its file lies in the spool and the journal does not name it: nobody knows who sent it."""

    code = "origin_unknown"
    text = "found in the spool without a row in the journal; who sent it is not known"


class WorkerLost(CleaningError):
    """A worker process died on this instance at each of its allowed starts."""

    code = "worker_lost"
    text = "the worker process died at each start"


class ModelsAway(CleaningError):
    """The models stand elsewhere and were lost while this instance was looked at, many times."""

    code = "models_away"
    passes = True
    text = "the models were lost each time that this instance was looked at"


class TimeLimit(CleaningError):
    """Cleaning outlasted its time limit at each of its allowed starts."""

    code = "time_limit"
    text = "cleaning outlasted its time limit at each start"


class MemoryLimit(CleaningError):
    """Cleaning needed more memory than a worker may have, at each of its allowed starts."""

    code = "memory_limit"
    passes = True
    text = "cleaning needed more memory than there is, at each start"


class RefusedByDestination(CleaningError):
    """A destination refuses this instance for good."""

    code = "refused_by_destination"
    text = "a destination refuses this instance for good"


class InstanceTooLarge(CleaningError):
    """A destination takes no instance that is so large."""

    code = "too_large"
    text = "the instance is larger than a destination takes"


class TranscodingDiffers(CleaningError):
    """In the only transfer syntax that an archive takes, the pixels would be others."""

    code = "transcoding_differs"
    text = "in the only transfer syntax that a destination takes, the pixels would be others"


class CommitmentFailed(CleaningError):
    """An archive took the instance each time and did not confirm that it keeps it."""

    code = "commitment_failed"
    text = "a destination takes this instance and does not commit to keep it"


class Unexpected(CleaningError):
    """A fault of ours; the exception's type is told, its text is not."""

    code = "unexpected"

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"unexpected {type(cause).__name__}")


class DeliveryError(DeidNodeError):
    """One attempt to deliver failed; the same bytes are sent again later."""

    code = "delivery"
    passes = True


class DestinationUnavailable(DeliveryError):
    """No association, or it broke before a status came back."""

    code = "destination_unavailable"


class AuditUnavailable(DeidNodeError):
    """Audit messages cannot be kept on disk or delivered; those that wait stay in order."""

    code = "audit_unavailable"
    passes = True


class NotificationFailed(DeidNodeError):
    """A channel did not take a notice; it is tried again while it is still true."""

    code = "notification_failed"
    passes = True


def withhold_codes() -> tuple[str, ...]:
    """Return every code an instance can be withheld with, sorted: the labels of the metric."""
    return tuple(sorted({c.code for c in CleaningError.__subclasses__()} | {BlobDamaged.code}))
