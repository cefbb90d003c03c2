"""What names nobody is told apart, and in doubt it is a line."""

import pytest

from deid_node_lab.evaluation.lone_marks import is_lone_mark


@pytest.mark.parametrize(
    "text",
    ["L", "r", "(R)", "[L]", "M", "|", "AP", "L MLO", "Supine", "10", "-5", "0.5", "2,0", "7"],
)
def test_letters_sides_and_digits_of_scales_are_lone_marks(text: str) -> None:
    assert is_lone_mark(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DOE",
        "AC",
        "12975",
        "18 07 08",
        "3.3 cm",
        "50%",
        "16cm",
        "L 12",
        "1.2.840",
        "ID: 5",
        "10 20",
    ],
)
def test_whatever_may_name_somebody_is_a_line(text: str) -> None:
    assert not is_lone_mark(text)
