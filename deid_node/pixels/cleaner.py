"""Pixels of one instance: find text on every frame, fill it, look again.

Two passes over the frames. The first only looks, so that an instance without
text leaves with the very bytes it came with; the second decodes again and
writes. Nothing but boxes is kept between them, and what the lines say that stay.
What is in doubt after the first ends there: nothing is written.

Source: PS3.15 E.3.1 (Clean Pixel Data Option).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from deid_node.errors import (
    BurnedInUnconfirmed,
    ResidualText,
    SlideLabel,
    TextUncertain,
)
from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.attributes import text
from deid_node.pixeldata.bits import stray, values_of
from deid_node.pixeldata.comments import without_comments
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.pixels.beside import Beside, is_stacked
from deid_node.pixels.derivation import derivation_of
from deid_node.pixels.fill.base import Inpainter
from deid_node.pixels.fill.build import plain_inpainter, smooth_inpainter
from deid_node.pixels.fill.fill_cache import Carried
from deid_node.pixels.fill.options import AnatomyOptions
from deid_node.pixels.fill.prompts import prompt_of
from deid_node.pixels.hidden.overlays import planes_without_text
from deid_node.pixels.hidden.pictures import without_hidden_pictures
from deid_node.pixels.hidden.supported import require_open, require_picture
from deid_node.pixels.region_tracking import carried_over
from deid_node.pixels.restore import Restorer
from deid_node.pixels.rewrite import Rewrite, grid_of
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.device_regions import DeviceRegionsOptions, device_marks
from deid_node.pixels.text.doubt import DoubtOptions
from deid_node.pixels.text.evidence import Band, Evidence
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.keep.judge import Judge, KeepList, NamesPatient, names_everybody
from deid_node.pixels.text.keep.settle import KeptLine, Settled
from deid_node.pixels.text.keep.sorter import Sorter
from deid_node.pixels.text.kinds import Kind, kind_of, says_burned_in
from deid_node.pixels.text.masks import GIVEN, Marked
from deid_node.pixels.text.read.base import Reader
from deid_node.pixels.text.regions_file import RegionsFile
from deid_node.pixels.text.search import BATCH_BYTES, Look, looks
from deid_node.pixels.text.spelled import Speller
from deid_node.pixels.text.ultrasound_regions import image_regions
from deid_node.values.geometry import DoubtedRegion, KeptRegion, Region
from deid_node.values.markings import Markings
from deid_node.values.report import Step
from deid_node.values.stage import Stage


@dataclass(frozen=True, slots=True, eq=False)
class PixelsCleaned:
    """What became of an instance's pixels.

    `dataset` is a new dataset that shares untouched elements with the one given.
    `frames` counts the frames that were looked at. `changed` says that pixels differ
    from what came; `looked_at`, that there were pixels and a finder saw every frame.
    `kept` are the lines that stay. `unconfirmed` says that the instance came with Burned
    In Annotation YES and nothing was found that could be filled. `derivation` are the
    sentences that Derivation Description is to say of it.
    """

    dataset: Dataset
    frames: int
    regions: tuple[Region, ...]
    changed: bool
    looked_at: bool
    steps: tuple[Step, ...]
    kept: tuple[KeptRegion, ...] = ()
    unconfirmed: bool = False
    derivation: tuple[str, ...] = ()


class PixelCleaner:
    """Cleans instances, one after the other; holds the models and no instance.

    Parameters
    ----------
    finder
        Looks for text on each view of each frame.
    inpainter
        Fills what was found.
    device_regions
        Fixed boxes, filled beside what the finder finds.
    second_look
        Looks at filled frames; None takes `finder` again.
    keep
        Which lines stay; None lets none and reads none.
    keep_overlays
        Whether overlay planes stay on which `finder` sees nothing.
    limit
        How much of a frame may be made up.
    evidence
        From which scores on what is found is filled, and withheld.
    doubt
        What becomes of instances that may show more than was found.
    reader
        Reads what is found in masks and maps; None takes all of it for text.
    regions_file
        More fixed boxes, read anew for each instance; None has none.
    batch_bytes
        Views, and filled frames, that are held at a time.
    """

    def __init__(
        self,
        finder: Finder,
        inpainter: Inpainter,
        device_regions: Sequence[DeviceRegionsOptions] = (),
        *,
        second_look: Finder | None = None,
        keep: KeepList | None = None,
        keep_overlays: bool = False,
        limit: AnatomyOptions = AnatomyOptions(),  # noqa: B008 - frozen
        evidence: Evidence = Evidence(),  # noqa: B008 - frozen
        doubt: DoubtOptions = DoubtOptions(),  # noqa: B008 - frozen
        reader: Reader | None = None,
        regions_file: RegionsFile | None = None,
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        self._finder = finder
        self._inpainter = inpainter
        self._device_regions = tuple(device_regions)
        self._regions_file = regions_file
        self._second_look = finder if second_look is None else second_look
        self._keep = keep
        self._keep_overlays = keep_overlays
        self._limit = limit
        self._evidence = evidence
        self._doubt = doubt
        self._speller = None if reader is None else Speller(reader)
        self._batch_bytes = batch_bytes

    def clean(
        self,
        dataset: Dataset,
        *,
        seed: int,
        names_patient: NamesPatient = names_everybody,
        scratch_dir: Path | None = None,
        markings: Markings | None = None,
    ) -> PixelsCleaned:
        """Return `dataset` without text in its pixels; it is not written to.

        Parameters
        ----------
        dataset
            With its file meta information.
        seed
            For inpainters that draw; the same seed gives the same pixels.
        names_patient
            Asked of each line that would stay whether it says anything of the people
            in the header. Unless given, no line stays.
        scratch_dir
            Where large new pixels lie, in a file without a name; None leaves that to
            the system.
        markings
            What a person decided who has looked at it: their boxes are filled beside what
            is found, what they say is no text stays, and what was withheld to be looked
            at is not withheld again for that alone.

        Raises
        ------
        UnsupportedObject
            The object holds something that cannot be looked into.
        UnsupportedSyntax
            Video, or a transfer syntax that is not known.
        MalformedDataset, Undecodable
            Frames cannot be had as the attributes say.
        SlideLabel
            It shows the label of a slide, and such are withheld.
        TextUncertain
            Something may be text and nobody can be sure.
        BurnedInUnconfirmed
            It says that text is burned in, and nothing was found to fill.
        ResidualText
            Text is still seen after the last fill, or read in a map of labels or
            quantities.
        MostlyText, AnatomyCovered, FillFailed
            Too much of a frame would be filled or made up, or the model cannot run.
        RegionsUnreadable
            The file of fixed boxes cannot be read for now.
        """
        require_open(dataset)
        planes = planes_without_text(dataset, self._finder) if self._keep_overlays else frozenset()
        twin, _ = without_hidden_pictures(dataset, planes)
        keyword = pixel_keyword(twin)
        if keyword is None:
            return PixelsCleaned(twin, 0, (), False, False, ())
        twin, frames, _ = without_comments(twin, Frames(twin, keyword), scratch_dir)
        kind = kind_of(dataset, frames.layout)
        awaits_person = markings is None
        if awaits_person and kind is Kind.SLIDE_LABEL and self._doubt.slide_labels == "withhold":
            raise SlideLabel
        suspicious = says_burned_in(dataset)
        display = Display(twin, frames.layout, big_endian=frames.syntax.big_endian)
        watch = Stopwatch()
        band = self._band(kind, suspicious)
        images = image_regions(twin, rows=frames.layout.rows, columns=frames.layout.columns)
        judge = None if self._keep is None else Judge(self._keep, names_patient, watch)
        sorter = Sorter(
            judge,
            rows=frames.layout.rows,
            columns=frames.layout.columns,
            grid_pixels=grid_of(frames),
            band=band,
            markings=markings or Markings(),
            doubts_flow=kind is Kind.ULTRASOUND and self._doubt.regions == "withhold",
            images=images,
        )
        settled, strays = self._search(twin, frames, display, sorter, watch, kind=kind)
        with watch.running(Stage.FIND):
            settled = carried_over(frames, settled, sorter, display.palette)
        self._require_no_doubt(settled)
        if any(one.marks or one.kept for one in settled):
            require_picture(dataset)
        unconfirmed = suspicious and not any(one.marks for one in settled)
        if unconfirmed and awaits_person and self._doubt.burned_in == "withhold":
            raise BurnedInUnconfirmed
        if not strays and not any(one.marks for one in settled):
            return PixelsCleaned(
                twin,
                len(frames),
                (),
                changed=False,
                looked_at=True,
                steps=watch.steps(),
                kept=self._kept(one.kept for one in settled),
                unconfirmed=unconfirmed,
            )
        restorer = Restorer(
            inpainter=self._inpainter,
            smooth=smooth_inpainter(),
            plain=plain_inpainter(),
            second_look=self._second_look,
            sorter=sorter,
            display=display,
            layout=frames.layout,
            seed=seed,
            stopwatch=watch,
            prompt=prompt_of(text(twin, "Modality")),
            limit=self._limit if awaits_person else self._limit.agreed(),
            carried=Carried(),
            beside=Beside(frames, settled, most_bytes=self._batch_bytes),
            stacked=is_stacked(text(twin, "Modality")),
        )
        rewrite = Rewrite(frames, settled, strays, restorer, watch, self._batch_bytes, scratch_dir)
        rewritten = rewrite.write_into(twin)
        return PixelsCleaned(
            twin,
            len(frames),
            rewritten.regions,
            changed=True,
            looked_at=True,
            steps=watch.steps(),
            kept=self._kept(rewritten.kept),
            unconfirmed=unconfirmed,
            derivation=derivation_of(
                filled=bool(rewritten.regions),
                made_up=rewritten.made_up,
                bits_cleared=strays,
            ),
        )

    def _band(self, kind: Kind, suspicious: bool) -> Band:
        band = self._evidence.band(kind, suspicious=suspicious)
        return band.without_doubt() if self._doubt.regions == "fill" else band

    def _require_no_doubt(self, settled: Sequence[Settled]) -> None:
        doubted = self._doubted((n, mark) for n, one in enumerate(settled) for mark in one.in_doubt)
        if doubted:
            raise TextUncertain(regions=doubted)

    def _doubted(self, marks: Iterable[tuple[int, Marked]]) -> list[DoubtedRegion]:
        return [DoubtedRegion(n, mark.box, mark.score, mark.source) for n, mark in marks]

    def _kept(self, lines: Iterable[tuple[KeptLine, ...]]) -> tuple[KeptRegion, ...]:
        reader = "" if self._keep is None else self._keep.reader.name
        return tuple(
            KeptRegion(frame, line.box, line.mark.score, reader)
            for frame, on_frame in enumerate(lines)
            for line in sorted(on_frame, key=lambda line: line.box)
        )

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
        accepted = () if self._regions_file is None else self._regions_file.current()
        fixed = device_marks((*self._device_regions, *accepted), twin, frames.layout)
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
        for look in looks(self._finder, display, decoded(), watch, batch_bytes=self._batch_bytes):
            sorted_out = sorter.sorted_out(look, fixed, self._finder.name)
            if kind is Kind.MAP:
                sorted_out = self._of_a_map(sorter.overruled(look), sorted_out, watch)
            settled.append(sorted_out)
        return tuple(settled), strays

    def _of_a_map(self, look: Look, sorted_out: Settled, watch: Stopwatch) -> Settled:
        """Return what counts in a mask or a map: nothing that is not read, then all of it."""
        found = look.found
        if self._speller is not None:
            with watch.running(Stage.FIND):
                found = self._speller.spelled(look)
        written = [mark for mark in sorted_out.marks if mark.source in GIVEN]
        written += [Marked(one.box, one.score, self._finder.name) for one in found]
        if written:
            raise ResidualText(
                "something like text is seen in a mask or a map, which is not filled",
                regions=self._doubted((look.index, mark) for mark in written),
            )
        return Settled(())
