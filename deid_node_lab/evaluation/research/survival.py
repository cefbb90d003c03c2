"""What a fill costs those who work with whole volumes: four tasks, arm by arm.

The networks learn from volumes of the training part; what they judge is held out by
source, like what the fills are measured on. Sources are drawn again for the intervals,
never slices: the slices of one volume stand or fall together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.text.masks import mask_of
from deid_node_lab.evaluation.intervals import Sums
from deid_node_lab.evaluation.research.agreement import (
    GROUPS,
    UNDER,
    WHOLE,
    Standardised,
    standardised,
)
from deid_node_lab.evaluation.research.aligning import misplaced_pixels
from deid_node_lab.evaluation.research.anatomies import Labels, labels_of
from deid_node_lab.evaluation.research.features import features_of
from deid_node_lab.evaluation.research.naming import COUNTED, Namer, named, namer_of, part_of
from deid_node_lab.evaluation.research.outlining import (
    OutlineJudge,
    anatomy_names,
    dice,
    dice_of,
    outliners_of,
)
from deid_node_lab.evaluation.restoration.arms import BLACK, ORIGINAL, TELEA
from deid_node_lab.evaluation.restoration.figures import Told, mean_told, ratio_told, told
from deid_node_lab.evaluation.restoration.schooling import Schooling
from deid_node_lab.evaluation.restoration.stack_arms import Stack
from deid_node_lab.evaluation.restoration.stacks import Fills, Laid
from deid_node_lab.evaluation.restoration.volumes import Volume
from deid_node_lab.training.backgrounds import Background

_BESIDES: Final = MappingProxyType({"above_telea": TELEA, "above_black": BLACK})
_PARTS: Final = ("inside", "beside")


@dataclass(frozen=True, slots=True)
class Judges:
    """The networks that look at volumes."""

    outlines: OutlineJudge
    namer: Namer | None


def judges_of(
    volumes: Sequence[Volume], pictures: Sequence[Background], schooling: Schooling
) -> Judges:
    """Return judges that have learned from `volumes` and `pictures` of the training part."""
    return Judges(OutlineJudge(outliners_of(volumes, schooling)), namer_of(pictures, schooling))


def survival(
    laid: Laid, judges: Judges, *, seed: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Return what every arm does to each task, text laid in one way."""
    truth = [stack.volume.slices for stack in laid.stacks]
    fills: Fills = {ORIGINAL: truth, **laid.fills}
    told = (labels_of(stack.volume) for stack in laid.stacks)
    labels = {n: one for n, one in enumerate(told) if one is not None}
    report = {
        "outlines": _outlines(laid.stacks, fills, labels, judges.outlines),
        "names": _names(laid.stacks, fills, judges.namer),
        "features": _features(laid.stacks, fills, labels),
        "registration": _registration(laid.stacks, fills, seed),
    }
    tell(f"worked with {len(laid.stacks)} volumes: {laid.layout}")
    return report


def _outlines(
    stacks: Sequence[Stack], fills: Fills, labels: Mapping[int, Labels], judge: OutlineJudge
) -> dict[str, Any]:
    chosen = [n for n in labels if judge.judges(stacks[n].volume)]
    sources = [stacks[n].volume.source for n in chosen]
    if not chosen:
        return {"volumes": 0, "sources": 0, "arms": {}}
    counts = {arm: [judge.counted(stacks[n], some[n], labels[n]) for n in chosen]
              for arm, some in fills.items()}  # fmt: skip
    tables = {
        part: {arm: np.stack([getattr(one, part) for one in own]) for arm, own in counts.items()}
        for part in _PARTS
    }
    arms = {}
    for arm in fills:
        inside = _compared(tables["inside"], arm, sources, dice)
        arms[arm] = inside | {
            "beside": _compared(tables["beside"], arm, sources, dice),
            "by": {
                name: _change(tables["inside"], arm, ORIGINAL, sources, dice_of(place))
                for place, name in enumerate(anatomy_names())
            },
        }
    return {"volumes": len(chosen), "sources": len(set(sources)), "arms": arms}


