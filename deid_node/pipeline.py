"""The corridor: one instance from received to sealed, on one page.

The order is the safety case and is code, not configuration: decide, clean the
pixels, scrub the header, attest what was done, write, look at the written file
a second time, do the same for the marks of what was filled, seal. Whatever leaves
this page without a seal is withheld.
"""

import errno
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from pydicom import Dataset

from deid_node.dicom import part10
from deid_node.dicom.identity import require_one_identity
from deid_node.errors import (
    BlobDamaged,
    CleaningError,
    DeidNodeError,
    MemoryLimit,
    NoRule,
    RuleWithholds,
    Unexpected,
)
from deid_node.leaks.check import LeakCheck
from deid_node.leaks.spoken import HeaderMatch
from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import Option
from deid_node.metadata.scrub import Scrubbed, Scrubber
from deid_node.originals import Originals, waiting_of
from deid_node.pixeldata.attributes import value_of
from deid_node.pixels.cleaner import PixelCleaner, PixelsCleaned
from deid_node.pixels.provenance import segmentation_of
from deid_node.pixels.text.device_regions import device_of
from deid_node.route.header import header_of
from deid_node.route.router import Router
from deid_node.spool.blobs import Hashing, blob_name, companion_name
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.spool.series_options import WaitForSeriesOptions
from deid_node.spool.trouble import custody_error
from deid_node.values.decision import Discard, Forward, Withhold
from deid_node.values.instance import BlobRef, CleanInstance, Companion
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Outcome, Repeated, Waiting, stopped_by
from deid_node.values.report import CleaningReport, Step
from deid_node.values.stage import Stage

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@dataclass(frozen=True, slots=True)
class Treatment:
    """The tools of one treatment, as the configuration describes it."""

    cleaner: PixelCleaner
    scrubber: Scrubber
    options: frozenset[Option]
    marks_filled: bool = False
    waits: WaitForSeriesOptions | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the report says of the tools: the finder's name, the edition of PS3.15, the settings."""

    finder: str
    standard_edition: str
    configuration: str = ""


