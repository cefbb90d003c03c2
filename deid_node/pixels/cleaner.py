"""Pixels of one instance: find text on every frame, fill it, look again.

Two passes over the frames. The first only looks, so that an instance without
text leaves with the very bytes it came with; the second decodes again and
writes. Nothing but boxes is kept between them, and what the lines say that stay.
What is in doubt after the first ends there: nothing is written.

Source: PS3.15 E.3.1 (Clean Pixel Data Option).
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from pydicom.dataset import Dataset

from deid_node.pixeldata.attributes import text
from deid_node.pixeldata.bits import values_of
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
from deid_node.pixels.hidden.supported import require_open
from deid_node.pixels.restore import Restorer
from deid_node.pixels.rewrite import Rewrite
from deid_node.pixels.slices_beside import ShownSlice, SlicesBeside, StackBeside, covered_on
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.survey import Surveyor
from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.pixels.text.doubt import DoubtOptions
from deid_node.pixels.text.evidence import Evidence
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.keep.judge import KeepList, NamesPatient, names_everybody
from deid_node.pixels.text.keep.settle import KeptLine
from deid_node.pixels.text.read.base import Reader
from deid_node.pixels.text.regions_file import RegionsFile
from deid_node.pixels.text.search import BATCH_BYTES
from deid_node.pixels.text.spelled import Speller
from deid_node.values.geometry import Box, KeptRegion, Region
from deid_node.values.markings import Markings
from deid_node.values.report import Step

_MOST_REMEMBERED: Final = 64
_Seen: TypeAlias = tuple[str, tuple[DeviceRegionsOptions, ...]]
"""A checksum, and the fixed regions that were in force besides those of the configuration."""


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
        self._second_look = finder if second_look is None else second_look
        self._keep = keep
        self._keep_overlays = keep_overlays
        self._limit = limit
        self._batch_bytes = batch_bytes
        self._surveyor = Surveyor(
            finder,
            tuple(device_regions),
            keep,
            evidence,
            doubt,
            None if reader is None else Speller(reader),
            regions_file,
            batch_bytes,
        )
        self._covered: OrderedDict[_Seen, tuple[Box, ...]] = OrderedDict()

    def clean(
        self,
        dataset: Dataset,
        *,
        seed: int,
        names_patient: NamesPatient = names_everybody,
        scratch_dir: Path | None = None,
        markings: Markings | None = None,
        beside: StackBeside | None = None,
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
        beside
            The slices beside this one, for an image of one frame.

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
        twin = self._without_hidden(dataset)
        keyword = pixel_keyword(twin)
        if keyword is None:
            return PixelsCleaned(twin, 0, (), False, False, ())
        watch = Stopwatch()
        found = self._surveyor.survey(
            dataset,
            twin,
            keyword,
            names_patient=names_patient,
            watch=watch,
            scratch_dir=scratch_dir,
            markings=markings,
        )
        twin, frames, settled = found.twin, found.frames, found.settled
        if not found.strays and not any(one.marks for one in settled):
            return PixelsCleaned(
                twin,
                len(frames),
                (),
                changed=False,
                looked_at=True,
                steps=watch.steps(),
                kept=self._kept(one.kept for one in settled),
                unconfirmed=found.unconfirmed,
            )
        restorer = Restorer(
            inpainter=self._inpainter,
            smooth=smooth_inpainter(),
            plain=plain_inpainter(),
            second_look=self._second_look,
            sorter=found.sorter,
            display=found.display,
            layout=frames.layout,
            seed=seed,
            stopwatch=watch,
            prompt=prompt_of(text(twin, "Modality")),
            limit=self._limit if markings is None else self._limit.agreed(),
            carried=Carried(),
            beside=(
                Beside(frames, settled, most_bytes=self._batch_bytes)
                if beside is None or len(frames) > 1
                else SlicesBeside(beside, frames.layout)
            ),
            stacked=is_stacked(text(twin, "Modality")),
        )
        rewrite = Rewrite(
            frames, settled, found.strays, restorer, watch, self._batch_bytes, scratch_dir
        )
        rewritten = rewrite.write_into(twin)
        return PixelsCleaned(
            twin,
            len(frames),
            rewritten.regions,
            changed=True,
            looked_at=True,
            steps=watch.steps(),
            kept=self._kept(rewritten.kept),
            unconfirmed=found.unconfirmed,
            derivation=derivation_of(
                filled=bool(rewritten.regions),
                made_up=rewritten.made_up,
                bits_cleared=found.strays,
            ),
        )

    def slice_of(
        self,
        dataset: Dataset,
        known_as: str,
        *,
        names_patient: NamesPatient = names_everybody,
        scratch_dir: Path | None = None,
    ) -> ShownSlice | None:
        """Return the one frame of `dataset`, and what on it nobody else may be shown.

        That is all that would be filled on it, and what would stay by leave. None where it has
        no frame, or several. Raises as `clean` does: what would be withheld shows nothing.
        `known_as` is the checksum of its bytes: what was found on them is remembered.
        """
        twin = self._without_hidden(dataset)
        keyword = pixel_keyword(twin)
        if keyword is None:
            return None
        frames = Frames(twin, keyword)
        if len(frames) != 1:
            return None
        seen = (known_as, self._surveyor.accepted_regions())
        if seen not in self._covered:
            found = self._surveyor.survey(
                dataset,
                twin,
                keyword,
                names_patient=names_patient,
                watch=Stopwatch(),
                scratch_dir=scratch_dir,
                markings=None,
            )
            (settled,) = found.settled
            while len(self._covered) >= _MOST_REMEMBERED:
                self._covered.popitem(last=False)
            self._covered[seen] = covered_on(settled)
        values = np.asarray(values_of(frames[0], frames.layout))
        return ShownSlice(values, self._covered[seen], frames.layout)

    def _without_hidden(self, dataset: Dataset) -> Dataset:
        """Return a twin of `dataset` without pictures that no frame shows; it must be open."""
        require_open(dataset)
        planes = planes_without_text(dataset, self._finder) if self._keep_overlays else frozenset()
        return without_hidden_pictures(dataset, planes)[0]

    def _kept(self, lines: Iterable[tuple[KeptLine, ...]]) -> tuple[KeptRegion, ...]:
        reader = "" if self._keep is None else self._keep.reader.name
        return tuple(
            KeptRegion(frame, line.box, line.mark.score, reader)
            for frame, on_frame in enumerate(lines)
            for line in sorted(on_frame, key=lambda line: line.box)
        )
