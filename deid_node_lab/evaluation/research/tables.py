"""What becomes of research, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from deid_node_lab.evaluation.research.agreement import STEADY
from deid_node_lab.evaluation.restoration.arms import ORIGINAL
from deid_node_lab.evaluation.restoration.cells import cell, value
from deid_node_lab.evaluation.tables import table

_FINE: Final = "{:.3f}"
_CHANGE: Final = "{:+.4f}"
_MOVED: Final = "{:+.3f}"
_WHERE: Final = ("Text on", "Arm")

Layouts = Mapping[str, Any]


def research_tables(report: Mapping[str, Any], mark: str) -> Iterator[str]:
    """Yield the tables of all tasks on volumes; nothing where none was measured."""
    layouts = (report.get("research") or {"layouts": {}})["layouts"]
    if not layouts:
        return
    yield f"{mark} Does research survive?\n"
    for task, said, tabled in (
        ("outlines", "Outlining two anatomies", _outlines),
        ("names", "Naming the part of the body of a slice", _names),
        ("features", "Features of the organ", _features),
        ("registration", "Laying the volume on the original again", _registration),
    ):
        one = next(iter(layouts.values()))[task]
        yield f"{said}: {one['volumes']} volumes of {one['sources']} patients or sources.\n"
        if one["arms"]:
            yield tabled(layouts)


def _outlines(layouts: Layouts) -> str:
    first = next(iter(layouts.values()))["outlines"]["arms"][ORIGINAL]
    heads = (
        *_WHERE, "Dice in the mask", "change", "above Telea's", "Dice beside the mask", "change",
        *(f"change in the mask: {name}" for name in first["by"]),
    )  # fmt: skip
    return table(
        heads,
        [
            (
                *where, cell(one["value"], _FINE), cell(one["change"], _CHANGE),
                cell(one["above_telea"], _CHANGE),
                cell(one["beside"]["value"], _FINE), cell(one["beside"]["change"], "{:+.5f}"),
                *(value(change, _CHANGE) for change in one["by"].values()),
            )
            for where, one in _lines(layouts, "outlines")
        ],
    )  # fmt: skip


def _names(layouts: Layouts) -> str:
    return table(
        (*_WHERE, "named rightly", "change", "named anew", "certainty lost"),
        [
            (
                *where, cell(one["value"], _FINE), cell(one["change"], _MOVED),
                cell(one["renamed"], _FINE), cell(one["certainty_lost"], _MOVED),
            )
            for where, one in _lines(layouts, "names")
        ],
    )  # fmt: skip


def _features(layouts: Layouts) -> str:
    first = next(iter(layouts.values()))["features"]["arms"][ORIGINAL]
    groups = list(next(iter(first.values())))
    heads = [
        head
        for group in groups
        for head in (f"{group}: moved by", "more than Telea's", "agreement", f"from {STEADY} on")
    ]
    rows: list[Sequence[object]] = []
    for where, places in _lines(layouts, "features"):
        for place, one in places.items():
            cells: list[str] = []
            for group in groups:
                own = one[group]
                cells += [
                    cell(own["change"], _FINE), cell(own["above_telea"], _MOVED),
                    cell(own["agreement"], _FINE), f"{own['steady']} of {own['features']}",
                ]  # fmt: skip
            rows.append((*where, place, *cells))
    return table((*_WHERE, "of", *heads), rows)


def _registration(layouts: Layouts) -> str:
    return table(
        (*_WHERE, "off by, pixels", "worst", "more than the original", "more than Telea's"),
        [
            (
                *where, cell(one["pixels"], _FINE), value(one["worst"], "{:.2f}"),
                cell(one["change"], _MOVED), cell(one["above_telea"], _MOVED),
            )
            for where, one in _lines(layouts, "registration")
        ],
    )  # fmt: skip


def _lines(layouts: Layouts, task: str) -> Iterator[tuple[tuple[str, str], Any]]:
    for layout, tasks in layouts.items():
        for arm, one in tasks[task]["arms"].items():
            yield (layout, arm), one
