"""The stress set's figures as a table, beside those that were kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from deid_node_lab.evaluation.tables import table

Figures = Mapping[str, Any]


def stress_table(figures: Figures, kept: Figures | None = None) -> str:
    """Return a row for each level; with `kept`, what it was there and whether it fell."""
    rows: list[Sequence[object]] = []
    for nuisance, levels in figures["nuisances"].items():
        for name, now in levels.items():
            row: list[object] = [nuisance, name, _told(now)]
            if kept is not None:
                before = kept["nuisances"].get(nuisance, {}).get(name)
                row += ["-", ""] if before is None else [_told(before), change(now, before)]
            rows.append(row)
    head = ["Nuisance", "Level", "lines found, or pictures touched"]
    return table(head if kept is None else [*head, "kept", ""], rows)


def change(now: Figures, before: Figures) -> str:
    """Return ``worse`` or ``better`` where a figure moved, and nothing where it did not."""
    moved = _share(now) - _share(before)
    if "touched" in now:
        moved = -moved
    return "" if abs(moved) < 0.005 else "better" if moved > 0 else "worse"


def _told(level: Figures) -> str:
    kind = "touched" if "touched" in level else "found"
    said = " touched" if kind == "touched" else ""
    return f"{level[kind]} / {level['asked']}{said} ({_share(level):.3f})"


def _share(level: Figures) -> float:
    count = level["touched"] if "touched" in level else level["found"]
    return float(count) / level["asked"] if level["asked"] else 1.0
