"""Regions carried from frame to frame: what was found once and stands still is filled on all.

A finder may miss on one frame the banner that it saw on the next. Nothing is
carried because it was there before: the strokes that were seen must be there
still, pixel by pixel. Every comparison is made with the frame on which the region
was found, so that no chain of small changes carries it away from its text. See
docs/decisions/pixels-finding.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.palette import Palette
from deid_node.pixels.text.keep.settle import Settled
from deid_node.pixels.text.keep.sorter import Sorter
from deid_node.pixels.text.masks import Marked, is_covered, merged
from deid_node.values.geometry import Box

_STROKE: Final = 1 / 2
"""Of the greatest distance from the median: what stands out further is a stroke."""

_SAME: Final = 1 / 8
_LEGIBLE: Final = 1 / 4
_LEAST_SAME_SHARE: Final = 0.9

_Shades = NDArray[np.float32]
"""``(rows, columns, samples)``, in which distances mean something."""


def carried_over(
    frames: Frames, settled: Sequence[Settled], sorter: Sorter, palette: Palette | None
) -> tuple[Settled, ...]:
    """Return `settled` with every region also on the frames beside its own where it stands still.

    Parameters
    ----------
    frames
        Of the instance; only those are decoded on which a region of a neighbour is missing.
    settled
        What was found on each of them.
    sorter
        Of the instance.
    palette
        Of a palette image: its indices say nothing of how alike two pixels are.

    Raises
    ------
    Undecodable
        A frame that could be decoded before cannot any more.
    """
    shades = _Shaded(frames, palette)
    more: list[list[Marked]] = [[] for _ in settled]
    for order in (range(len(settled)), reversed(range(len(settled)))):
        standing: list[_Standing] = []
        for before, index in pairwise(order):
            standing = _still_standing(standing, before, index, settled, shades)
            more[index] += [one.mark for one in standing]
    return tuple(
        sorter.joined(own, merged(carried)) if carried else own
        for own, carried in zip(settled, more, strict=True)
    )


def stands_still(found: _Shades, later: _Shades) -> bool:
    """Return whether the strokes of `found`, what was under a region, stand in `later` too.

    Both ``(rows, columns, samples)``. The ground between the strokes may change, as
    tissue does that moves below a label; a flash of white over everything is no text.
    """
    apart = _distance(found, np.median(found, axis=(0, 1)))
    reach = float(apart.max())
    strokes = apart > reach * _STROKE
    if reach == 0 or strokes.all():
        return False
    same = _distance(found, later)[strokes] <= reach * _SAME
    ground = np.median(later[~strokes], axis=0)
    legible = np.median(_distance(later, ground)[strokes]) >= reach * _LEGIBLE
    return bool(same.mean() >= _LEAST_SAME_SHARE and legible)


@dataclass(frozen=True, slots=True, eq=False)
class _Standing:
    """A region, and what was under it on the frame where it was found."""

    mark: Marked
    found: _Shades


class _Shaded:
    """Frames as shades; the last two are held."""

    def __init__(self, frames: Frames, palette: Palette | None) -> None:
        self._frames = frames
        self._palette = palette
        self._held: dict[int, NDArray[Any]] = {}

    def under(self, box: Box, index: int) -> _Shades:
        """Return what lies under `box` on frame `index`."""
        if index not in self._held:
            values = values_of(self._frames[index], self._frames.layout)
            shown = values if self._palette is None else self._palette.rgb(values)
            latest = list(self._held.items())[-1:]
            self._held = dict([*latest, (index, shown)])
        part = np.nan_to_num(self._held[index][box.slices].astype(np.float32))
        return part.reshape(*part.shape[:2], -1)


def _still_standing(
    standing: Iterable[_Standing],
    before: int,
    index: int,
    settled: Sequence[Settled],
    shades: _Shaded,
) -> list[_Standing]:
    """Return what is not found on frame `index` and stands there: of `standing`, of `before`."""
    there = [mark.box for mark in settled[index].marks]
    there += [line.box for line in settled[index].kept]
    left: list[_Standing] = []
    for one in standing:
        if not is_covered(one.mark.box, there) and _is_on(one, index, shades):
            left.append(one)
            there.append(one.mark.box)
    for mark in settled[before].marks:
        if is_covered(mark.box, there):
            continue
        one = _Standing(mark, shades.under(mark.box, before))
        if _is_on(one, index, shades):
            left.append(one)
            there.append(mark.box)
    return left


def _is_on(one: _Standing, index: int, shades: _Shaded) -> bool:
    return stands_still(one.found, shades.under(one.mark.box, index))


def _distance(one: _Shades, two: _Shades) -> NDArray[np.float32]:
    """Return how far two are apart at each pixel, in the sample in which they differ most."""
    apart: NDArray[np.float32] = np.abs(one - two).max(axis=-1)
    return apart
