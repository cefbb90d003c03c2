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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from deid_node.errors import AnatomyCovered, MostlyText, ResidualText
from deid_node.pixels.arrays import Mask, StoredFrame
from deid_node.pixels.carried import Carried
from deid_node.pixels.compose import keep_inside
from deid_node.pixels.crops import Crop, crop_of
from deid_node.pixels.display import Display
from deid_node.pixels.find.base import Finder
from deid_node.pixels.inpaint.base import Filled, Inpainter
from deid_node.pixels.inpaint.options import AnatomyOptions
from deid_node.pixels.keep.lines import KeptLine, Settled
from deid_node.pixels.keep.sorter import Sorter
from deid_node.pixels.layout import Layout
from deid_node.pixels.looking import looks
from deid_node.pixels.masks import FIXED, Marked, hull, mask_of, neighbourhoods
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


@dataclass(frozen=True, slots=True, eq=False)
class _Hole:
    """Boxes of one frame that are filled at once, by their numbers among its marks."""

    marks: tuple[int, ...]
    crop: Crop
    plainly: bool


@dataclass(frozen=True, slots=True)
class Restorer:
    """Fills marked frames of one instance.

    `prompt` says what kind of image it is; `carried` holds what was filled on earlier frames.
    """

    inpainter: Inpainter
    plain: Inpainter
    second_look: Finder
    sorter: Sorter
    display: Display
    layout: Layout
    seed: int
    stopwatch: Stopwatch
    prompt: str
    limit: AnatomyOptions
    carried: Carried

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
        AnatomyCovered
            More of a frame would be made up than `limit` lets.
        FillFailed
            The inpainter cannot run.
        """
        open_frames = {index: (values, sorted_out) for index, values, sorted_out in frames}
        stubborn: dict[int, tuple[Box, ...]] = dict.fromkeys(open_frames, ())
        originals = {index: values for index, values, _ in frames}
        done: dict[int, Restored] = {}
        for _ in range(ROUNDS):
            with self.stopwatch.running("fill"):
                tried = self._filled(open_frames, stubborn)
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
        frames: Mapping[int, tuple[StoredFrame, Settled]],
        stubborn: Mapping[int, tuple[Box, ...]],
    ) -> list[Restored]:
        """Return each frame filled; the holes of all frames are handed over together."""
        holes = {
            index: self._holes(values, settled.marks, stubborn[index])
            for index, (values, settled) in frames.items()
        }
        fills = iter(self._fills([hole for own in holes.values() for hole in own]))
        return [
            self._put_together(index, values, settled, [(hole, next(fills)) for hole in own])
            for (index, (values, settled)), own in zip(frames.items(), holes.values(), strict=True)
        ]

    def _holes(
        self,
        values: StoredFrame,
        marks: Sequence[Marked],
        stubborn: Sequence[Box],
    ) -> tuple[_Hole, ...]:
        rows, columns = self.layout.rows, self.layout.columns
        boxes = [mark.box for mark in marks]
        mask = mask_of(boxes, rows=rows, columns=columns)
        found = [mark.box for mark in marks if mark.source != FIXED]
        if mask.all() or mask_of(found, rows=rows, columns=columns).mean() > MOST_FILLED:
            raise MostlyText
        holes = []
        for group in neighbourhoods(boxes, _REACH_PIXELS, rows=rows, columns=columns):
            own = [boxes[n] for n in group]
            window = hull(own).grown(self.inpainter.context_pixels, rows=rows, columns=columns)
            crop = crop_of(
                values[window.slices],
                mask[window.slices],
                self.layout,
                self.display.palette,
                target=mask_of(own, rows=rows, columns=columns)[window.slices],
                window=window,
                prompt=self.prompt,
                seed=self.seed,
            )
            plainly = any(window.intersects(box) for box in stubborn)
            holes.append(_Hole(group, crop, plainly))
        return self._within_limit(holes)

    def _within_limit(self, holes: Sequence[_Hole]) -> tuple[_Hole, ...]:
        """Return the holes of one frame, those of one value where too much would be made up."""
        made_up = [
            0 if hole.plainly else self.inpainter.made_up_pixels(hole.crop) for hole in holes
        ]
        if sum(made_up) <= self.limit.most_share * self.layout.rows * self.layout.columns:
            return tuple(holes)
        if self.limit.beyond == "withhold":
            raise AnatomyCovered
        return tuple(
            replace(hole, plainly=True) if pixels else hole
            for hole, pixels in zip(holes, made_up, strict=True)
        )

    def _put_together(
        self,
        index: int,
        values: StoredFrame,
        settled: Settled,
        filled: Sequence[tuple[_Hole, Filled]],
    ) -> Restored:
        canvas = values.copy()
        regions = []
        for hole, fill in filled:
            window = hole.crop.window
            canvas[window.slices] = keep_inside(
                canvas[window.slices], fill.values, hole.crop.target
            )
            for mark in (settled.marks[n] for n in hole.marks):
                method = fill.method_in(mark.box.within(window))
                regions.append(Region(index, mark.box, mark.score, mark.source, method))
        return Restored(index, canvas, tuple(sorted(regions, key=lambda r: r.box)), settled.kept)

    def _as_read(self, attempt: Restored, as_read: AsRead) -> Restored:
        boxes = [region.box for region in attempt.regions]
        mask = mask_of(boxes, rows=self.layout.rows, columns=self.layout.columns)
        return replace(attempt, values=as_read(attempt.index, attempt.values, mask))

    def _fills(self, holes: Sequence[_Hole]) -> tuple[Filled, ...]:
        filled: dict[int, Filled] = {}
        for inpainter, plainly in ((self.inpainter, False), (self.plain, True)):
            chosen = [n for n, hole in enumerate(holes) if hole.plainly is plainly]
            crops = [holes[n].crop for n in chosen]
            some = inpainter.fill(crops) if plainly else self.carried.filled(crops, inpainter)
            filled.update(zip(chosen, some, strict=True))
        return tuple(filled[n] for n in range(len(holes)))
