"""The threshold of a reader keeps wrong lines rare, and mistaken marks out."""

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")

from deid_node.pixels.text.read.base import Reading
from deid_node_lab.training.judging import Judged
from deid_node_lab.training.reader_card import reader_tables
from deid_node_lab.training.ship_reader import choose_confidence


def judged(wanted: str, text: str, confidence: float, *, times: int = 1) -> list[Judged]:
    return [Judged(wanted, Reading(text, confidence), 12.0)] * times


def test_the_lowest_confidence_that_is_seldom_wrong_is_chosen() -> None:
    some = judged("abc", "abc", 0.96, times=199) + judged("abc", "abd", 0.92, times=2)

    assert choose_confidence(some, most_otherwise=0.005, most_taken=0.0) == 0.93
    assert choose_confidence(some, most_otherwise=0.02, most_taken=0.0) == 0.5


def test_a_name_that_would_be_read_as_a_mark_moves_the_threshold() -> None:
    some = judged("abc", "abc", 0.96, times=999) + judged("R SMITH", "R", 0.985)

    assert choose_confidence(some, most_otherwise=0.5, most_taken=0.0) == 0.99
    assert choose_confidence(some, most_otherwise=0.5, most_taken=0.001) == 0.5


def test_when_no_confidence_is_enough_the_highest_is_chosen() -> None:
    some = judged("abc", "abd", 1.0)

    assert choose_confidence(some, most_otherwise=0.5, most_taken=1.0) == 0.999


ONE = {
    "lines": 40, "right": 30, "trusted": 20, "trusted_wrong": 2, "trusted_otherwise": 1,
    "taken_for_listed": 0,
}  # fmt: skip
SET = ONE | {"letter_errors": 0.0512, "by_height": {"7-10 px": ONE}}
SETS = {"screens": SET, "rendered": SET, "unreadable": SET, "text_free": SET}
REPORT = {
    "sha256": "ab" * 32, "bytes": 1_700_000, "weights": 430_000, "steps": 9000, "letters": 128,
    "min_confidence": 0.9, "kind": "net", "seconds_line": 0.002, "threads": 1,
    "trained_on": {"MIT": 3}, "validation": SETS, "test": SETS,
    "validation_by_confidence": {"0.5": SETS, "0.9": SETS},
}  # fmt: skip


def test_the_card_s_tables_tell_the_figures() -> None:
    said = reader_tables(REPORT)

    assert "`" + "ab" * 32 + "`" in said
    assert (
        "| real screens | 40 | 30 / 40 (0.750) | 5.12% | 20 / 40 (0.500) | 2 / 20 (0.100) "
        "| 1 / 20 (0.050) | 0 |" in said
    )
    assert "| 0.9 (chosen) | 1 / 20 | 1 / 20 | 1 / 20 | 1 / 20 | 0 |" in said
