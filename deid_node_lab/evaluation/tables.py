"""A report of `privacy.evaluate` as Markdown: the same on the screen and in the documents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deid_node_lab.evaluation.figures import Figure

Report = Mapping[str, Any]

_FIGURES = (
    ("visible PHI-like lines found", "lines_found"),
    ("images with every visible PHI-like line found", "lines_whole"),
    ("visible lone marks found", "marks_found"),
    ("images with every visible line and mark found", "ink_whole"),
    ("items that nobody can see", "items_unseen"),
    ("items found", "items_found"),
    ("images with every item found", "images_whole"),
    ("unneeded area", "unneeded_area"),
    ("images touched without need", "images_touched"),
    ("boxes on text (precision)", "boxes_on_text"),
    ("F1 of the two", "redaction_f1"),
    ("IoU 0.5: precision", "overlap_precision"),
    ("IoU 0.5: recall", "overlap_recall"),
    ("IoU 0.5: F1", "overlap_f1"),
    ("pixels: precision", "pixel_precision"),
    ("pixels: recall", "pixel_recall"),
    ("pixels: F1", "pixel_f1"),
)
_COUNTED = frozenset(
    {
        "items_found", "images_whole", "images_touched", "lines_found", "lines_whole",
        "marks_found", "ink_whole", "items_unseen",
    }
)  # fmt: skip
_OF_TEXT_FREE = frozenset({"unneeded_area", "images_touched"})
_PERCENT = frozenset({"unneeded_area"})
_BREAKDOWNS = (("height", "Height"), ("contrast", "Contrast"), ("group", "Group"))


def page(report: Report, *, level: int = 2) -> str:
    """Return all tables of one set of images, headings at `level`."""
    blocks = [_main(report), *_residue(report), *_breakdowns(report, "#" * (level + 1))]
    return "\n".join(blocks)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def share(figure: Figure, *, counted: bool = False, percent: bool = False) -> str:
    """Return a figure with its interval, and with what it is a share of if `counted`."""
    if figure["value"] is None:
        return "-"
    told = [_number(figure[key], percent=percent) for key in ("value", "low", "high")]
    of = f"{figure['part']} / {figure['whole']}, " if counted else ""
    return f"{of}**{told[0]}** ({told[1]} to {told[2]})"


def _number(value: float | None, *, percent: bool) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if percent else f"{value:.3f}"


def _main(report: Report) -> str:
    arms = report["arms"]
    items = max((arm["figures"]["items_found"]["whole"] for arm in arms), default=0)
    rows: list[Sequence[object]] = [
        (
            said,
            *(
                share(arm["figures"][name], counted=name in _COUNTED, percent=name in _PERCENT)
                for arm in arms
            ),
        )
        for said, name in _FIGURES
        if name in _OF_TEXT_FREE or (items and all(name in arm["figures"] for arm in arms))
    ]
    rows.append(("seconds an image (median, noisy)", *(arm["seconds"] for arm in arms)))
    head = f"{report['images']} images, {items} items"
    return table((head, *(arm["name"] for arm in arms)), rows)


def _residue(report: Report) -> Iterable[str]:
    rows = [
        (
            arm["name"],
            one["engine"],
            one["images"],
            one["words"],
            f"{one['readable_before']} / {one['readable_after']}",
            f"{one['seen_before']} / {one['seen_after']}",
            f"{one['identifiers_before']} / {one['identifiers_after']}",
        )
        for arm in report["arms"]
        for one in arm["residual"]
    ]
    if rows:
        head = (
            "Cleaned by", "read by", "images", "words known", "known words read: before / after",
            "words read at all: before / after", "header tokens read: before / after",
        )  # fmt: skip
        yield table(head, rows)
    for arm in report["arms"]:
        if arm["withheld"]:
            codes = ", ".join(f"{code}: {count}" for code, count in arm["withheld"].items())
            yield f"Withheld by the cleaner, so neither delivered nor read: {codes}.\n"


def _breakdowns(report: Report, mark: str) -> Iterable[str]:
    arms = report["arms"]
    for key, said in _BREAKDOWNS:
        names = sorted({name for arm in arms for name in arm["by"][key]}, key=_rank)
        if len(names) < 2:
            continue
        yield f"{mark} {said}: items found\n"
        yield table(
            (said, *(arm["name"] for arm in arms)),
            [
                (name, *(share(arm["by"][key][name], counted=True) for arm in arms))
                for name in names
            ],
        )


def _rank(name: str) -> tuple[int, str]:
    first = name.replace(" ", "-").split("-", 1)[0]
    return (int(first), name) if first.isdigit() else (-1, name)
