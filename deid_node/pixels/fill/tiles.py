"""The squares in which a model sees a crop, and how their fills are put together.

A model was trained on one size of picture, so nothing is stretched to it: a square of
256 pixels is cut around the target. A long line takes several that overlap, a block
that is large both ways is first made smaller by a whole factor, or a square in its
middle would see nothing but mask. Squares begin on a grid of the whole frame, that
of the latents, so that noise which belongs to a place can be given to them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.tones import Shown

SIDE_PIXELS: Final = 256
"""Of a square."""

GRID_PIXELS: Final = 8
"""Squares begin at multiples of this; whole latents of every model that is taken."""

_ACROSS_PIXELS: Final = 160
"""A target that is larger than this both ways is made smaller."""

_ALONG_PIXELS: Final = 192
_STRIDE_PIXELS: Final = 128
_RAMP_PIXELS: Final = 48


Guess: TypeAlias = Callable[[Shown, Mask], Shown]
"""A first fill, which a model mends."""


@dataclass(frozen=True, slots=True, eq=False)
class Square:
    """What a model gets.

    `picture` is RGB ``(256, 256, 3)``, 0 to 255, with a first guess under `mask`. `top`
    and `left` say where in the frame, made smaller by `scale`, it begins.
    """

    picture: NDArray[np.float32]
    mask: Mask
    top: int
    left: int
    scale: int
    prompt: str
    seed: int


class SquarePainter(Protocol):
    """A model that paints squares, here or elsewhere; called by one thread at a time.

    The same square is painted the same on the same machine, whatever is painted beside it.
    """

    @property
    def name(self) -> str:
        """Its kind and the first 8 digits of its weights' sha256."""
        ...

    @property
    def guess(self) -> Guess:
        """What fills a hole before the model sees it."""
        ...

    def paint(self, squares: Sequence[Square]) -> Sequence[NDArray[np.float32]]:
        """Return each square painted, ``(256, 256, 3)``, 0 to 255; raise `FillFailed`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The squares of one crop; `top` and `left` are the crop's corner at their scale."""

    crop: Crop
    squares: tuple[Square, ...]
    top: int
    left: int
    scale: int

    def together(self, painted: Sequence[NDArray[np.float32]]) -> Shown:
        """Return the crop as the squares were painted, in its own size, grey where it is grey.

        Squares fade into each other where they overlap.
        """
        rows, columns = self.crop.mask.shape
        size = (-(-rows // self.scale) + 1, -(-columns // self.scale) + 1)
        total = np.zeros((*size, 3), dtype=np.float32)
        weights = np.full((*size, 1), 1e-9, dtype=np.float32)
        ramp = _ramp()
        for square, picture in zip(self.squares, painted, strict=True):
            down, right = square.top - self.top, square.left - self.left
            at, own = _overlap(down, right, size)
            total[at] += picture[own] * ramp[own]
            weights[at] += ramp[own]
        blended = np.asarray(total / weights, dtype=np.float32)
        if self.scale > 1:
            wide = (size[1] * self.scale, size[0] * self.scale)
            blended = np.asarray(cv2.resize(blended, wide, interpolation=cv2.INTER_CUBIC))
        window = self.crop.window
        offset = (window.top - self.top * self.scale, window.left - self.left * self.scale)
        cut = blended[offset[0] : offset[0] + rows, offset[1] : offset[1] + columns]
        grey = self.crop.shown().ndim == 2
        return np.asarray(cut.mean(axis=2) if grey else cut, dtype=np.float32)


def plan_of(crop: Crop, guess: Guess) -> Plan:
    """Return the squares that `crop` is painted in; its target is not empty.

    `guess` fills what stands under the mask of a crop as shown, from the pixels around it.
    """
    shown = guess(crop.shown(), crop.mask)
    picture = np.repeat(shown[..., None], 3, axis=2) if shown.ndim == 2 else shown
    across, down = (np.flatnonzero(crop.target.any(axis=axis)) for axis in (0, 1))
    ends = [(int(one[0]), int(one[-1]) + 1) for one in (down, across)]
    scale = max(1, -(-min(last - first for first, last in ends) // _ACROSS_PIXELS))
    corner = (crop.window.top, crop.window.left)
    picture, mask = _smaller(picture, crop.mask, corner, scale)
    top, left = (edge // scale for edge in corner)
    begins = [
        _begins(
            (edge + first) // scale,
            -(-(edge + last) // scale),
            low=edge // scale,
            high=edge // scale + size,
        )
        for edge, (first, last), size in zip(corner, ends, mask.shape, strict=True)
    ]
    squares = tuple(
        _square(crop, (y, x), (top, left), scale, picture=picture, mask=mask)
        for y in begins[0]
        for x in begins[1]
    )
    return Plan(crop, squares, top, left, scale)


def _begins(first: int, last: int, *, low: int, high: int) -> tuple[int, ...]:
    """Return where squares begin that cover ``first`` to ``last`` of an axis of the picture."""
    extra = max(0, last - first - _ALONG_PIXELS)
    count = -(-extra // _STRIDE_PIXELS) + 1
    half = _ALONG_PIXELS / 2
    middles = [(first + last) / 2] if count == 1 else np.linspace(first + half, last - half, count)
    least = low // GRID_PIXELS * GRID_PIXELS
    most = max(least, -(-(high - SIDE_PIXELS) // GRID_PIXELS) * GRID_PIXELS)
    wanted = [int(middle - SIDE_PIXELS / 2) // GRID_PIXELS * GRID_PIXELS for middle in middles]
    return tuple(sorted({min(max(begin, least), most) for begin in wanted}))


def _square(
    crop: Crop,
    begin: tuple[int, int],
    corner: tuple[int, int],
    scale: int,
    *,
    picture: NDArray[np.float32],
    mask: Mask,
) -> Square:
    """Return one square; beyond the picture it sees the picture mirrored, mask and all."""
    edges = [
        (max(0, edge - start), max(0, start + SIDE_PIXELS - edge - size))
        for edge, start, size in zip(corner, begin, mask.shape, strict=True)
    ]
    at = tuple(
        slice(max(0, start - edge), start - edge + SIDE_PIXELS)
        for edge, start in zip(corner, begin, strict=True)
    )
    return Square(
        np.pad(picture[at], (*edges, (0, 0)), mode="symmetric"),
        np.pad(mask[at], edges, mode="symmetric"),
        begin[0],
        begin[1],
        scale,
        crop.prompt,
        crop.seed,
    )


def _smaller(
    picture: NDArray[np.float32], mask: Mask, corner: tuple[int, int], scale: int
) -> tuple[NDArray[np.float32], Mask]:
    """Return means over squares of ``scale`` pixels of the frame, masked where any pixel is."""
    if scale == 1:
        return picture, mask
    edges = [
        (edge % scale, -(edge % scale + size) % scale)
        for edge, size in zip(corner, mask.shape, strict=True)
    ]
    wide = np.pad(picture, (*edges, (0, 0)), mode="symmetric")
    holes = np.pad(mask, edges, mode="symmetric")
    rows, columns = (size // scale for size in holes.shape)
    cut = (rows, scale, columns, scale)
    means = wide.reshape(*cut, 3).mean(axis=(1, 3), dtype=np.float32)
    return np.asarray(means), np.asarray(holes.reshape(cut).any(axis=(1, 3)))


def _ramp() -> NDArray[np.float32]:
    """Return how much each pixel of a square counts: less towards its edges."""
    side = np.arange(SIDE_PIXELS)
    inwards = np.minimum(side, side[::-1]) + 0.5
    rising = np.minimum(1.0, inwards / _RAMP_PIXELS)
    return np.outer(rising, rising)[..., None].astype(np.float32)


def _overlap(down: int, right: int, size: tuple[int, int]) -> tuple[Any, Any]:
    """Return which part of a canvas a square lies on, and which part of the square that is."""
    at, own = [], []
    for begin, length in zip((down, right), size, strict=True):
        first, last = max(0, begin), min(length, begin + SIDE_PIXELS)
        at.append(slice(first, last))
        own.append(slice(first - begin, last - begin))
    return tuple(at), tuple(own)
