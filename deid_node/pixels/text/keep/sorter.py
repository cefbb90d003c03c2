"""Sorts what was found on a frame into what is filled, what stays and what is in doubt.

Without a judge everything that is sure is filled, and nothing is ever read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from deid_node.pixels.text.cut import made_whole
from deid_node.pixels.text.evidence import Band, Sorted, by_band
from deid_node.pixels.text.faint import is_faint_line
from deid_node.pixels.text.flow import shows_flow
from deid_node.pixels.text.keep.judge import Judge
from deid_node.pixels.text.keep.settle import KeptLine, Settled, settled, standing_alone
from deid_node.pixels.text.keep.sightings import places
from deid_node.pixels.text.masks import (
    GIVEN,
    LEAST_MARGIN_PIXELS,
    PERSON,
    Marked,
    is_covered,
    merged,
    widened,
)
from deid_node.pixels.text.search import Look
from deid_node.values.geometry import Box, Found
from deid_node.values.markings import Markings

MOST_SEEN: Final = 200
"""Boxes on all views of a frame above which nothing stays: a page of text, or noise."""

AGAIN_MARGIN_PIXELS: Final = LEAST_MARGIN_PIXELS
"""How far beyond its box a line that stays may be seen again."""


class Sorter:
    """Sorts the frames of one instance.

    Parameters
    ----------
    judge
        Says which lines may stay; None lets none.
    rows, columns, grid_pixels
        Of the frames, as for `widened`.
    band
        From which scores what is found counts.
    markings
        What a person decided: their boxes are filled, and what stays by their word is as
        if it had not been found.
    doubts_flow
        Whether what runs through a scale of colours is in doubt, however sure the finder is.
    images
        Where the scanner declares images of the body: a faint line there is in doubt.
    """

    def __init__(
        self,
        judge: Judge | None,
        *,
        rows: int,
        columns: int,
        grid_pixels: int,
        band: Band = Band(),  # noqa: B008 - frozen
        markings: Markings = Markings(),  # noqa: B008 - frozen
        doubts_flow: bool = False,
        images: Sequence[Box] = (),
    ) -> None:
        self._doubts_flow = doubts_flow
        self._images = tuple(images)
        self._judge = judge
        self._markings = markings
        self._band = band
        self._rows, self._columns, self._grid_pixels = rows, columns, grid_pixels

    def sorted_out(self, look: Look, fixed: Iterable[Marked], source: str) -> Settled:
        """Return what is filled after a first look, `fixed` and a person's too, and what stays.

        `source` is the name of the finder that looked.
        """
        look = self.overruled(look)
        taken = by_band(look.found, self._band)
        counts = {*taken.sure, *taken.doubtful}
        counting = replace(
            look,
            seen=tuple(
                tuple(found for found in on_view if found in counts) for on_view in look.seen
            ),
        )
        lines = standing_alone(self._lines(counting, source))
        kept = {box for line in lines for box in line.seen_as}
        left = (
            found
            for view, on_view in zip(look.views, counting.seen, strict=True)
            for found in made_whole((f for f in on_view if f.box not in kept), view)
        )
        going = by_band(left, self._band.on_text() if taken.sure else self._band)
        drawn = (Marked(box, 1.0, PERSON) for box in self._markings.filled_on(look.index))
        body = {found for found in going.sure if self._may_be_body(look, found)}
        sure = (found for found in going.sure if found not in body)
        marks = self._widened((*_marks(sure, source), *fixed, *drawn))
        doubtful = merged(_marks((*going.doubtful, *body), source))
        return replace(self._settled(marks, lines), doubtful=doubtful)

    def _may_be_body(self, look: Look, found: Found) -> bool:
        """Return whether blood in colours or a layer of tissue may look like this."""
        if is_faint_line(found, self._images, below=self._band.faint):
            return True
        return self._doubts_flow and any(shows_flow(view, found.box) for view in look.views)

    def refilled(self, before: Settled, found: Iterable[Found], source: str) -> Settled:
        """Return `before` with more to fill: `found`, and the lines that this touches."""
        return self.joined(before, self._widened(_marks(found, source)))

    def joined(self, before: Settled, marks: Iterable[Marked]) -> Settled:
        """Return `before` with more to fill: `marks`, widened already, and what they touch."""
        joined = self._settled(merged((*before.marks, *marks)), before.kept)
        return replace(joined, doubtful=before.doubtful)

    def unexplained(self, look: Look, before: Settled) -> Sorted:
        """Return what a second look found, but for lines that stay and say the same again.

        Where text was found `before`, what is left of it needs no more evidence than that.
        """
        written = any(mark.source not in GIVEN for mark in before.marks)
        band = self._band.on_text() if written else self._band
        look = self.overruled(look)
        return by_band(self._left(look, before.kept), band)

    def overruled(self, look: Look) -> Look:
        """Return `look` without what a person has seen there and said to be no text.

        A box that reaches beyond what they were shown counts as found.
        """
        staying = self._markings.staying_on(look.index)
        if not staying:
            return look
        seen = tuple(
            tuple(found for found in on_view if not is_covered(found.box, staying))
            for on_view in look.seen
        )
        return replace(look, seen=seen)

    def _left(self, look: Look, kept: Sequence[KeptLine]) -> Sequence[Found]:
        if self._judge is None or not kept:
            return look.found
        left: list[Found] = []
        for view, seen in zip(look.views, look.seen, strict=True):
            owners = [self._owner(found, kept) for found in seen]
            asked = [found.box for found, owner in zip(seen, owners, strict=True) if owner]
            said = iter(self._judge.believed(view, asked))
            left += [
                found
                for found, owner in zip(seen, owners, strict=True)
                if owner is None or next(said) != owner.text
            ]
        return left

    def _lines(self, look: Look, source: str) -> tuple[KeptLine, ...]:
        if self._judge is None or not 0 < len(look.found) <= MOST_SEEN:
            return ()
        texts = self._judge.texts(look.views, places(look))
        return tuple(
            KeptLine(Marked(place.box, place.score, source), place.boxes, text)
            for place, text in texts.items()
        )

    def _owner(self, found: Found, kept: Sequence[KeptLine]) -> KeptLine | None:
        for line in kept:
            reach = line.box.grown(AGAIN_MARGIN_PIXELS, rows=self._rows, columns=self._columns)
            if reach.contains(found.box):
                return line
        return None

    def _widened(self, marks: Iterable[Marked]) -> tuple[Marked, ...]:
        return widened(marks, rows=self._rows, columns=self._columns, grid_pixels=self._grid_pixels)

    def _settled(self, marks: tuple[Marked, ...], kept: tuple[KeptLine, ...]) -> Settled:
        return settled(marks, kept, widen=self._widened)


def _marks(found: Iterable[Found], source: str) -> list[Marked]:
    return [Marked(item.box, item.score, source) for item in found]
