"""Chooses for each part of a target by what surrounds it, as a table says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deid_node.pixeldata.arrays import Mask
from deid_node.pixeldata.compose import keep_inside
from deid_node.pixels.fill.base import Filled, Inpainter, Part
from deid_node.pixels.fill.choice import MADE_UP, Ground, ground_of
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.surround import islands_of
from deid_node.values.fill import Fill


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    island: Mask
    fill: Fill


class AutoInpainter:
    """Hands each part of a target to the backend that does best on its ground.

    Parameters
    ----------
    backends
        By the fill that each makes, `Fill.SOLID` and `Fill.TELEA` among them; what is
        missing is replaced by the latter.
    table
        Which fill a ground gets.
    """

    def __init__(
        self,
        backends: Mapping[Fill, Inpainter],
        table: Mapping[Ground, Fill],
    ) -> None:
        self._backends = backends
        self._table = {
            ground: fill if fill in backends else Fill.TELEA for ground, fill in table.items()
        }

    @property
    def context_pixels(self) -> int:
        """The widest of the backends that the table names."""
        return max(self._backends[fill].context_pixels for fill in self._table.values())

    def made_up_pixels(self, crop: Crop) -> int:
        """Return the parts that go to a backend that makes up."""
        return sum(int(one.island.sum()) for one in self._chosen(crop) if one.fill in MADE_UP)

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled."""
        chosen = [self._chosen(crop) for crop in crops]
        values = [crop.stored for crop in crops]
        parts: list[list[Part]] = [[] for _ in crops]
        for fill in sorted({one.fill for plan in chosen for one in plan}):
            asked = {
                number: where
                for number, plan in enumerate(chosen)
                if (where := _joined(plan, fill, crops[number].target)).any()
            }
            some = self._backends[fill].fill(
                [replace(crops[number], target=where) for number, where in asked.items()]
            )
            for (number, where), filled in zip(asked.items(), some, strict=True):
                values[number] = keep_inside(values[number], filled.values, where)
                parts[number] += filled.parts
        return tuple(
            Filled(value.copy(), tuple(part)) for value, part in zip(values, parts, strict=True)
        )

    def _chosen(self, crop: Crop) -> tuple[_Chosen, ...]:
        return tuple(
            _Chosen(island, self._table[ground_of(crop, island, ring)])
            for island, ring in islands_of(crop.target, crop.mask)
        )


def _joined(plan: Sequence[_Chosen], fill: Fill, target: Mask) -> Mask:
    where = np.zeros_like(target)
    for one in plan:
        if one.fill is fill:
            where |= one.island
    return where
