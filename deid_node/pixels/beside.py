"""What the frames beside one show at a place that is filled on it.

Only frames of the same instance, and of those only pixels that came as they are: what is
filled on them, or stays by leave, is masked.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.fill.crops import Neighbour
from deid_node.pixels.text.keep.settle import Settled
from deid_node.pixels.text.masks import mask_of
from deid_node.values.geometry import Box

REACH_FRAMES: Final = 12
"""How far away a neighbour may be."""

_LEAST_HELD: Final = 2
_STACKED: Final = frozenset({"CT", "MR", "PT"})


def is_stacked(modality: str) -> bool:
    """Return whether the frames of an image of `modality` lie beside each other in space.

    Those of the others follow each other in time, on one place.
    """
    return modality.strip().upper() in _STACKED


class Neighbours(Protocol):
    """Who shows a frame what others have at its place; may raise `Undecodable`."""

    def around(self, index: int, window: Box, boxes: Sequence[Box]) -> tuple[Neighbour, ...]:
        """Return the nearest before and after on which `boxes` are bare, as they show `window`."""
        ...

    def next_to(self, index: int, window: Box) -> Neighbour | None:
        """Return what the next one shows of `window`; None where there is no other."""
        ...

    def number_of(self, index: int) -> int:
        """Return the number of frame `index` in its stack."""
        ...


class Beside:
    """The frames of one instance, as neighbours of each other.

    Parameters
    ----------
    frames
        As they came.
    settled
        What is filled on each of them and what stays.
    most_bytes
        Of decoded frames that are held; two are held in any case.
    """

    def __init__(self, frames: Frames, settled: Sequence[Settled], *, most_bytes: int) -> None:
        self._frames = frames
        self._boxes = [
            (*(mark.box for mark in one.marks), *(line.box for line in one.kept)) for one in settled
        ]
        self._most_bytes = most_bytes
        self._held: OrderedDict[int, StoredFrame] = OrderedDict()

    def around(self, index: int, window: Box, boxes: Sequence[Box]) -> tuple[Neighbour, ...]:
        """Return the nearest frame before `index` and after it on which `boxes` are bare.

        Each as it shows `window`. None where all within reach are covered there: text that
        stands at one place of every frame costs nothing to ask for.

        Raises
        ------
        Undecodable
            A frame that could be decoded before cannot any more.
        """
        last = len(self._boxes) - 1
        before = range(index - 1, max(-1, index - 1 - REACH_FRAMES), -1)
        after = range(index + 1, min(last, index + REACH_FRAMES) + 1)
        chosen = [next((n for n in one if self._bare(n, boxes)), None) for one in (before, after)]
        return tuple(self._neighbour(n, window) for n in chosen if n is not None)

    def next_to(self, index: int, window: Box) -> Neighbour | None:
        """Return what the frame before `index` shows of `window`, or the next; None: no other."""
        if len(self._boxes) == 1:
            return None
        return self._neighbour(index - 1 if index else 1, window)

    def number_of(self, index: int) -> int:
        """Return the number of frame `index` in its stack."""
        return index

    def _neighbour(self, index: int, window: Box) -> Neighbour:
        values = self._values(index)[window.slices].copy()
        layout = self._frames.layout
        mask = mask_of(self._boxes[index], rows=layout.rows, columns=layout.columns)
        covered = mask[window.slices]
        values[covered] = 0
        return Neighbour(values, covered)

    def _bare(self, index: int, boxes: Sequence[Box]) -> bool:
        return not any(box.intersects(own) for box in boxes for own in self._boxes[index])

    def _values(self, index: int) -> StoredFrame:
        if index not in self._held:
            values = values_of(self._frames[index], self._frames.layout)
            room = max(_LEAST_HELD, self._most_bytes // max(1, values.nbytes))
            while len(self._held) >= room:
                self._held.popitem(last=False)
            self._held[index] = np.asarray(values)
        self._held.move_to_end(index)
        return self._held[index]
