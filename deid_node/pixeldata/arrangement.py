"""How native colour samples lie, where the attributes leave it out or contradict the length.

A frame that is read in the wrong order of samples looks like a picture torn apart,
and text in it like nothing: so a guess is worth less than a person. Where two
independent measures of the samples do not agree, nothing is decided here, and the
instance is withheld.

Source: PS3.3 C.7.6.3.1.2 (YBR_FULL_422), C.7.6.3.1.3 (Planar Configuration).
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.bits import Words
from deid_node.pixeldata.layout import SUBSAMPLED, Layout

ReadAs = Callable[[Layout], Iterable[Words]]
"""Gives the frames of an instance as they are if a layout is true."""

_CLEARLY: Final = 0.6
"""How much smoother a picture is than the same bytes in another order, if it is one."""


def with_every_sample(layout: Layout, length_bytes: int, read_as: ReadAs) -> Layout | None:
    """Return the layout of pixels that are called subsampled and are not; None where they are.

    Some writers keep the label of the JPEG that they have decoded. The length tells, but
    for an even number of frames it is also that of half as many more subsampled ones.
    """
    if layout.photometric != "YBR_FULL_422" or layout.bits_allocated != 8:
        return None
    full = dataclasses.replace(layout, photometric="YBR_FULL")
    need = full.frame_bits // 8 * layout.frames
    if length_bytes not in {need, need + need % 2}:
        return None
    if layout.frames % 2 == 0:
        fewer = dataclasses.replace(layout, frames=layout.frames * 3 // 2)
        if layout.columns % 2 == 0 and not _is_clear(_seen(full, read_as), _seen(fewer, read_as)):
            return None
    return full


def with_planes(layout: Layout, read_as: ReadAs) -> Layout | None:
    """Return `layout` with its Planar Configuration told by the samples; None where they do not.

    Subsampled samples have one order only.
    """
    together = dataclasses.replace(layout, planar=0)
    if layout.photometric in SUBSAMPLED:
        return together
    apart = dataclasses.replace(layout, planar=1)
    one, other = _seen(together, read_as), _seen(apart, read_as)
    if not (one.rough.any() or one.coloured.any()):
        # One value everywhere: it is the same picture either way.
        return together
    if _is_clear(one, other):
        return together
    return apart if _is_clear(other, one) else None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What frames look like, read in one way; each counts for itself.

    `rough` is how much neighbouring pixels differ, `coloured` how much the samples of one
    pixel do.
    """

    rough: NDArray[np.float64]
    coloured: NDArray[np.float64]


def _seen(layout: Layout, read_as: ReadAs) -> _Seen:
    # Luma lies anywhere beside chroma; of grey, the two of chroma are alike.
    first = 1 if layout.photometric.startswith("YBR_FULL") else 0
    rough, coloured = [], []
    for frame in read_as(layout):
        rough.append(_mean_step(frame, 0) + _mean_step(frame, 1))
        coloured.append(_mean_step(frame[..., first:], 2))
    return _Seen(np.asarray(rough), np.asarray(coloured))


def _mean_step(frame: Words, axis: int) -> float:
    steps: NDArray[Any] = np.abs(np.diff(frame.astype(np.int64), axis=axis))
    return float(steps.mean()) if steps.size else 0.0


def _is_clear(one: _Seen, other: _Seen) -> bool:
    """Return whether `one` is the picture, on every frame on which the two differ."""
    if one.rough.size != other.rough.size:
        # Another number of frames: compared as wholes.
        return bool(one.rough.mean() < _CLEARLY * other.rough.mean())
    same = (one.rough == other.rough) & (one.coloured == other.coloured)
    smoother = (one.rough < _CLEARLY * other.rough) & (one.coloured <= other.coloured)
    return bool((same | smoother).all() and smoother.any())
