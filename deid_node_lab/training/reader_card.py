"""The tables of the reader's card, written from the figures that lie beside the model."""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from deid_node_lab.training.card import Report, share, table, write_between_marks

CARD = "READER_CARD.md"
_SETS = MappingProxyType(
    {
        "screens": "real screens",
        "rendered": "rendered lines",
        "unreadable": "other scripts, two lines, halves, upside down",
        "text_free": "cuts without text",
    }
)


def write_reader_card(card: Path, report: Report) -> None:
    """Write the tables of `report` into the card, between its marks.

    Raises
    ------
    ValueError
        The card lacks a mark.
    """
    write_between_marks(card, reader_tables(report))


def reader_tables(report: Report) -> str:
    """Return all tables of a report of `deid_node_lab.training.ship_reader`, as Markdown."""
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
            "## Validation",
            "",
            *_figures(report["validation"]),
            "## Test by height of the ink",
            "",
            *_by_height(report["test"]),
            "## Threshold",
            "",
            "Lines of validation that say something else, of those trusted:",
            "",
            *_by_confidence(report),
        ]
    )


def _facts(report: Report) -> Sequence[tuple[str, str]]:
    return (
        ("sha256", f"`{report['sha256']}`"),
        ("Weights", f"{report['weights']:,} (fp32, {report['kind']}), {report['bytes']:,} bytes"),
        ("Letters", f"{report['letters']}"),
        ("Steps", f"{report['steps']:,}"),
        ("Threshold", f"`min_confidence` {report['min_confidence']}"),
        ("Time", f"{1000 * report['seconds_line']:.1f} ms a line of 120 x 20, one after another"),
    )


def _figures(sets: Report) -> Sequence[str]:
    return table(
        (
            "set",
            "lines",
            "right as a whole",
            "letters wrong",
            "trusted",
            "trusted and wrong",
            "says something else",
            "taken for a listed line",
        ),
        (
            (
                said,
                one["lines"],
                share(one["right"], one["lines"]),
                f"{one['letter_errors']:.2%}" if name in {"screens", "rendered"} else "-",
                share(one["trusted"], one["lines"]),
                share(one["trusted_wrong"], one["trusted"]),
                share(one["trusted_otherwise"], one["trusted"]),
                one["taken_for_listed"],
            )
            for name, said in _SETS.items()
            for one in (sets[name],)
        ),
    )


def _by_height(sets: Report) -> Sequence[str]:
    return table(
        ("set", "height", "right as a whole", "trusted", "trusted and wrong"),
        (
            (
                _SETS[name],
                height,
                share(one["right"], one["lines"]),
                share(one["trusted"], one["lines"]),
                share(one["trusted_wrong"], one["trusted"]),
            )
            for name in ("screens", "rendered")
            for height, one in sets[name]["by_height"].items()
        ),
    )


def _by_confidence(report: Report) -> Sequence[str]:
    rows = []
    for confidence, sets in report["validation_by_confidence"].items():
        chosen = " (chosen)" if float(confidence) == report["min_confidence"] else ""
        rows.append(
            (
                f"{confidence}{chosen}",
                *(share(one["trusted_otherwise"], one["trusted"], alone=True) for one in _of(sets)),
                sum(one["taken_for_listed"] for one in _of(sets)),
            )
        )
    return table(("min_confidence", *_SETS.values(), "taken for a listed line"), rows)


def _of(sets: Report) -> Sequence[Report]:
    return [sets[name] for name in _SETS]
