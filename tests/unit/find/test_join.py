"""Parts of one line become one box; columns and other lines stay apart."""

import pytest

from deid_node.pixels.text.find.join import joined
from deid_node.values.geometry import Box, Found


def found(*boxes: Box) -> tuple[Found, ...]:
    return tuple(Found(box, 0.5 + index / 10) for index, box in enumerate(boxes))


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_join_comes_back_as_it_is(count: int) -> None:
    given = found(Box(0, 0, 10, 10))[:count]

    assert joined(given, reach=2.0) == given


def test_parts_of_a_line_are_joined_with_the_best_score() -> None:
    given = found(Box(0, 10, 30, 20), Box(45, 11, 60, 21), Box(75, 10, 80, 20))

    assert joined(given, reach=2.0) == (Found(Box(0, 10, 80, 21), 0.7),)


def test_a_wide_gap_parts() -> None:
    given = found(Box(0, 10, 30, 20), Box(51, 10, 60, 20))

    assert joined(given, reach=2.0) == given


def test_lines_under_each_other_stay_apart() -> None:
    given = found(Box(0, 10, 30, 20), Box(0, 19, 30, 29))

    assert joined(given, reach=2.0) == given


def test_a_banner_does_not_swallow_small_print_beside_it() -> None:
    given = found(Box(0, 0, 90, 40), Box(95, 20, 140, 30))

    assert joined(given, reach=2.0) == given


def test_a_frame_full_of_boxes_is_joined_in_bounded_memory() -> None:
    given = tuple(
        Found(Box(x, y, x + 4, y + 6), 0.9) for y in range(0, 1600, 8) for x in range(0, 4000, 40)
    )

    assert joined(given, reach=2.0) == given


def test_a_chain_of_parts_becomes_one_whatever_their_order() -> None:
    parts = [Found(Box(x, 10, x + 8, 20), 0.9) for x in range(0, 200, 20)]

    assert joined(parts[::-1], reach=2.0) == (Found(Box(0, 10, 188, 20), 0.9),)


def test_what_is_too_high_for_a_letter_reaches_no_further_than_one() -> None:
    """Colour flow that was taken for text must not swallow the labels at the edge."""
    given = found(Box(0, 100, 40, 180), Box(110, 100, 300, 200))

    assert joined(given, reach=2.0) == given
