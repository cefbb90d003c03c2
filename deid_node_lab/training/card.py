"""The tables of the model card, written from the figures that lie beside the model.

A card that is typed by hand says what was true once. The prose of
``MODEL_CARD.md`` is written by people; all between the two marks is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

CARD = "MODEL_CARD.md"
_BEGIN = "<!-- figures -->\n"
_END = "<!-- end of figures -->\n"
_SETS = (
    ("screens", "real screens"),
    ("text_free", "text-free images"),
    ("drawn", "phantoms and mosaics, drawn"),
    ("rendered", "rendered, 512 x 512"),
)

Report = Mapping[str, Any]


def write_card(card: Path, report: Report) -> None:
    """Write the tables of `report` into the card, between its marks.

    Raises
    ------
    ValueError
        The card lacks a mark.
    """
    write_between_marks(card, tables(report))


def write_between_marks(card: Path, text: str) -> None:
    """Put `text` between the marks of a card, in place of what stands there.

    Raises
    ------
    ValueError
        The card lacks a mark.
    """
    before, after = _around(card.read_text("utf-8"))
    card.write_text(before + text + after, "utf-8")


def tables_of(card: str) -> str:
    """Return what stands between the marks of a card's text."""
    before, after = _around(card)
    return card[len(before) : len(card) - len(after)]


def tables(report: Report) -> str:
    """Return all tables of a report of `deid_node_lab.training.ship`, as Markdown."""
    return "\n".join(
        [
            "",
            *table(("", ""), _facts(report)),
            "## Trained on",
            "",
            *table(("Licence of the images", "images"), report["trained_on"].items()),
            "## Test",
            "",
            *_figures(report["test"]),
            *_missed(report["test"]["screens"]),
            "## Validation",
            "",
            *_figures(report["validation"]),
            "## By height of the ink",
            "",
            *_by_height(report),
            "## Threshold",
            "",
            *_by_score(report),
            "",
        ]
    )


def _facts(report: Report) -> Iterable[tuple[str, str]]:
    return (
        ("sha256", f"`{report['sha256']}`"),
        ("Weights", f"{report['weights']:,} (fp32), {report['bytes']:,} bytes"),
        ("Steps", f"{report['steps']:,}"),
        ("Thresholds", f"`min_score` {report['min_score']}, `edge_score` {report['edge_score']}"),
        (
            "Time",
            f"{report['seconds_512']} s for 512 x 512, {report['threads']} threads, median of 15",
        ),
    )


def _figures(sets: Report) -> Sequence[str]:
    return table(
        (
            "set",
            "images",
            "lines found",
            "recall",
            "images whole",
            "unneeded area",
            "images touched",
        ),
        (
            (
                said,
                one["images"],
                share(one["items_found"], one["items"], alone=True),
                f"{one['recall']:.4f}" if one["items"] else "-",
                share(one["images_whole"], one["images"], alone=True) if one["items"] else "-",
                f"{one['unneeded_area']:.2%}",
                share(one["images_touched"], one["images"], alone=True),
            )
            for name, said in _SETS
            for one in (sets[name],)
        ),
    )


def _missed(screens: Report) -> Sequence[str]:
    missed = screens["missed"]
    lines = missed if isinstance(missed, list) else [f"{missed} lines"]
    return ["Missed on the real screens:", "", *(f"- {line}" for line in lines or ["none"]), ""]


def _by_height(report: Report) -> Sequence[str]:
    parts = [report[part]["rendered"]["by_height"] for part in ("validation", "test")]
    heights = sorted({name for part in parts for name in part}, key=_first)
    return table(
        ("height", "validation", "test"),
        ((name, *(share(*part.get(name, (0, 0))) for part in parts)) for name in heights),
    )


def _by_score(report: Report) -> Sequence[str]:
    rows = []
    for score, sets in report["validation_by_score"].items():
        screens, free = sets["screens"], sets["text_free"]
        chosen = " (chosen)" if float(score) == report["min_score"] else ""
        rows.append(
            (
                f"{score}{chosen}",
                f"{sets['rendered']['recall']:.4f}",
                f"{screens['recall']:.4f}",
                f"{screens['unneeded_area']:.2%}",
                f"{free['unneeded_area']:.2%}",
                share(free["images_touched"], free["images"], alone=True),
            )
        )
    return table(
        (
            "min_score",
            "rendered: recall",
            "screens: recall",
            "screens: unneeded area",
            "text-free: unneeded area",
            "text-free: touched",
        ),
        rows,
    )


def share(part: int, whole: int, *, alone: bool = False) -> str:
    """Return a count of a count, with the share in brackets unless it is to stand `alone`."""
    if not whole:
        return "-"
    return f"{part} / {whole}" if alone else f"{part} / {whole} ({part / whole:.3f})"


def _first(height: str) -> int:
    return int(height.replace(" ", "-").split("-", 1)[0])


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Sequence[str]:
    """Return the lines of a Markdown table, and an empty one."""
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines), ""]


def _around(card: str) -> tuple[str, str]:
    before, begin, rest = card.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError("the card lacks the marks around its figures")
    return before + begin, end + after