def _names(stacks: Sequence[Stack], fills: Fills, namer: Namer | None) -> dict[str, Any]:
    if namer is None:
        return {"parts": [], "volumes": 0, "sources": 0, "arms": {}}
    chosen = [n for n, stack in enumerate(stacks) if part_of(stack.volume.anatomy) in namer.parts]
    sources = [stacks[n].volume.source for n in chosen]
    tables = {
        arm: np.array([named(namer, stacks[n], some[n]) for n in chosen]).reshape(-1, COUNTED)
        for arm, some in fills.items()
    }

    def accuracy(sums: Sums) -> NDArray[np.float64]:
        return np.asarray(sums[..., 1] / sums[..., 0])

    return {
        "parts": list(namer.parts),
        "volumes": len(chosen),
        "sources": len(set(sources)),
        "arms": {
            arm: _compared(tables, arm, sources, accuracy)
            | {
                "renamed": ratio_told(table[:, 2], table[:, 0], sources),
                "certainty_lost": ratio_told(table[:, 3], table[:, 0], sources),
            }
            for arm, table in tables.items()
        },
    }


def _features(
    stacks: Sequence[Stack], fills: Fills, labels: Mapping[int, Labels]
) -> dict[str, Any]:
    """Return how far features of the organ move, of all of it and of what text covers."""
    regions = {n: _regions(stacks[n], own) for n, own in labels.items()}
    chosen = list(labels)
    kinds = [stacks[n].volume.modality for n in chosen]
    sources = [stacks[n].volume.source for n in chosen]
    made: dict[str, Any] = {arm: {} for arm in fills}
    for place in (WHOLE, UNDER):
        values = {
            arm: np.array([features_of(some[n], regions[n][place]) for n in chosen])
            for arm, some in fills.items()
        }
        for group, those in GROUPS.items():
            moved = {
                arm: standardised(values[ORIGINAL][:, those], own[:, those], kinds)
                for arm, own in values.items()
            }
            for arm in fills:
                made[arm].setdefault(place, {})[group] = _moved(moved, arm, sources)
    return {"volumes": len(chosen), "sources": len(set(sources)), "arms": made}


def _moved(moved: Mapping[str, Standardised], arm: str, sources: Sequence[str]) -> dict[str, Any]:
    own = moved[arm]
    return {
        "change": mean_told(own.distance, sources),
        "agreement": own.agreement(sources),
        "steady": own.steady,
        "features": own.count,
    } | {
        key: mean_told(own.distance - moved[other].distance, sources)
        for key, other in _BESIDES.items()
    }


def _regions(stack: Stack, labels: Labels) -> dict[str, NDArray[np.bool_]]:
    """Return the organ and the part of it that text covers."""
    organ = labels == 1
    written = np.zeros(len(organ), np.bool_)
    written[list(stack.written)] = True
    mask = mask_of([stack.box], rows=organ.shape[1], columns=organ.shape[2])
    return {WHOLE: organ, UNDER: organ & mask & written[:, None, None]}


def _registration(stacks: Sequence[Stack], fills: Fills, seed: int) -> dict[str, Any]:
    sources = [stack.volume.source for stack in stacks]
    errors = {
        arm: np.array(
            [
                misplaced_pixels(stack.volume.slices, made, seed=seed)
                for stack, made in zip(stacks, some, strict=True)
            ]
        )
        for arm, some in fills.items()
    }
    return {
        "volumes": len(stacks),
        "sources": len(set(sources)),
        "arms": {
            arm: {
                "pixels": mean_told(own, sources),
                "worst": round(float(own.max()), 3),
                "change": mean_told(own - errors[ORIGINAL], sources),
            }
            | {key: mean_told(own - errors[other], sources) for key, other in _BESIDES.items()}
            for arm, own in errors.items()
        },
    }


Figure = Callable[[Sums], NDArray[np.float64]]


def _compared(
    tables: Mapping[str, Sums], arm: str, sources: Sequence[str], figure: Figure
) -> dict[str, Told]:
    """Return a figure of an arm and by how much it is above that of others."""
    others = {"change": ORIGINAL, **_BESIDES}
    return {"value": told(tables[arm], sources, figure)} | {
        key: _change(tables, arm, other, sources, figure) for key, other in others.items()
    }


def _change(
    tables: Mapping[str, Sums],
    arm: str,
    other: str,
    sources: Sequence[str],
    figure: Figure,
) -> Told:
    width = tables[arm].shape[1]
    both = np.concatenate([tables[arm], tables[other]], axis=1)
    return told(both, sources, lambda sums: figure(sums[..., :width]) - figure(sums[..., width:]))
