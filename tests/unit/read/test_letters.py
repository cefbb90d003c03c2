"""From certainties along a line to its text."""

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deid_node.pixels.text.read.base import UNKNOWN, Reading
from deid_node.pixels.text.read.letters import certainty_of, reading_of

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


def test_confidence_is_that_of_all_paths_to_the_text() -> None:
    certainties = np.random.default_rng(2).dirichlet(np.full(5, 0.4), 5).astype(np.float32)
    by_text: dict[tuple[int, ...], float] = {}
    for path_taken in product(range(5), repeat=5):
        text = tuple(one for one, _ in groupby(path_taken) if one)
        chance = float(np.prod(certainties[range(5), list(path_taken)]))
        by_text[text] = by_text.get(text, 0.0) + chance

    assert sum(by_text.values()) == pytest.approx(1.0, abs=1e-5)
    assert all(
        certainty_of(certainties, text) == pytest.approx(chance, abs=1e-6)
        for text, chance in by_text.items()
    )


def test_a_letter_that_was_nearly_seen_takes_confidence_away() -> None:
    sure, doubtful = path("a---b"), path("a---b")
    doubtful[2] = (0.55, 0.0, 0.45, 0.0, 0.0)

    assert reading_of(doubtful, ALPHABET).text == reading_of(sure, ALPHABET).text == "ab"
    assert reading_of(doubtful, ALPHABET).confidence < 0.7 * reading_of(sure, ALPHABET).confidence


@given(seed=st.integers(0, 10_000), steps=st.integers(1, 400))
def test_confidence_is_a_share_for_lines_of_any_length(seed: int, steps: int) -> None:
    certainties = np.random.default_rng(seed).dirichlet(np.full(5, 0.1), steps).astype(np.float32)

    reading = reading_of(certainties, ALPHABET)

    assert 0.0 <= reading.confidence <= 1.0
