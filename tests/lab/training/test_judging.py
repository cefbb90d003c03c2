"""Figures of a reader count whole lines, and what would be kept by mistake."""

import pytest

from deid_node.pixels.text.read.base import UNKNOWN, Reading
from deid_node_lab.training.judging import Judged, distance, error_rate, height_class, listed


def judged(wanted: str, text: str, confidence: float = 0.9) -> Judged:
    return Judged(wanted, Reading(text, confidence), 12.0)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("5 cm", "S cm", 1)],
)
def test_distance_counts_letters_to_change(one: str, other: str, apart: int) -> None:
    assert distance(one, other) == apart


def test_the_error_rate_is_a_share_of_the_letters_asked_for() -> None:
    assert error_rate([judged("abcd", "abcx"), judged("abcdef", "abcdef")]) == 0.1
    assert error_rate([judged("", "x")]) == 0.0


@pytest.mark.parametrize(
    ("text", "confidence", "trusted"),
    [("R", 0.9, True), ("R", 0.89, False), ("", 0.0, False), (f"{UNKNOWN} 1970", 0.99, False)],
)
def test_only_certain_known_letters_are_trusted(
    text: str, confidence: float, trusted: bool
) -> None:
    assert judged("R", text, confidence).trusted(0.9) == trusted


@pytest.mark.parametrize("text", ["R", "LT", "5 cm", "12.3 mm", "R MLO"])
def test_marks_and_measurements_are_listed(text: str) -> None:
    assert listed(text)


@pytest.mark.parametrize("text", ["", "SMITH", "12.03.1960", "R SMITH"])
def test_names_and_dates_are_not(text: str) -> None:
    assert not listed(text)


@pytest.mark.parametrize(
    ("wanted", "text", "taken"),
    [
        ("R SMITH", "R", True),
        ("R", "L", False),
        ("SMITH", "SMITH", False),
        ("", "I", True),
        ("<R.", "R", False),
        (f"R {UNKNOWN}", "R", True),
    ],
)
def test_a_line_is_taken_for_a_listed_one(wanted: str, text: str, taken: bool) -> None:
    assert judged(wanted, text).taken_for_listed == taken


def test_heights_fall_into_classes() -> None:
    assert [height_class(height) for height in (6.9, 7.0, 80.0)] == [
        "0-7 px", "7-10 px", "40 px and more",
    ]  # fmt: skip
