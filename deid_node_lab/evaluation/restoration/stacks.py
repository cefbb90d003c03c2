"""Text on volumes: how near the fills are, and whether they flicker from slice to slice.

A fill that is good on every slice may still jump between them: a reformat across the
slices shows it as a comb where text was. *Flicker* is how much neighbouring slices differ
under the mask, as a share of how much the truth's do; a fill that stands still while the
anatomy moves has too little of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.text.masks import mask_of
from deid_node_lab.evaluation.restoration.arms import TELEA
from deid_node_lab.evaluation.restoration.distortion import local_deviation
from deid_node_lab.evaluation.restoration.figures import gain_told, ratio_told
from deid_node_lab.evaluation.restoration.stack_arms import (
    DRAWN,
    Slices,
    Stack,
    StackArms,
    line_on,
)
from deid_node_lab.evaluation.restoration.volumes import Volume

EVERY: Final = "every slice"
OTHER: Final = "every other slice"

_Chosen = Callable[[int], Sequence[int]]

LAYOUTS: Final[Mapping[str, _Chosen]] = MappingProxyType(
    {
        EVERY: range,
        OTHER: lambda count: range(0, count, 2),
        "one slice": lambda count: (count // 2,),
        "the first half": lambda count: range(count // 2),
    }
)
"""On which slices of so many a line stands, at one place."""

Fills = Mapping[str, Sequence[Slices]]
"""By arm: what it left of each stack."""


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Text laid on volumes in one way, and what each arm filled in."""

    layout: str
    stacks: tuple[Stack, ...]
    fills: Fills


def layouts_on(
    volumes: Sequence[Volume], arms: StackArms, *, seed: int, tell: Callable[[str], None]
) -> Iterator[Laid]:
    """Yield the volumes with every layout of text, filled.

    The model fills where text stands on every slice, and there only: it takes a hundred
    times as long, and that layout is what a scanner leaves.
    """
    for name, chosen in LAYOUTS.items() if volumes else ():
        stacks = tuple(
            Stack(one, line_on(one, seed=seed), tuple(chosen(len(one.slices)))) for one in volumes
        )
        names = [arm for arm in arms.names if arm != DRAWN or name == EVERY]
        fills = {arm: [arms.filled(stack, arm) for stack in stacks] for arm in names}
        tell(f"filled {len(stacks)} volumes: {name}")
        yield Laid(name, stacks, fills)


def told_of(volumes: Sequence[Volume]) -> dict[str, Any]:
    """Return how many volumes there are, of how many sources, and of which modalities."""
    kinds = sorted({one.modality for one in volumes})
    return {
        "volumes": len(volumes),
        "sources": len({one.source for one in volumes}),
        "by_modality": {name: sum(one.modality == name for one in volumes) for name in kinds},
    }


def stack_figures(laid: Laid) -> dict[str, Any]:
    """Return the figures of every arm for one layout of text, intervals over sources."""
    made = {
        arm: [_counted(stack, one) for stack, one in zip(laid.stacks, some, strict=True)]
        for arm, some in laid.fills.items()
    }
    sources = [stack.volume.source for stack in laid.stacks]
    return {arm: _figures(counted, made[TELEA], sources) for arm, counted in made.items()}


@dataclass(frozen=True, slots=True)
class _Counted:
    error: float
    jumps: float
    true_jumps: float
    deviation: float
    true_deviation: float


def _counted(stack: Stack, made: Slices) -> _Counted:
    place = (slice(None), *stack.box.slices)
    truth = stack.volume.slices.astype(np.float64)
    own = made.astype(np.float64)
    wrong = np.square(own - truth)[place][list(stack.written)]
    # Pairs of slices of which one at least is filled.
    pairs = [n for n in range(len(truth) - 1) if {n, n + 1} & set(stack.written)]
    jumps, true_jumps = (
        float(np.abs(np.diff(one[place], axis=0))[pairs].mean()) for one in (own, truth)
    )
    mask = mask_of([stack.box], rows=truth.shape[1], columns=truth.shape[2])
    rough, true_rough = (
        float(np.mean([np.nanmean(local_deviation(one[n], mask)) for n in stack.written]))
        for one in (own.astype(np.float32), truth.astype(np.float32))
    )
    return _Counted(float(wrong.mean()), jumps, true_jumps, rough, true_rough)


def _figures(
    own: Sequence[_Counted], telea: Sequence[_Counted], sources: Sequence[str]
) -> dict[str, Any]:
    def column(counted: Sequence[_Counted], name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in counted], np.float64)

    return {
        "mse": round(float(column(own, "error").mean()), 1),
        "gain": gain_told(column(own, "error"), column(telea, "error"), sources),
        "flicker": ratio_told(column(own, "jumps"), column(own, "true_jumps"), sources),
        "deviation": ratio_told(column(own, "deviation"), column(own, "true_deviation"), sources),
    }
