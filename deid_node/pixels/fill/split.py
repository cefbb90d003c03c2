"""An inpainter that fills a hole on two grounds ground by ground.

Under one fill light would bleed from a picture into the black of its banner, and the bars of a
scale would melt. So a hole is cut along the borders that run under it, and each piece is
filled from its own side alone: of what lies beyond the border nothing is known to it.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from deid_node.pixeldata.arrays import Mask
from deid_node.pixeldata.compose import keep_inside
from deid_node.pixels.fill.base import Filled, Inpainter, Part
from deid_node.pixels.fill.borders import row_borders
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.surround import islands_of


class SplitInpainter:
    """Hands each piece of a target to another inpainter, with the other grounds out of sight."""

    def __init__(self, inner: Inpainter) -> None:
        self._inner = inner

    @property
    def context_pixels(self) -> int:
        """As far as the other looks."""
        return self._inner.context_pixels

    def made_up_pixels(self, crop: Crop) -> int:
        """As much as the other on all pieces together."""
        return sum(self._inner.made_up_pixels(piece) for piece in pieces_of(crop))

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        pieces = [pieces_of(crop) for crop in crops]
        filled = iter(self._inner.fill([piece for own in pieces for piece in own]))
        return tuple(
            _joined(crop, [(piece, next(filled)) for piece in own])
            for crop, own in zip(crops, pieces, strict=True)
        )


def pieces_of(crop: Crop) -> tuple[Crop, ...]:
    """Return `crop` once for each ground that its target lies on, and once for all the rest.

    The targets of the pieces cover that of the crop, and none overlaps another; where no
    border runs under it the crop itself is all there is.
    """
    if not crop.target.any():
        return (crop,)
    shades = crop.shown().reshape(*crop.mask.shape, -1)
    known = ~crop.mask
    whole = np.zeros_like(crop.target)
    pieces: list[Crop] = []
    for island, _ in islands_of(crop.target, crop.mask):
        rows = row_borders(shades, known, island)
        columns = row_borders(shades.swapaxes(0, 1), known.T, island.T)
        if not rows and not columns:
            whole |= island
            continue
        for ground in _grounds(crop.mask.shape, rows, columns):
            target = island & ground
            if target.any():
                pieces.append(replace(crop, target=target, mask=_hidden(crop.mask, ground)))
    if not pieces:
        return (crop,)
    return (replace(crop, target=whole), *pieces) if whole.any() else tuple(pieces)


def _hidden(mask: Mask, ground: Mask) -> Mask:
    """Return `mask` with all that is not of `ground`; `mask` alone where nothing would be known."""
    hidden: Mask = mask | ~ground
    return mask if hidden.all() else hidden


def _grounds(shape: tuple[int, ...], rows: Sequence[int], columns: Sequence[int]) -> list[Mask]:
    grounds = []
    for top, bottom in pairwise((0, *rows, shape[0])):
        for left, right in pairwise((0, *columns, shape[1])):
            ground = np.zeros(shape[:2], dtype=np.bool_)
            ground[top:bottom, left:right] = True
            grounds.append(ground)
    return grounds


def _joined(crop: Crop, filled: Sequence[tuple[Crop, Filled]]) -> Filled:
    values = crop.stored.copy()
    parts: list[Part] = []
    for piece, one in filled:
        values = keep_inside(values, one.values, piece.target)
        parts += one.parts
    return Filled(values, tuple(parts))
