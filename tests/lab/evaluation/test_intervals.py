"""Intervals are those of images, repeatable, and honest where nothing went wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from deid_node_lab.evaluation.figures import figures_of, share_by_class
from deid_node_lab.evaluation.hits import KINDS
from deid_node_lab.evaluation.intervals import at_most, interval


def ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sums[..., 0] / sums[..., 1])


def counts(**given_counts: int) -> dict[str, int]:
    return dict.fromkeys(KINDS, 0) | {"images": 1} | given_counts


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=12).map(
        lambda pairs: [(min(found, asked), asked) for found, asked in pairs]
    )
)
def test_an_interval_holds_its_figure_and_lies_between_the_images(
    pairs: list[tuple[int, int]],
) -> None:
    table = np.array(pairs, np.float64)

    ends = interval(table, ratio, rounds=400)

    assert ends is not None
    shares = table[:, 0] / table[:, 1]
    assert shares.min() - 1e-9 <= ends[0] <= ends[1] <= shares.max() + 1e-9


def test_the_same_counts_give_the_same_interval() -> None:
    table = np.array([[3, 4], [1, 5], [2, 2]], np.float64)

    assert interval(table, ratio) == interval(table, ratio)


def test_lines_of_one_image_are_not_many_trials() -> None:
    """A hundred lines on two screens leave more doubt than a hundred lines on fifty."""
    few = interval(np.array([[50, 50], [40, 50]], np.float64), ratio)
    many = interval(np.array([[2, 2], [2, 2], [2, 2], [1, 2], [2, 2]] * 10, np.float64), ratio)

    assert few is not None
    assert many is not None
    assert few[1] - few[0] > many[1] - many[0]


def test_nothing_asked_gives_no_interval() -> None:
    assert interval(np.zeros((3, 2)), ratio) is None
    assert interval(np.zeros((0, 2)), ratio) is None


@pytest.mark.parametrize(("trials", "share"), [(0, 1.0), (1, 0.95), (59, 0.0495), (100, 0.0295)])
def test_what_happened_never_may_still_happen(trials: int, share: float) -> None:
    assert at_most(trials) == pytest.approx(share, abs=1e-4)


def test_a_perfect_share_is_told_with_the_doubt_that_is_left() -> None:
    figures = figures_of([counts(items=10, items_covered=10)] * 6)

    found = figures["items_found"]
    assert (found["value"], found["high"], found["part"], found["whole"]) == (1.0, 1.0, 60, 60)
    assert found["low"] == pytest.approx(1 - at_most(60), abs=1e-5)


def test_figures_without_text_are_told_as_absent() -> None:
    figures = figures_of([counts(pixels=100, pixels_unneeded=1)])

    assert figures["items_found"]["value"] is None
    assert figures["redaction_f1"]["value"] is None
    assert figures["unneeded_area"]["value"] == pytest.approx(0.01)


def test_the_harmonic_mean_is_that_of_both_shares() -> None:
    figures = figures_of([counts(items=10, items_covered=8, boxes=5, boxes_on_text=3)])

    assert figures["redaction_f1"]["value"] == pytest.approx(2 * 0.8 * 0.6 / 1.4, abs=1e-5)


def test_classes_are_shared_over_all_images() -> None:
    told = share_by_class([[("small", True), ("small", False)], [("large", True)], []])

    assert (told["small"]["part"], told["small"]["whole"]) == (1, 2)
    assert told["large"]["value"] == 1.0
