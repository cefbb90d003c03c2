"""Pixels of one instance: find text on every frame, fill it, look again.

Two passes over the frames. The first only looks, so that an instance without
text leaves with the very bytes it came with; the second decodes again and
writes. Nothing but boxes is kept between them, and what the lines say that stay.

Source: PS3.15 E.3.1 (Clean Pixel Data Option).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from deid_node.pixels.arrays import StoredFrame
from deid_node.pixels.attributes import text
from deid_node.pixels.bits import stray, values_of
from deid_node.pixels.carried import Carried
from deid_node.pixels.comments import without_comments
from deid_node.pixels.device_regions import DeviceRegionsOptions, device_marks
from deid_node.pixels.display import Display
from deid_node.pixels.find.base import Finder
from deid_node.pixels.frames import Frames
from deid_node.pixels.hidden import without_hidden_pictures
from deid_node.pixels.inpaint.base import Inpainter
from deid_node.pixels.inpaint.options import AnatomyOptions
from deid_node.pixels.inpaint.prompts import prompt_of
from deid_node.pixels.inpaint.solid import SolidInpainter
from deid_node.pixels.keep.judge import Judge, KeepList, NamesPatient, names_everybody
from deid_node.pixels.keep.lines import KeptLine, Settled
from deid_node.pixels.keep.sorter import Sorter
from deid_node.pixels.layout import pixel_keyword
from deid_node.pixels.looking import BATCH_BYTES, looks
from deid_node.pixels.objects import require_open, require_picture
from deid_node.pixels.overlays import planes_without_text
from deid_node.pixels.restore import Restorer
from deid_node.pixels.rewrite import Rewrite, grid_of
from deid_node.pixels.standing import carried_over
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.values.geometry import KeptRegion, Region
from deid_node.values.report import Step


@dataclass(frozen=True, slots=True, eq=False)
class PixelsCleaned:
    """What became of an instance's pixels.

    `dataset` is a new dataset that shares untouched elements with the one given.
    `frames` counts the frames that were looked at. `changed` says that pixels differ
    from what came; `looked_at`, that there were pixels and a finder saw every frame.
    `kept` are the lines that stay. `hidden_removed` says that overlays, curves, icons
    or comments inside codestreams were removed, `stray_bits_cleared` that bits beside
    the stored ones held something.
    """

    dataset: Dataset
    frames: int
    regions: tuple[Region, ...]
    changed: bool
    looked_at: bool
    steps: tuple[Step, ...]
    hidden_removed: bool = False
    stray_bits_cleared: bool = False
    kept: tuple[KeptRegion, ...] = ()


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
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        self._finder = finder
        self._inpainter = inpainter
        self._device_regions = tuple(device_regions)
        self._second_look = finder if second_look is None else second_look
        self._keep = keep
        self._keep_overlays = keep_overlays
        self._limit = limit
        self._batch_bytes = batch_bytes

    def clean(
        self,
        dataset: Dataset,
        *,
        seed: int,
        names_patient: NamesPatient = names_everybody,
        scratch_dir: Path | None = None,
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

        Raises
        ------
        UnsupportedObject
            The object holds something that cannot be looked into.
        UnsupportedSyntax
            Video, or a transfer syntax that is not known.
        MalformedDataset, Undecodable
            Frames cannot be had as the attributes say.
        ResidualText
            Text is still seen after the last fill, or seen in a map of labels or
            quantities.
        MostlyText, AnatomyCovered, FillFailed
            Too much of a frame would be filled or made up, or the model cannot run.
        """
        require_open(dataset)
        planes = planes_without_text(dataset, self._finder) if self._keep_overlays else frozenset()
        twin, hidden = without_hidden_pictures(dataset, planes)
        keyword = pixel_keyword(twin)
        if keyword is None:
            return PixelsCleaned(twin, 0, (), False, False, (), hidden_removed=hidden)
        twin, frames, comments = without_comments(twin, Frames(twin, keyword), scratch_dir)
        hidden = hidden or comments
        display = Display(twin, frames.layout, big_endian=frames.syntax.big_endian)
        watch = Stopwatch()
        sorter = self._sorter(frames, names_patient, watch)
        settled, strays = self._search(twin, frames, display, sorter, watch)
        with watch.running("find"):
            settled = carried_over(frames, settled, sorter, display.palette)
        if any(one.marks or one.kept for one in settled):
            require_picture(dataset)
        if not strays and not any(one.marks for one in settled):
            return PixelsCleaned(
                twin,
                len(frames),
                (),
                changed=False,
                looked_at=True,
                steps=watch.steps(),
                hidden_removed=hidden,
                kept=self._kept(one.kept for one in settled),
            )
        restorer = Restorer(
            inpainter=self._inpainter,
            plain=SolidInpainter(),
            second_look=self._second_look,
            sorter=sorter,
            display=display,
            layout=frames.layout,
            seed=seed,
            stopwatch=watch,
            prompt=prompt_of(text(twin, "Modality")),
            limit=self._limit,
            carried=Carried(),
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
            hidden_removed=hidden,
            stray_bits_cleared=strays,
            kept=self._kept(rewritten.kept),
        )

    def _sorter(self, frames: Frames, names_patient: NamesPatient, watch: Stopwatch) -> Sorter:
        layout = frames.layout
        judge = None if self._keep is None else Judge(self._keep, names_patient, watch)
        return Sorter(judge, rows=layout.rows, columns=layout.columns, grid_pixels=grid_of(frames))

    def _kept(self, lines: Iterable[tuple[KeptLine, ...]]) -> tuple[KeptRegion, ...]:
        reader = "" if self._keep is None else self._keep.reader.name
        return tuple(
            KeptRegion(frame, line.box, line.mark.score, reader)
            for frame, on_frame in enumerate(lines)
            for line in sorted(on_frame, key=lambda line: line.box)
        )

    def _search(
        self, twin: Dataset, frames: Frames, display: Display, sorter: Sorter, watch: Stopwatch
    ) -> tuple[tuple[Settled, ...], bool]:
        fixed = device_marks(self._device_regions, twin, frames.layout)
        strays = False

        def decoded() -> Iterator[tuple[int, StoredFrame]]:
            nonlocal strays
            for index in range(len(frames)):
                with watch.running("decode"):
                    words = frames[index]
                    strays = strays or stray(words, frames.layout)
                    values = values_of(words, frames.layout)
                yield index, values

        settled = tuple(
            sorter.sorted_out(look, fixed, self._finder.name)
            for look in looks(
                self._finder, display, decoded(), watch, batch_bytes=self._batch_bytes
            )
        )
        return settled, strays
