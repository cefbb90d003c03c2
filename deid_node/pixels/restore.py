"""One frame with marks on it: fill, look again, fill otherwise or more, or give up.

The second look sees the whole filled frame as a reader will have it, in the views
of the original: a grey scale that moved because white letters are gone would show
another picture, and what the finder thinks of that says nothing of the fill. What it
finds on pixels as they came is added to the mask, unless it is a line that stays and
reads as before; what it finds in the fill changes the fill (`second_look`). Everything
is filled again from the original, a bounded number of times; after that the text is
said to be there and the instance is withheld.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from deid_node.errors import AnatomyCovered, MostlyText, ResidualText, TextUncertain
from deid_node.pixeldata.arrays import Mask, StoredFrame
from deid_node.pixeldata.compose import keep_inside
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.layout import Layout
from deid_node.pixels.beside import Neighbours
from deid_node.pixels.fill.base import Filled, Inpainter
from deid_node.pixels.fill.crops import Crop, crop_of
from deid_node.pixels.fill.fill_cache import Carried
from deid_node.pixels.fill.options import AnatomyOptions
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.keep.settle import KeptLine, Settled
from deid_node.pixels.text.keep.sorter import Sorter
from deid_node.pixels.text.masks import GIVEN, Marked, hull, mask_of, neighbourhoods
from deid_node.pixels.text.search import Look, looks
from deid_node.pixels.text.second_look import Blamed, Manner, Verdict, manner_of, verdict_on
from deid_node.values.geometry import Box, DoubtedRegion, Found, Region
from deid_node.values.stage import Stage

ROUNDS: Final = 5
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
class _Open:
    """A frame that is not done: as it came, what is filled in it, and which fills drew letters."""

    values: StoredFrame
    settled: Settled
    blamed: tuple[Blamed, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Hole:
    """Boxes of one frame that are filled at once, by their numbers among its marks."""

    marks: tuple[int, ...]
    crop: Crop
    manner: Manner


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    restored: Restored
    fills: tuple[tuple[Box, Filled], ...]


@dataclass(frozen=True, slots=True)
class Restorer:
    """Fills marked frames of one instance.

    `inpainter` is the treatment's, `smooth` and `plain` take over where a fill drew what
    looks like letters. `prompt` says what kind of image it is; `carried` holds what was
    filled on earlier frames, `beside` what the frames next to one show. Where frames are
    `stacked`, slices of a volume, grain goes from one to the next as that of their
    surround does: the same on all would be seen as stripes across them.
    """

    inpainter: Inpainter
    smooth: Inpainter
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
    beside: Neighbours
    stacked: bool = False

    def restored(
        self, frames: Sequence[tuple[int, StoredFrame, Settled]], *, as_read: AsRead | None = None
    ) -> tuple[Restored, ...]:
        """Return each of `frames` filled, in order; what came in is not written to.

        `as_read` tells what a reader will have of a filled frame, where coding changes it.

        Raises
        ------
        ResidualText
            Text is still seen on a frame after the last round, or in an even fill.
        TextUncertain
            Something that may be text has come to light outside of what is filled.
        MostlyText
            More than `MOST_FILLED` of a frame would be filled for what is found, or all of it.
        AnatomyCovered
            More of a frame would be made up, or painted over, than `limit` lets.
        FillFailed
            The inpainter cannot run.
        """
        open_frames = {index: _Open(values, settled) for index, values, settled in frames}
        originals = {index: values for index, values, _ in frames}
        done: dict[int, Restored] = {}
        left: dict[int, Verdict] = {}
        for _ in range(ROUNDS):
            with self.stopwatch.running(Stage.FILL):
                tried = self._filled(open_frames)
            if as_read is not None:
                with self.stopwatch.running(Stage.ENCODE):
                    tried = [self._as_read(attempt, as_read) for attempt in tried]
            shown = ((one.restored.index, one.restored.values) for one in tried)
            seen = looks(
                self.second_look,
                self.display,
                shown,
                self.stopwatch,
                like=lambda index: originals[index],
            )
            left = {}
            for attempt, look in zip(tried, seen, strict=True):
                verdict = self._verdict(look, open_frames[look.index], attempt)
                if verdict.is_done:
                    done[look.index] = attempt.restored
                else:
                    left[look.index] = verdict
            open_frames = {
                index: self._after(open_frames[index], verdict) for index, verdict in left.items()
            }
            if not open_frames:
                return tuple(done[index] for index, _, _ in frames)
        raise ResidualText(
            "text is still seen after the last fill",
            regions=[
                region
                for index, verdict in left.items()
                for region in self._doubted(index, verdict.missed)
            ],
        )

    def _verdict(self, look: Look, frame: _Open, attempt: _Attempt) -> Verdict:
        mask = self._mask(mark.box for mark in frame.settled.marks)
        unexplained = self.sorter.unexplained(look, frame.settled)
        verdict = verdict_on(unexplained, mask, attempt.fills)
        if verdict.stuck:
            raise ResidualText(
                "text is seen in an even fill", regions=self._doubted(look.index, verdict.stuck)
            )
        if verdict.doubtful:
            raise TextUncertain(regions=self._doubted(look.index, verdict.doubtful))
        return verdict

    def _after(self, before: _Open, verdict: Verdict) -> _Open:
        settled = before.settled
        if verdict.missed:
            settled = self.sorter.refilled(settled, verdict.missed, self.second_look.name)
        return replace(before, settled=settled, blamed=(*before.blamed, *verdict.blamed))

    def _filled(self, frames: Mapping[int, _Open]) -> list[_Attempt]:
        """Return each frame filled; the holes of all frames are handed over together."""
        holes = {index: self._holes(index, frame) for index, frame in frames.items()}
        fills = iter(self._fills([hole for own in holes.values() for hole in own]))
        return [
            self._put_together(index, frames[index], [(hole, next(fills)) for hole in own])
            for index, own in holes.items()
        ]

    def _holes(self, index: int, frame: _Open) -> tuple[_Hole, ...]:
        rows, columns = self.layout.rows, self.layout.columns
        marks = frame.settled.marks
        boxes = [mark.box for mark in marks]
        mask = self._mask(boxes)
        found = self._mask(mark.box for mark in marks if mark.source not in GIVEN)
        if mask.all() or found.mean() > MOST_FILLED:
            raise MostlyText(regions=_regions(index, marks))
        holes = []
        for group in neighbourhoods(boxes, _REACH_PIXELS, rows=rows, columns=columns):
            own = [boxes[n] for n in group]
            window = hull(own).grown(self.inpainter.context_pixels, rows=rows, columns=columns)
            crop = crop_of(
                frame.values[window.slices],
                mask[window.slices],
                self.layout,
                self.display.palette,
                target=self._mask(own)[window.slices],
                window=window,
                prompt=self.prompt,
                seed=self.seed,
                neighbours=self.beside.around(index, window, own),
            )
            if self.stacked:
                beside, number = self.beside.next_to(index, window), self.beside.number_of(index)
                crop = replace(crop, next_slice=beside, slice_number=number)
            holes.append(_Hole(group, crop, manner_of(own, frame.blamed)))
        return self._within_limit(index, marks, holes)

    def _within_limit(
        self, index: int, marks: Sequence[Marked], holes: Sequence[_Hole]
    ) -> tuple[_Hole, ...]:
        """Return the holes of one frame, plain ones where too much would be made up.

        One value over anatomy is no better than what is made up: unless the treatment
        wants it, it withholds.
        """
        made_up = [
            0 if hole.manner is Manner.PLAIN else self.inpainter.made_up_pixels(hole.crop)
            for hole in holes
        ]
        too_much = sum(made_up) > self.limit.most_share * self.layout.rows * self.layout.columns
        painted = [
            hole
            for hole in holes
            if hole.manner is Manner.PLAIN and self.smooth.made_up_pixels(hole.crop)
        ]
        if self.limit.beyond == "withhold" and (too_much or painted):
            raise AnatomyCovered(regions=_regions(index, marks))
        if not too_much:
            return tuple(holes)
        return tuple(
            replace(hole, manner=Manner.PLAIN) if pixels else hole
            for hole, pixels in zip(holes, made_up, strict=True)
        )

    def _put_together(
        self, index: int, frame: _Open, filled: Sequence[tuple[_Hole, Filled]]
    ) -> _Attempt:
        canvas = frame.values.copy()
        regions = []
        for hole, fill in filled:
            window = hole.crop.window
            canvas[window.slices] = keep_inside(
                canvas[window.slices], fill.values, hole.crop.target
            )
            for mark in (frame.settled.marks[n] for n in hole.marks):
                method = fill.method_in(mark.box.within(window))
                regions.append(Region(index, mark.box, mark.score, mark.source, method))
        ordered = tuple(sorted(regions, key=lambda region: region.box))
        return _Attempt(
            Restored(index, canvas, ordered, frame.settled.kept),
            tuple((hole.crop.window, fill) for hole, fill in filled),
        )

    def _as_read(self, attempt: _Attempt, as_read: AsRead) -> _Attempt:
        restored = attempt.restored
        mask = self._mask(region.box for region in restored.regions)
        values = as_read(restored.index, restored.values, mask)
        return replace(attempt, restored=replace(restored, values=values))

    def _fills(self, holes: Sequence[_Hole]) -> tuple[Filled, ...]:
        filled: dict[int, Filled] = {}
        for manner in Manner:
            chosen = [n for n, hole in enumerate(holes) if hole.manner is manner]
            crops = [holes[n].crop for n in chosen]
            filled.update(zip(chosen, self._made(crops, manner), strict=True))
        return tuple(filled[n] for n in range(len(holes)))

    def _made(self, crops: Sequence[Crop], manner: Manner) -> Sequence[Filled]:
        match manner:
            case Manner.POLICY:
                return self.carried.filled(crops, self.inpainter)
            case Manner.SMOOTH:
                return self.smooth.fill(crops)
            case Manner.PLAIN:
                return self.plain.fill(crops)
            case _:
                assert_never(manner)

    def _mask(self, boxes: Iterable[Box]) -> Mask:
        return mask_of(boxes, rows=self.layout.rows, columns=self.layout.columns)

    def _doubted(self, index: int, found: Iterable[Found]) -> list[DoubtedRegion]:
        name = self.second_look.name
        return [DoubtedRegion(index, one.box, one.score, name) for one in found]


def _regions(index: int, marks: Iterable[Marked]) -> list[DoubtedRegion]:
    return [DoubtedRegion(index, mark.box, mark.score, mark.source) for mark in marks]
