"""The first pass over an instance: what is found on its frames, before anything is filled.

The same look for the instance that is cleaned and for a slice that lies beside it: what may
not be seen on one may not be seen of the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from deid_node.errors import BurnedInUnconfirmed, ResidualText, SlideLabel, TextUncertain
from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.bits import stray, values_of
from deid_node.pixeldata.comments import without_comments
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.hidden.supported import require_picture
from deid_node.pixels.region_tracking import carried_over
from deid_node.pixels.rewrite import grid_of
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.device_regions import DeviceRegionsOptions, device_marks
from deid_node.pixels.text.doubt import DoubtOptions
from deid_node.pixels.text.evidence import Band, Evidence
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.keep.judge import Judge, KeepList, NamesPatient
from deid_node.pixels.text.keep.settle import Settled
from deid_node.pixels.text.keep.sorter import Sorter
from deid_node.pixels.text.kinds import Kind, kind_of, says_burned_in
from deid_node.pixels.text.masks import GIVEN, Marked
from deid_node.pixels.text.regions_file import RegionsFile
from deid_node.pixels.text.search import Look, looks
from deid_node.pixels.text.spelled import Speller
from deid_node.pixels.text.ultrasound_regions import image_regions
from deid_node.values.geometry import DoubtedRegion
from deid_node.values.markings import Markings
from deid_node.values.stage import Stage


@dataclass(frozen=True, slots=True, eq=False)
class Surveyed:
    """What the first pass leaves to the second.

    `twin` is the dataset without hidden pictures and comments of its codestreams; `strays`,
    that bits beside the stored ones hold something; `unconfirmed`, that the instance came with
    Burned In Annotation YES and nothing was found to fill.
    """

    twin: Dataset
    frames: Frames
    display: Display
    sorter: Sorter
    settled: tuple[Settled, ...]
    strays: bool
    unconfirmed: bool


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Surveys instances, one after the other; the parameters are those of `PixelCleaner`."""

    finder: Finder
    device_regions: tuple[DeviceRegionsOptions, ...]
    keep: KeepList | None
    evidence: Evidence
    doubt: DoubtOptions
    speller: Speller | None
    regions_file: RegionsFile | None
    batch_bytes: int

    def accepted_regions(self) -> tuple[DeviceRegionsOptions, ...]:
        """Return what the file of fixed regions says now; raise `RegionsUnreadable`."""
        return () if self.regions_file is None else self.regions_file.current()

    def survey(
        self,
        dataset: Dataset,
        twin: Dataset,
        keyword: str,
        *,
        names_patient: NamesPatient,
        watch: Stopwatch,
        scratch_dir: Path | None,
        markings: Markings | None,
    ) -> Surveyed:
        """Return what is found on the frames of `dataset`; raises as `PixelCleaner.clean`.

        `twin` is the same without hidden pictures; `keyword` names its pixels.
        """
        twin, frames, _ = without_comments(twin, Frames(twin, keyword), scratch_dir)
        kind = kind_of(dataset, frames.layout)
        awaits_person = markings is None
        if awaits_person and kind is Kind.SLIDE_LABEL and self.doubt.slide_labels == "withhold":
            raise SlideLabel
        suspicious = says_burned_in(dataset)
        display = Display(twin, frames.layout, big_endian=frames.syntax.big_endian)
        band = self._band(kind, suspicious)
        images = image_regions(twin, rows=frames.layout.rows, columns=frames.layout.columns)
        judge = None if self.keep is None else Judge(self.keep, names_patient, watch)
        sorter = Sorter(
            judge,
            rows=frames.layout.rows,
            columns=frames.layout.columns,
            grid_pixels=grid_of(frames),
            band=band,
            markings=markings or Markings(),
            doubts_flow=kind is Kind.ULTRASOUND and self.doubt.regions == "withhold",
            images=images,
        )
        settled, strays = self._search(twin, frames, display, sorter, watch, kind=kind)
        with watch.running(Stage.FIND):
            settled = carried_over(frames, settled, sorter, display.palette)
        self._require_no_doubt(settled)
        if any(one.marks or one.kept for one in settled):
            require_picture(dataset)
        unconfirmed = suspicious and not any(one.marks for one in settled)
        if unconfirmed and awaits_person and self.doubt.burned_in == "withhold":
            raise BurnedInUnconfirmed
        return Surveyed(twin, frames, display, sorter, settled, strays, unconfirmed)

    def _band(self, kind: Kind, suspicious: bool) -> Band:
        band = self.evidence.band(kind, suspicious=suspicious)
        return band.without_doubt() if self.doubt.regions == "fill" else band

    def _require_no_doubt(self, settled: Sequence[Settled]) -> None:
        doubted = self._doubted((n, mark) for n, one in enumerate(settled) for mark in one.in_doubt)
        if doubted:
            raise TextUncertain(regions=doubted)

    def _doubted(self, marks: Iterable[tuple[int, Marked]]) -> list[DoubtedRegion]:
        return [DoubtedRegion(n, mark.box, mark.score, mark.source) for n, mark in marks]

    def _search(
        self,
        twin: Dataset,
        frames: Frames,
        display: Display,
        sorter: Sorter,
        watch: Stopwatch,
        *,
        kind: Kind,
    ) -> tuple[tuple[Settled, ...], bool]:
        fixed = device_marks((*self.device_regions, *self.accepted_regions()), twin, frames.layout)
        strays = False

        def decoded() -> Iterator[tuple[int, StoredFrame]]:
            nonlocal strays
            for index in range(len(frames)):
                with watch.running(Stage.DECODE):
                    words = frames[index]
                    strays = strays or stray(words, frames.layout)
                    values = values_of(words, frames.layout)
                yield index, values

        settled = []
        for look in looks(self.finder, display, decoded(), watch, batch_bytes=self.batch_bytes):
            sorted_out = sorter.sorted_out(look, fixed, self.finder.name)
            if kind is Kind.MAP:
                sorted_out = self._of_a_map(sorter.overruled(look), sorted_out, watch)
            settled.append(sorted_out)
        return tuple(settled), strays

    def _of_a_map(self, look: Look, sorted_out: Settled, watch: Stopwatch) -> Settled:
        """Return what counts in a mask or a map: nothing that is not read, then all of it."""
        found = look.found
        if self.speller is not None:
            with watch.running(Stage.FIND):
                found = self.speller.spelled(look)
        written = [mark for mark in sorted_out.marks if mark.source in GIVEN]
        written += [Marked(one.box, one.score, self.finder.name) for one in found]
        if written:
            raise ResidualText(
                "something like text is seen in a mask or a map, which is not filled",
                regions=self._doubted((look.index, mark) for mark in written),
            )
        return Settled(())
