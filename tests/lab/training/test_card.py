"""The tables of the card come from the figures, and only they."""

from pathlib import Path

import pytest

from deid_node_lab.training.card import tables, tables_of, write_card

ONE = {
    "images": 4, "items": 40, "items_found": 39, "recall": 0.975, "images_whole": 3,
    "images_touched": 1, "unneeded_area": 0.0012, "by_height": {"7-10 px": [39, 40]},
    "missed": ["a at [1, 2]"],
}  # fmt: skip
FREE = ONE | {"items": 0, "items_found": 0, "recall": 1.0, "by_height": {}, "missed": []}
SETS = {"screens": ONE, "text_free": FREE, "drawn": FREE, "rendered": ONE}
REPORT = {
    "sha256": "ab" * 32, "bytes": 2_000_000, "weights": 490_000, "steps": 9000, "min_score": 0.5,
    "edge_score": 0.2, "seconds_512": 0.04, "threads": 2, "trained_on": {"MIT": 3},
    "validation": SETS, "test": SETS, "validation_by_score": {"0.2": SETS, "0.5": SETS},
}  # fmt: skip


def test_the_tables_tell_the_figures() -> None:
    said = tables(REPORT)

    assert "`" + "ab" * 32 + "`" in said
    assert "| real screens | 4 | 39 / 40 | 0.9750 | 3 / 4 | 0.12% | 1 / 4 |" in said
    assert "| text-free images | 4 | - | - | - | 0.12% | 1 / 4 |" in said
    assert "| 7-10 px | 39 / 40 (0.975) | 39 / 40 (0.975) |" in said
    assert "| 0.5 (chosen) |" in said
    assert "- a at [1, 2]" in said


def test_only_what_stands_between_the_marks_is_written(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card\n<!-- figures -->\nold\n<!-- end of figures -->\nprose\n", "utf-8")

    write_card(card, REPORT)

    text = card.read_text("utf-8")
    assert text.startswith("# Card\n")
    assert text.endswith("prose\n")
    assert tables_of(text) == tables(REPORT)


def test_a_card_without_marks_is_left_alone(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card\n", "utf-8")

    with pytest.raises(ValueError, match="marks"):
        write_card(card, REPORT)
    assert card.read_text("utf-8") == "# Card\n"
