"""The second pass: marked frames are filled and written, the others kept."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from deid_node.dicom.syntaxes import Family
from deid_node.pixeldata.arrays import Mask, StoredFrame
from deid_node.pixeldata.bits import Words, values_of, words_of
from deid_node.pixeldata.compose import keep_inside
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import SUBSAMPLED
from deid_node.pixeldata.lossy import mark_lossy_history
from deid_node.pixeldata.writers import DecodedWriter, EncodingFailed, Writer, writer_for
from deid_node.pixels.derivation import mark_changed
from deid_node.pixels.fill.choice import MADE_UP
from deid_node.pixels.restore import Restored, Restorer
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.keep.settle import KeptLine, Settled
from deid_node.pixels.text.masks import mask_of
from deid_node.values.geometry import Region
from deid_node.values.stage import Stage

_RANGE: Final = ("SmallestImagePixelValue", "LargestImagePixelValue")


def grid_of(frames: Frames) -> int:
    """Return the grid that boxes are widened to.

    Lossy JPEG spreads an echo of each stroke over its block: 8 pixels, 16 or more
    where chroma may be subsampled. Native subsampled colour has one chroma for 2
    pixels.
    """
    if frames.syntax.family is Family.JPEG:
        blocks = (8, 8) if frames.header is None else frames.header.mcu
        return 8 if frames.source.samples == 1 else max(16, *blocks)
    return 2 if frames.source.photometric in SUBSAMPLED else 1


@dataclass(frozen=True, slots=True, eq=False)
class Rewritten:
    """What was filled, and for each frame the lines that stay."""

    regions: tuple[Region, ...]
    kept: tuple[tuple[KeptLine, ...], ...]

    @property
    def made_up(self) -> bool:
        """Whether pixels over anatomy were made up."""
        return any(region.fill in MADE_UP for region in self.regions)


@dataclass(frozen=True, slots=True, eq=False)
class Rewrite:
    """One instance about to be written again.

    `settled` says of each frame what is filled and what stays; `strays`, that bits
    beside the stored ones hold something, so that every frame is written without
    them. `scratch_dir` is that of `Scratch`.
    """

    frames: Frames
    settled: tuple[Settled, ...]
    strays: bool
    restorer: Restorer
    stopwatch: Stopwatch
    batch_bytes: int
    scratch_dir: Path | None

    def write_into(self, dataset: Dataset) -> Rewritten:
        """Set the new pixels and what belongs to them in `dataset`; return what became of them.

        Raises
        ------
        ResidualText
            Text is still seen on a frame after the last fill.
        Undecodable
            A frame that could be decoded before cannot any more.
        """
        try:
            writer = writer_for(self.frames, dataset, self.scratch_dir)
            rewritten, low, high = self._through(writer, dataset)
        except EncodingFailed:
            writer = DecodedWriter(self.frames, self.scratch_dir)
            rewritten, low, high = self._through(writer, dataset)
        with self.stopwatch.running(Stage.ENCODE):
            writer.write(dataset)
            mark_lossy_history(dataset, self.frames)
            mark_changed(dataset, self.frames, low, high, filled=bool(rewritten.regions))
        return rewritten

    def _through(self, writer: Writer, dataset: Dataset) -> tuple[Rewritten, int, int]:
        ranged = any(keyword in dataset for keyword in _RANGE)
        regions: list[Region] = []
        kept: list[tuple[KeptLine, ...]] = []
        ends: list[tuple[int, int]] = []
        pending: list[tuple[int, Words | None]] = []
        held_bytes = 0
        for index in range(len(self.frames)):
            words = None
            if self.settled[index].marks or self.strays or ranged:
                with self.stopwatch.running(Stage.DECODE):
                    words = self.frames[index]
                held_bytes += words.nbytes
            pending.append((index, words))
            if held_bytes >= self.batch_bytes:
                self._flush(writer, pending, regions, kept, ends if ranged else None)
                pending, held_bytes = [], 0
        self._flush(writer, pending, regions, kept, ends if ranged else None)
        low = min((end[0] for end in ends), default=0)
        high = max((end[1] for end in ends), default=0)
        return Rewritten(tuple(regions), tuple(kept)), low, high

    def _flush(
        self,
        writer: Writer,
        pending: list[tuple[int, Words | None]],
        regions: list[Region],
        kept: list[tuple[KeptLine, ...]],
        ends: list[tuple[int, int]] | None,
    ) -> None:
        layout = self.frames.layout
        marked = [
            (index, values_of(words, layout), self.settled[index])
            for index, words in pending
            if words is not None and self.settled[index].marks
        ]
        as_read = None if writer.exact else functools.partial(self._as_read, writer)
        restored_frames = self.restorer.restored(marked, as_read=as_read)
        filled = {restored.index: restored for restored in restored_frames}
        for index, words in pending:
            restored = filled.get(index)
            if words is None or (restored is None and not self.strays):
                new = None
            else:
                new = self._words(words, restored)
            if ends is not None and words is not None:
                values = values_of(words if new is None else new, layout)
                ends.append((int(np.min(values)), int(np.max(values))))
            with self.stopwatch.running(Stage.ENCODE):
                if new is None:
                    writer.keep(index)
                else:
                    writer.put(index, new)
            if restored is not None:
                regions += self._reported(writer, restored)
            kept.append(self.settled[index].kept if restored is None else restored.kept)

    def _as_read(self, writer: Writer, index: int, values: StoredFrame, mask: Mask) -> StoredFrame:
        layout = self.frames.layout
        return values_of(writer.read_back(index, words_of(values, layout), mask), layout)

    def _reported(self, writer: Writer, restored: Restored) -> list[Region]:
        rows, columns = self.frames.layout.rows, self.frames.layout.columns
        return [
            replace(region, box=region.box.grown(writer.fringe_pixels, rows=rows, columns=columns))
            for region in restored.regions
        ]

    def _words(self, words: Words, restored: Restored | None) -> Words:
        layout = self.frames.layout
        base = words_of(values_of(words, layout), layout) if self.strays else words
        if restored is None:
            return base
        boxes = [region.box for region in restored.regions]
        mask = mask_of(boxes, rows=layout.rows, columns=layout.columns)
        return keep_inside(base, words_of(restored.values, layout), mask)
