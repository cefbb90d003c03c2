"""One frame with marks on it: fill, look again, fill more, or give up.

The second look sees the whole filled frame as a reader will have it, in the views
of the original: a grey scale that moved because white letters are gone would show
another picture, and what the finder thinks of that says nothing of the fill. What
it still finds is added to the mask, unless it is a line that stays and reads as
before, and everything is filled again from the original, a bounded number of
times; after that the text is said to be there and the instance is withheld. Where
the second look found something, the next fill is of one value: the streaks of a
texture that grows inwards can look like letters, an even patch cannot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from deid_node.errors import MostlyText, ResidualText
from deid_node.pixels.arrays import Mask, StoredFrame
from deid_node.pixels.compose import keep_inside
from deid_node.pixels.crops import CONTEXT_PIXELS, Crop, crop_of, stored_of
from deid_node.pixels.display import Display
from deid_node.pixels.find.base import Finder
from deid_node.pixels.inpaint.base import Filled, Inpainter
from deid_node.pixels.keep.lines import KeptLine, Settled
from deid_node.pixels.keep.sorter import Sorter
from deid_node.pixels.layout import Layout
from deid_node.pixels.looking import looks
from deid_node.pixels.masks import FIXED, hull, mask_of, neighbourhoods
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.values.geometry import Box, Region

ROUNDS: Final = 3
"""How often a frame is filled at most."""

MOST_FILLED: Final = 0.5
"""Share of a frame that may be filled for what is found on it. Fixed boxes may cover more."""

_REACH_PIXELS: Final = 8

AsRead: TypeAlias = Callable[[int, StoredFrame, Mask], StoredFrame]
"""From the number of a frame, its filled values and its mask to the values that are read."""


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """A filled frame in stored values, what was filled in it and what stays."""

    index: int
    values: StoredFrame
    regions: tuple[Region, ...]
    kept: tuple[KeptLine, ...]


@dataclass(frozen=True, slots=True)
class Restorer:
    """Fills marked frames of one instance."""

    inpainter: Inpainter
    plain: Inpainter
    second_look: Finder
    sorter: Sorter
    display: Display
    layout: Layout
    seed: int
    stopwatch: Stopwatch

    def restored(
        self, frames: Sequence[tuple[int, StoredFrame, Settled]], *, as_read: AsRead | None = None
    ) -> tuple[Restored, ...]:
        """Return each of `frames` filled, in order; what came in is not written to.

        `as_read` tells what a reader will have of a filled frame, where coding changes it.

        Raises
        ------
        ResidualText
            Text is still seen on a frame after the last round.
        MostlyText
            More than `MOST_FILLED` of a frame would be filled for what is found, or all of it.
        """
        open_frames = {index: (values, sorted_out) for index, values, sorted_out in frames}
        stubborn: dict[int, tuple[Box, ...]] = dict.fromkeys(open_frames, ())
        originals = {index: values for index, values, _ in frames}
        done: dict[int, Restored] = {}
        for _ in range(ROUNDS):
            with self.stopwatch.running("fill"):
                tried = [
                    self._filled(n, values, sorted_out, stubborn[n])
                    for n, (values, sorted_out) in open_frames.items()
                ]
            if as_read is not None:
                with self.stopwatch.running("encode"):
                    tried = [self._as_read(attempt, as_read) for attempt in tried]
            shown = ((attempt.index, attempt.values) for attempt in tried)
            seen = looks(
                self.second_look,
                self.display,
                shown,
                self.stopwatch,
                like=lambda index: originals[index],
            )
            left = {
                look.index: found
                for look in seen
                if (found := self.sorter.unexplained(look, open_frames[look.index][1].kept))
            }
            for attempt in tried:
                if attempt.index not in left:
                    done[attempt.index] = attempt
            for index, found in left.items():
                stubborn[index] += tuple(item.box for item in found)
            open_frames = {
                index: (values, self.sorter.refilled(before, left[index], self.second_look.name))
                for index, (values, before) in open_frames.items()
                if index in left
            }
            if not open_frames:
                return tuple(done[index] for index, _, _ in frames)
        raise ResidualText("text is still seen after the last fill")

    def _filled(
        self,
        index: int,
        values: StoredFrame,
        sorted_out: Settled,
        stubborn: tuple[Box, ...],
    ) -> Restored:
        rows, columns = self.layout.rows, self.layout.columns
        marks = sorted_out.marks
        boxes = [mark.box for mark in marks]
        mask = mask_of(boxes, rows=rows, columns=columns)
        found = [mark.box for mark in marks if mark.source != FIXED]
        if mask.all() or mask_of(found, rows=rows, columns=columns).mean() > MOST_FILLED:
            raise MostlyText
        groups = neighbourhoods(boxes, _REACH_PIXELS, rows=rows, columns=columns)
        windows = [
            hull([boxes[n] for n in group]).grown(CONTEXT_PIXELS, rows=rows, columns=columns)
            for group in groups
        ]
        crops = [self._crop(values, mask, window) for window in windows]
        filled = self._fills(crops, [any(w.intersects(s) for s in stubborn) for w in windows])
        canvas = values.copy()
        regions = []
        for group, window, crop, fill in zip(groups, windows, crops, filled, strict=True):
            back = stored_of(crop, fill.frame, self.layout, self.display.palette)
            own = mask_of([boxes[n] for n in group], rows=rows, columns=columns)[window.slices]
            canvas[window.slices] = keep_inside(canvas[window.slices], back, own)
            regions += [
                Region(index, marks[n].box, marks[n].score, marks[n].source, fill.method)
                for n in group
            ]
        return Restored(index, canvas, tuple(sorted(regions, key=lambda r: r.box)), sorted_out.kept)

    def _as_read(self, attempt: Restored, as_read: AsRead) -> Restored:
        boxes = [region.box for region in attempt.regions]
        mask = mask_of(boxes, rows=self.layout.rows, columns=self.layout.columns)
        return replace(attempt, values=as_read(attempt.index, attempt.values, mask))

    def _fills(self, crops: Sequence[Crop], plainly: Sequence[bool]) -> tuple[Filled, ...]:
        filled: dict[int, Filled] = {}
        for inpainter, wanted in ((self.inpainter, False), (self.plain, True)):
            chosen = [n for n, plain in enumerate(plainly) if plain is wanted]
            some = inpainter.fill(
                [crops[n].shown for n in chosen], [crops[n].mask for n in chosen], seed=self.seed
            )
            filled.update(zip(chosen, some, strict=True))
        return tuple(filled[n] for n in range(len(crops)))

    def _crop(self, values: StoredFrame, mask: Mask, window: Box) -> Crop:
        part = window.slices
        return crop_of(values[part], mask[part], self.layout, self.display.palette)
