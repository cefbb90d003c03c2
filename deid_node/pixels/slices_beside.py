"""What the slices beside one show at a place that is filled on it: other instances of its stack.

As with the frames of one instance, only pixels count that came as they are: what would be
filled on the other slice, or stays on it by leave, is masked. A slice that cannot be had is
simply not there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.layout import Layout
from deid_node.pixels.fill.crops import Neighbour
from deid_node.pixels.text.keep.settle import Settled
from deid_node.pixels.text.masks import mask_of
from deid_node.values.geometry import Box


@dataclass(frozen=True, slots=True, eq=False)
class ShownSlice:
    """The frame of another instance in stored values, and the boxes that nobody is shown."""

    values: StoredFrame
    covered: tuple[Box, ...]
    layout: Layout


OpenSlice: TypeAlias = Callable[[], ShownSlice | None]
"""Opens a slice and looks at it: dear, so it is called only where a hole asks for it."""


@dataclass(frozen=True, slots=True, eq=False)
class StackBeside:
    """The slices before and after one, the nearest first; `number` is its own in the stack."""

    number: int
    before: Sequence[OpenSlice]
    after: Sequence[OpenSlice]


def covered_on(settled: Settled) -> tuple[Box, ...]:
    """Return the boxes of a frame that no other is shown."""
    marks = (*settled.marks, *settled.doubtful)
    return (*(mark.box for mark in marks), *(line.box for line in settled.kept))


class SlicesBeside:
    """The slices of a `StackBeside`, as neighbours of a frame of `layout`.

    Each is opened once, when it is first asked for, and held.
    """

    def __init__(self, stack: StackBeside, layout: Layout) -> None:
        self._stack = stack
        self._layout = layout
        self._opened: dict[OpenSlice, ShownSlice | None] = {}

    def around(self, index: int, window: Box, boxes: Sequence[Box]) -> tuple[Neighbour, ...]:
        """Return the nearest slice before and after on which `boxes` are bare, as `Beside` does."""
        del index
        sides = (self._stack.before, self._stack.after)
        chosen = (next(self._bare(side, boxes), None) for side in sides)
        return tuple(self._neighbour(one, window) for one in chosen if one is not None)

    def next_to(self, index: int, window: Box) -> Neighbour | None:
        """Return what the slice before shows of `window`, or the one after; None: neither."""
        del index
        slices = chain(self._stack.before, self._stack.after)
        found = next((one for one in map(self._shown, slices) if one is not None), None)
        return None if found is None else self._neighbour(found, window)

    def number_of(self, index: int) -> int:
        """Return the number of the slice in its stack."""
        return self._stack.number + index

    def _bare(self, side: Sequence[OpenSlice], boxes: Sequence[Box]) -> Iterator[ShownSlice]:
        for one in map(self._shown, side):
            if one is not None and not any(
                box.intersects(own) for box in boxes for own in one.covered
            ):
                yield one

    def _shown(self, opens: OpenSlice) -> ShownSlice | None:
        if opens not in self._opened:
            found = opens()
            fits = found is not None and found.layout == self._layout
            self._opened[opens] = found if fits else None
        return self._opened[opens]

    def _neighbour(self, shown: ShownSlice, window: Box) -> Neighbour:
        values = shown.values[window.slices].copy()
        mask = mask_of(shown.covered, rows=self._layout.rows, columns=self._layout.columns)
        covered = mask[window.slices]
        values[covered] = 0
        return Neighbour(values, covered)