class Corridor:
    """Cleans instances, one at a time; lives in a worker process.

    `clean` never raises on account of an instance: whatever is wrong with it,
    or with us, withholds it. With `compares` it tells a repeat in another transfer syntax
    from a conflict, and what it seals has the checksum for it.
    """

    def __init__(
        self,
        router: Router,
        treatments: Mapping[str, Treatment],
        provenance: Provenance,
        files: BlobFiles = PLAIN,
        *,
        compares: bool = False,
    ) -> None:
        self._router: Final = router
        self._treatments: Final = treatments
        self._provenance: Final = provenance
        self._files: Final = files
        self._compares: Final = compares
        self._originals: Final = Originals(files)
        self._leaks: Final = LeakCheck()
        self._waits: Final = any(one.waits is not None for one in treatments.values())

    def clean(self, order: WorkOrder) -> Outcome:
        """Return how it ended; after `Cleaned` its file is on disk, and that of its companion."""
        rule: str | None = None
        error: DeidNodeError
        try:
            original = self._originals.of(order)
            content, early = self._compared(order, original)
            if early is not None:
                return early
            decision = self._router.decide(header_of(original, self._router.keywords), order.origin)
            rule = decision.rule
            match decision:
                case Discard():
                    return Discarded(rule)
                case Withhold():
                    error = RuleWithholds(f"withheld by rule {rule}") if rule else NoRule()
                case Forward():
                    return Cleaned(self._sealed(order, original, decision), content)
        except (CleaningError, BlobDamaged) as fault:
            error = fault
        except MemoryError:
            error = MemoryLimit()
        except OSError as fault:
            error = _of_the_system(fault)
        # The one place where anything becomes a state: law 4, fail closed.
        except Exception as fault:  # noqa: BLE001
            error = Unexpected(fault)
        for path in order.outputs:
            path.unlink(missing_ok=True)
        return stopped_by(error, rule)

    def _compared(
        self, order: WorkOrder, original: Dataset
    ) -> tuple[str | None, Waiting | Repeated | None]:
        """Return the checksum of its content, and what becomes of it where it walks no further."""
        waiting = self._waiting(order, original)
        if waiting is not None:
            return None, waiting
        content = self._originals.content(order, original, compares=self._compares)
        return content, Repeated() if self._originals.is_repeat(order, content) else None

    def _waiting(self, order: WorkOrder, original: Dataset) -> Waiting | None:
        """Return for which series it waits before it walks; None where it does not.

        By the rules and its header alone: nothing of it is decoded. What has waited, or has to be
        compared with others of its UID, goes on; and so does what no rule can decide about.
        """
        if not self._waits or order.series is not None or order.rivals:
            return None
        decision = self._router.decide(header_of(original, self._router.keywords), order.origin)
        if not isinstance(decision, Forward):
            return None
        waits = self._treatments[decision.treatment].waits
        return None if waits is None else waiting_of(original, decision.treatment, waits)

    def preview(self, order: WorkOrder) -> tuple[Dataset, PixelsCleaned]:
        """Return what came, and its pixels as `clean` would leave them; nothing is written.

        For a person who is about to decide: no header is scrubbed, and nothing is sealed.
        Raises `CleaningError` for what would withhold the instance up to there, and `OSError`.
        """
        original = self._originals.of(order)
        decision = self._router.decide(header_of(original, self._router.keywords), order.origin)
        if not isinstance(decision, Forward):
            raise (
                RuleWithholds(f"rule {decision.rule} lets it go nowhere")
                if decision.rule
                else NoRule()
            )
        return original, self._pixels(order, original, decision.treatment)

    def _pixels(self, order: WorkOrder, original: Dataset, name: str) -> PixelsCleaned:
        treatment, series = self._treatments[name], order.series
        beside = None
        if series is not None and treatment.waits is not None and series.treatment == name:
            beside = self._originals.beside(order, original, treatment.cleaner)
        return treatment.cleaner.clean(
            original,
            seed=_seed(original, "SOPInstanceUID" if beside is None else "SeriesInstanceUID"),
            names_patient=HeaderMatch(original).says,
            scratch_dir=order.output.parent,
            markings=order.markings,
            beside=beside,
        )

    def _sealed(self, order: WorkOrder, original: Dataset, decision: Forward) -> CleanInstance:
        started = perf_counter()
        treatment = self._treatments[decision.treatment]

        pixels = self._pixels(order, original, decision.treatment)

        scrubbing = perf_counter()
        scrubbed = treatment.scrubber.scrub(pixels.dataset)
        codes = attest(
            scrubbed.dataset,
            options=treatment.options,
            pixels_looked_at=pixels.looked_at,
            derivation=pixels.derivation,
            # The cleaner raises `ResidualText` where its second look still sees text.
            second_look_clean=pixels.looked_at and not pixels.unconfirmed,
            burned_in_stands=pixels.unconfirmed,
            follows_table=treatment.scrubber.plan.follows_table,
        )
        blob = self._written(
            scrubbed.dataset,
            order.output,
            blob_name(order.id),
            original,
            treatment.options,
            sop_instance_uid=scrubbed.sop_instance_uid,
        )
        companion = None
        if treatment.marks_filled and pixels.regions:
            finder = self._provenance.finder
            marks = segmentation_of(scrubbed.dataset, pixels.regions, finder=finder)
            beside = self._written(
                marks,
                order.companion_output,
                companion_name(order.id),
                original,
                treatment.options,
                sop_instance_uid=str(marks.SOPInstanceUID),
            )
            companion = _companion(marks, beside)
        treatment.scrubber.remember(scrubbed)
        done = perf_counter()

        return seal(
            order,
            decision,
            blob,
            scrubbed,
            CleaningReport(
                frames=pixels.frames,
                pixels_changed=pixels.changed,
                regions=pixels.regions,
                actions=scrubbed.actions,
                method_codes=codes,
                transfer_syntax_in=str(original.file_meta.TransferSyntaxUID),
                transfer_syntax_out=str(scrubbed.dataset.file_meta.TransferSyntaxUID),
                finder=self._provenance.finder,
                standard_edition=self._provenance.standard_edition,
                steps=_steps(pixels, scrub=done - scrubbing, total=done - started),
                kept=pixels.kept,
                configuration=self._provenance.configuration,
                device=device_of(original) if pixels.frames else None,
            ),
            companion=companion,
        )

    def _written(
        self,
        dataset: Dataset,
        path: Path,
        name: str,
        original: Dataset,
        retained: frozenset[Option],
        *,
        sop_instance_uid: str,
    ) -> BlobRef:
        """Write `dataset`, and look at what was written as a stranger would read it.

        `name` is that of the file once it is in custody.
        """
        hashing = Hashing(self._files)
        part10.write(dataset, path, create=hashing.create)
        written = part10.read(self._files.open(path), scratch_dir=path.parent)
        # What the journal will say of it is what an archive files it under.
        require_one_identity(written, sop_instance_uid=sop_instance_uid)
        self._leaks.check(original, written, retained=retained)
        return hashing.reference(name)


def seal(
    order: WorkOrder,
    decision: Forward,
    written: BlobRef,
    scrubbed: Scrubbed,
    report: CleaningReport,
    *,
    companion: Companion | None,
) -> CleanInstance:
    """Return the sealed instance: the only type that a destination accepts."""
    return CleanInstance(
        id=order.id,
        blob=written,
        sop_class_uid=str(scrubbed.dataset.file_meta.MediaStorageSOPClassUID),
        sop_instance_uid=scrubbed.sop_instance_uid,
        series_instance_uid=scrubbed.series_instance_uid,
        study_instance_uid=scrubbed.study_instance_uid,
        transfer_syntax=report.transfer_syntax_out,
        rule=decision.rule,
        destinations=decision.destinations,
        report=report,
        companion=companion,
    )


def _companion(marks: Dataset, written: BlobRef) -> Companion:
    return Companion(
        blob=written,
        sop_class_uid=str(marks.SOPClassUID),
        sop_instance_uid=str(marks.SOPInstanceUID),
        series_instance_uid=str(marks.SeriesInstanceUID),
        transfer_syntax=str(marks.file_meta.TransferSyntaxUID),
    )


def _of_the_system(error: OSError) -> DeidNodeError:
    """Return what it means: a disk or a memory that is full is nothing an instance can help."""
    if error.errno == errno.ENOMEM:
        return MemoryLimit()
    return custody_error(error) if error.errno in _NO_ROOM else Unexpected(error)


def _seed(original: Dataset, keyword: str) -> int:
    """Return a number that is the same each time this instance, or its series, is cleaned."""
    return zlib.crc32(str(value_of(original, keyword) or "").encode())


def _steps(pixels: PixelsCleaned, *, scrub: float, total: float) -> tuple[Step, ...]:
    return (*pixels.steps, Step(Stage.SCRUB, scrub), Step(Stage.TOTAL, total))
