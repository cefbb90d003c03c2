"""Figures count what a reader of the table thinks they count."""

import numpy as np
import pytest

from deid_node.values.geometry import Box, Found
from deid_node_lab.training.examples import Example
from deid_node_lab.training.measure import judge


def corners(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def example(*items: np.ndarray, optional: tuple[np.ndarray, ...] = ()) -> Example:
    return Example("e", np.zeros((100, 100), np.uint8), items, optional)


def test_a_covered_line_is_found_and_costs_nothing() -> None:
    figures = judge([(example(corners(20, 20, 60, 30)), [Found(Box(20, 20, 60, 30), 0.9)])])

    assert (figures.items, figures.items_found, figures.images_whole) == (1, 1, 1)
    assert (figures.pixels_unneeded, figures.images_touched) == (0, 0)


def test_half_a_name_is_not_found() -> None:
    figures = judge([(example(corners(20, 20, 60, 30)), [Found(Box(20, 20, 40, 30), 0.9)])])

    assert (figures.items_found, figures.images_whole) == (0, 0)
    assert figures.missed == ["e at [20, 20]"]


def test_a_box_without_text_touches_the_image() -> None:
    figures = judge([(example(), [Found(Box(40, 40, 50, 50), 0.9)])])

    assert (figures.images_whole, figures.images_touched) == (1, 1)
    assert figures.unneeded == pytest.approx(16 * 16 / 10_000)


def test_an_optional_line_is_neither_a_miss_nor_a_false_alarm() -> None:
    line = corners(20, 20, 60, 30)

    missed = judge([(example(optional=(line,)), [])])
    found = judge([(example(optional=(line,)), [Found(Box(20, 20, 60, 30), 0.9)])])

    assert (missed.items, missed.images_whole) == (0, 1)
    assert found.images_touched == 0
