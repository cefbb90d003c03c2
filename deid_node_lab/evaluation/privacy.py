"""Scores finders on a set of images, all on the same images in the same run.

The report holds counts, shares and names of programs. No path, no header value
and no word that stood on an image is in it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any, Final

from deid_node.errors import CleaningError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node_lab.evaluation.arms import Arm
from deid_node_lab.evaluation.cases import Case, contrast_levels
from deid_node_lab.evaluation.figures import figures_of, share_by_class
from deid_node_lab.evaluation.hits import counts_of
from deid_node_lab.evaluation.ink import ink_of
from deid_node_lab.evaluation.residue import Residue
from deid_node_lab.peers.base import Peer

HEIGHTS_PIXELS: Final = (0, 7, 10, 20, 40)
CONTRASTS_LEVELS: Final = (0, 40, 80, 120, 180)


@dataclass(slots=True)
class _Column:
    """What was counted of one arm, image by image."""

    counts: list[dict[str, int]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    withheld: Counter[str] = field(default_factory=Counter)
    by_height: list[list[tuple[str, bool]]] = field(default_factory=list)
    by_contrast: list[list[tuple[str, bool]]] = field(default_factory=list)
    by_group: list[list[tuple[str, bool]]] = field(default_factory=list)


def evaluate(
    cases: Iterable[Case],
    arms: Sequence[Arm],
    *,
    readers: Sequence[Peer] = (),
    read_limit: int | None = None,
    tell: Callable[[int], None] = lambda _done: None,
) -> dict[str, Any]:
    """Return the report of one set of images: figures of each arm with their intervals.

    Parameters
    ----------
    cases
        Taken one by one; none is kept.
    arms
        Who is measured.
    readers
        Engines that read the cleaned images; without any, nothing is cleaned.
    read_limit
        How many cases, from the first, are cleaned and read; None takes all.
    tell
        Called with the number of cases done, after each.
    """
    columns = {arm.name: _Column() for arm in arms}
    residue = Residue(readers)
    groups: Counter[str] = Counter()
    done = 0
    for done, case in enumerate(cases, 1):
        groups[case.group] += 1
        classes, ink = _classes(case), ink_of(case, case.asked)
        read = bool(readers) and (read_limit is None or done <= read_limit)
        cleaned: dict[str, DisplayFrame] = {}
        for arm in arms:
            column = columns[arm.name]
            started = perf_counter()
            boxes = arm.find(case)
            column.seconds.append(perf_counter() - started)
            _add(column, case, classes, *counts_of(case, boxes, ink))
            if read:
                try:
                    cleaned[arm.name] = arm.clean(case, boxes)
                except CleaningError as error:
                    column.withheld[error.code] += 1
        if read:
            residue.count(case, cleaned)
        tell(done)
    return {
        "images": done,
        "groups": dict(sorted(groups.items())),
        "arms": [{"name": name, **_told(one), "residual": residue.told(name)}
                 for name, one in columns.items()],
    }  # fmt: skip


def _classes(case: Case) -> list[tuple[str, str]]:
    """Return height class and contrast class of each line that is asked for."""
    return [
        (
            _class(item.height_pixels, HEIGHTS_PIXELS, "px"),
            _class(contrast_levels(case.picture, item), CONTRASTS_LEVELS, "levels"),
        )
        for item in case.asked
    ]


def _class(value: float, edges: Sequence[int], unit: str) -> str:
    for low, high in pairwise(edges):
        if value < high:
            return f"{low}-{high} {unit}"
    return f"{edges[-1]} {unit} and more"


def _add(
    column: _Column,
    case: Case,
    classes: Sequence[tuple[str, str]],
    counts: dict[str, int],
    hits: Sequence[bool],
) -> None:
    column.counts.append(counts)
    pairs = list(zip(classes, hits, strict=True))
    column.by_height.append([(height, hit) for (height, _), hit in pairs])
    column.by_contrast.append([(contrast, hit) for (_, contrast), hit in pairs])
    column.by_group.append([(case.group, hit) for hit in hits])


def _told(column: _Column) -> dict[str, Any]:
    return {
        "seconds": round(median(column.seconds), 3) if column.seconds else None,
        "figures": figures_of(column.counts),
        "by": {
            "height": share_by_class(column.by_height),
            "contrast": share_by_class(column.by_contrast),
            "group": share_by_class(column.by_group),
        },
        "withheld": dict(sorted(column.withheld.items())),
    }
