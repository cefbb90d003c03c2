import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deid_node.pixels.text.masks import (
    LEAST_MARGIN_PIXELS,
    Marked,
    hull,
    mask_of,
    merged,
    neighbourhoods,
    widened,
)
from deid_node.values.geometry import Box

ROWS, COLUMNS = 60, 90


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(0, COLUMNS - 1)), draw(st.integers(0, ROWS - 1))
    right = draw(st.integers(left + 1, COLUMNS))
    return Box(left, top, right, draw(st.integers(top + 1, ROWS)))


MARKS = st.lists(
    st.builds(Marked, boxes(), st.floats(0, 1), st.sampled_from(["finder", "device_rule"])),
    max_size=12,
)


def _mask(marks: tuple[Marked, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return mask_of([mark.box for mark in marks], rows=ROWS, columns=COLUMNS)


@given(MARKS)
def test_merging_uncovers_nothing(marks: list[Marked]) -> None:
    result = merged(marks)

    assert (_mask(result) | ~_mask(tuple(marks))).all()
    assert result == merged(result)


@given(MARKS, st.sampled_from([1, 2, 8, 16]))
def test_every_box_gets_its_margin_up_to_the_edge(marks: list[Marked], grid: int) -> None:
    result = _mask(widened(marks, rows=ROWS, columns=COLUMNS, grid_pixels=grid))

    for mark in marks:
        grown = mark.box.grown(LEAST_MARGIN_PIXELS, rows=ROWS, columns=COLUMNS)
        assert result[grown.slices].all()


@given(MARKS, st.sampled_from([2, 8, 16]))
def test_edges_lie_on_the_grid_or_on_the_frames_edge(marks: list[Marked], grid: int) -> None:
    for mark in widened(marks, rows=ROWS, columns=COLUMNS, grid_pixels=grid):
        assert mark.box.left % grid == 0
        assert mark.box.top % grid == 0
        assert mark.box.right % grid == 0 or mark.box.right == COLUMNS
        assert mark.box.bottom % grid == 0 or mark.box.bottom == ROWS


def test_a_box_outside_the_frame_is_dropped_and_one_across_its_edge_cut() -> None:
    away = Marked(Box(COLUMNS, 0, COLUMNS + 5, 5), 1.0, "device_rule")
    across = Marked(Box(80, 50, 500, 500), 1.0, "device_rule")

    (left,) = widened([away, across], rows=ROWS, columns=COLUMNS)

    assert (left.box.right, left.box.bottom) == (COLUMNS, ROWS)


@given(st.lists(boxes(), max_size=10), st.integers(0, 8))
def test_groups_hold_each_box_once_and_are_apart(some: list[Box], reach: int) -> None:
    groups = neighbourhoods(some, reach, rows=ROWS, columns=COLUMNS)

    assert sorted(n for group in groups for n in group) == list(range(len(some)))
    for one in groups:
        for two in groups:
            if one is not two:
                grown = [some[n].grown(reach, rows=ROWS, columns=COLUMNS) for n in one]
                assert not any(g.intersects(some[n]) for g in grown for n in two)


@given(st.lists(boxes(), min_size=1, max_size=5))
def test_the_hull_holds_all(some: list[Box]) -> None:
    around = hull(some)

    assert all(around.left <= b.left and b.right <= around.right for b in some)
    assert all(around.top <= b.top and b.bottom <= around.bottom for b in some)


def test_lines_of_unequal_length_do_not_grow_into_a_slab() -> None:
    lengths = (60, 22, 26, 14, 40)
    lines = [Marked(Box(4, 2 + 10 * n, 4 + end, 12 + 10 * n), 0.9, "finder")
             for n, end in enumerate(lengths)]  # fmt: skip

    result = _mask(widened(lines, rows=ROWS, columns=COLUMNS))

    needed = _mask(tuple(lines)).sum()
    margin = sum(2 * LEAST_MARGIN_PIXELS * (end + 10) for end in lengths)
    assert result.sum() <= 1.05 * (needed + margin)
    assert not result[22:32, 45:].any()


def test_boxes_of_one_line_become_one() -> None:
    parts = [Marked(Box(4, 10, 40, 20), 0.9, "finder"), Marked(Box(30, 10, 80, 21), 0.8, "finder")]

    (line,) = widened(parts, rows=ROWS, columns=COLUMNS)

    assert line.box == Box(1, 7, 83, 24)
