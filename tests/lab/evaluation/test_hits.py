"""What counts as found is what docs/evaluation.md says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from deid_node.values.geometry import Box
from deid_node_lab.evaluation.cases import Case, Item
from deid_node_lab.evaluation.hits import KINDS, counts_of, masked_boxes, matched, overlap

SIDE = 120


def item(left: int, top: int, right: int, bottom: int, *, optional: bool = False) -> Item:
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return Item(np.array(corners, np.float32), optional=optional)


def case(*items: Item) -> Case:
    empty = np.zeros((SIDE, SIDE), np.uint8)
    return Case("CT", Dataset(), 0, (empty,), empty, items)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(0, SIDE - 2)), draw(st.integers(0, SIDE - 2))
    return Box(left, top, draw(st.integers(left + 1, SIDE)), draw(st.integers(top + 1, SIDE)))


def test_a_box_on_a_line_is_right_by_every_rule() -> None:
    counts, hits = counts_of(case(item(20, 20, 60, 32)), [Box(20, 20, 60, 32)])

    assert hits == (True,)
    assert (counts["items_covered"], counts["images_whole"]) == (1, 1)
    assert (counts["boxes_on_text"], counts["items_matched"]) == (1, 1)
    assert counts["pixels_hit"] == counts["pixels_of_text"] == counts["pixels_found"] == 40 * 12
    assert (counts["pixels_unneeded"], counts["images_touched"]) == (0, 0)


def test_the_margin_of_the_cleaner_may_cover_what_a_box_leaves_out() -> None:
    counts, _ = counts_of(case(item(20, 20, 60, 32)), [Box(22, 22, 58, 30)])

    assert counts["items_covered"] == 1
    assert counts["pixels_hit"] == 36 * 8


def test_half_a_name_is_not_found() -> None:
    counts, hits = counts_of(case(item(20, 20, 60, 32)), [Box(20, 20, 40, 32)])

    assert hits == (False,)
    assert (counts["items_covered"], counts["images_whole"]) == (0, 0)
    assert counts["items_matched"] == 1


def test_several_boxes_may_cover_a_line_but_only_one_matches_it() -> None:
    letters = [Box(left, 20, left + 8, 32) for left in range(20, 60, 8)]

    counts, _ = counts_of(case(item(20, 20, 60, 32)), letters)

    assert counts["items_covered"] == 1
    assert counts["boxes_on_text"] == counts["boxes"] == 5
    assert counts["items_matched"] == 0


def test_one_box_over_two_words_matches_one_at_most() -> None:
    words = item(10, 20, 50, 32), item(54, 20, 74, 32)

    counts, hits = counts_of(case(*words), [Box(10, 20, 74, 32)])

    assert hits == (True, True)
    assert (counts["boxes_matched"], counts["items_matched"]) == (1, 1)


def test_a_box_far_from_text_touches_the_image() -> None:
    counts, _ = counts_of(case(item(5, 5, 30, 15)), [Box(5, 5, 30, 15), Box(80, 80, 90, 90)])

    assert counts["images_touched"] == 1
    assert counts["boxes_on_text"] == 1
    assert counts["pixels_unneeded"] == 16 * 16


def test_a_box_that_reaches_beyond_its_text_does_not_touch_the_image() -> None:
    counts, _ = counts_of(case(item(5, 5, 30, 15)), [Box(5, 5, 70, 15)])

    assert counts["images_touched"] == 0
    assert counts["pixels_unneeded"] > 0


def test_an_optional_line_is_neither_a_miss_nor_a_false_alarm() -> None:
    logo = item(20, 20, 60, 32, optional=True)

    missed, _ = counts_of(case(logo), [])
    found, _ = counts_of(case(logo), [Box(20, 20, 60, 32)])

    for counts in (missed, found):
        assert counts["items"] == counts["boxes"] == counts["images_with_text"] == 0
        assert counts["pixels_found"] == counts["pixels_unneeded"] == 0
        assert counts["images_touched"] == 0


def test_a_slanted_line_is_judged_by_its_own_shape() -> None:
    slanted = Item(np.array([[20, 20], [80, 60], [74, 70], [14, 30]], np.float32))

    counts, _ = counts_of(case(slanted), [Box(14, 20, 80, 70)])

    assert counts["items_covered"] == 1
    assert counts["pixels_hit"] < 0.5 * 66 * 50
    assert counts["pixels_unneeded"] > 0


def test_a_line_across_the_border_is_judged_by_what_is_seen_of_it() -> None:
    counts, hits = counts_of(case(item(-30, 20, 20, 32)), [Box(0, 20, 20, 32)])

    assert hits == (True,)
    assert counts["pixels_of_text"] == 20 * 12


def test_pairs_are_taken_greedily_from_the_largest_overlap() -> None:
    overlaps = np.array([[0.6, 0.9], [0.55, 0.8], [0.2, 0.5]])

    assert matched(overlaps) == ((0, 1), (1, 0))
    assert matched(np.zeros((0, 3))) == ()


@settings(deadline=None)
@given(st.lists(boxes(), max_size=5), st.lists(boxes(), max_size=5))
def test_no_count_exceeds_what_it_is_a_share_of(found: list[Box], lines: list[Box]) -> None:
    items = [item(one.left, one.top, one.right, one.bottom) for one in lines]

    counts, hits = counts_of(case(*items), found)

    assert set(counts) == set(KINDS)
    assert counts["items_covered"] == sum(hits) <= counts["items"] == len(lines)
    assert counts["items_matched"] == counts["boxes_matched"] <= min(len(lines), len(found))
    assert counts["boxes_on_text"] <= counts["boxes"] <= len(found)
    assert counts["pixels_hit"] <= min(counts["pixels_found"], counts["pixels_of_text"])
    assert counts["pixels_unneeded"] <= counts["pixels"] == SIDE * SIDE


@settings(deadline=None)
@given(st.lists(boxes(), max_size=4), boxes(), st.lists(boxes(), min_size=1, max_size=4))
def test_more_boxes_never_hide_less(found: list[Box], more: Box, lines: list[Box]) -> None:
    one = case(*(item(line.left, line.top, line.right, line.bottom) for line in lines))

    fewer, _ = counts_of(one, found)
    with_more, _ = counts_of(one, [*found, more])

    for kind in ("items_covered", "pixels_hit", "pixels_unneeded"):
        assert with_more[kind] >= fewer[kind]


@settings(deadline=None)
@given(boxes(), boxes())
def test_overlap_is_symmetric_and_one_only_for_the_same_box(first: Box, second: Box) -> None:
    assert overlap(first, second) == overlap(second, first)
    assert 0 <= overlap(first, second) <= 1
    assert (overlap(first, second) == 1) == (first == second)


@settings(deadline=None)
@given(boxes())
def test_boxes_are_masked_with_the_margin_of_the_cleaner(box: Box) -> None:
    (masked,) = masked_boxes([box], rows=SIDE, columns=SIDE)

    margins = (
        box.left - masked.left,
        box.top - masked.top,
        masked.right - box.right,
        masked.bottom - box.bottom,
    )
    assert all(0 <= margin <= 8 for margin in margins)
    inside = (masked.left > 0, masked.top > 0, masked.right < SIDE, masked.bottom < SIDE)
    assert all(margin >= 3 for margin, free in zip(margins, inside, strict=True) if free)
