"""From certainties along a line to its text."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.pixels.read.base import UNKNOWN, Reading
from deid_node.pixels.read.letters import reading_of

ALPHABET = ("a", "b", " ", UNKNOWN)


def path(steps: str, certainty: float = 0.9) -> NDArray[np.float32]:
    """Return certainties whose best path is `steps`; ``-`` stands for no letter."""
    classes = ["-", *ALPHABET]
    rows = np.full((len(steps), len(classes)), (1 - certainty) / (len(classes) - 1), np.float32)
    for row, step in zip(rows, steps, strict=True):
        row[classes.index(step)] = certainty
    return rows


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ("--aa--b-", "ab"),
        ("a-a", "aa"),
        ("aaa", "a"),
        ("ab  b", "ab b"),
        (" a-", "a"),
        ("a - b", "a b"),
        (f"{UNKNOWN}-{UNKNOWN}{UNKNOWN}a", f"{UNKNOWN}a"),
        (f"{UNKNOWN} {UNKNOWN}", f"{UNKNOWN} {UNKNOWN}"),
    ],
)
def test_the_best_path_is_read(steps: str, text: str) -> None:
    assert reading_of(path(steps), ALPHABET).text == text


@pytest.mark.parametrize("steps", ["", "-", "----", " ", "- -"])
def test_nothing_is_read_without_confidence(steps: str) -> None:
    assert reading_of(path(steps), ALPHABET) == Reading("", 0.0)


def test_confidence_is_that_of_the_least_certain_letter() -> None:
    certainties = path("a-b-a")
    certainties[2] = path("b", 0.7)[0]

    assert reading_of(certainties, ALPHABET).confidence == pytest.approx(0.7)
