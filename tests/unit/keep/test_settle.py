import pytest

from deid_node.pixels.text.keep.settle import KeptLine, Settled, settled, standing_alone
from deid_node.pixels.text.masks import Marked, widened
from deid_node.values.geometry import Box


def a_line(box: Box, text: str = "R") -> KeptLine:
    return KeptLine(Marked(box, 0.9, "crnn"), (box,), text)


def a_mask(box: Box) -> Marked:
    return Marked(box, 1.0, "device_rule")


def settle(masks: list[Box], lines: list[KeptLine]) -> Settled:
    return settled(
        tuple(map(a_mask, masks)),
        tuple(lines),
        widen=lambda marks: widened(marks, rows=400, columns=400),
    )


LINE = Box(100, 100, 150, 112)


def test_a_line_far_from_every_mask_stays() -> None:
    result = settle([Box(10, 10, 60, 30)], [a_line(LINE)])

    assert [line.box for line in result.kept] == [LINE]
    assert [mark.box for mark in result.marks] == [Box(10, 10, 60, 30)]


@pytest.mark.req("REQ-PX-13")
@pytest.mark.parametrize(
    "mask",
    [
        Box(149, 111, 160, 120),
        Box(155, 100, 200, 112),
        Box(50, 105, 95, 130),
        Box(110, 90, 120, 101),
        Box(0, 0, 400, 400),
    ],
    ids=["a corner", "goes on right of it", "ends left of it", "above", "over all"],
)
def test_a_line_that_a_mask_touches_is_filled_too(mask: Box) -> None:
    result = settle([mask], [a_line(LINE)])

    assert result.kept == ()
    assert any(mark.box.contains(LINE) for mark in result.marks)


def test_a_mask_above_a_level_line_does_not_touch_it() -> None:
    assert settle([Box(100, 80, 150, 99)], [a_line(LINE)]).kept


def test_a_single_letter_may_belong_to_a_line_that_runs_down() -> None:
    letter = Box(100, 100, 110, 112)

    assert settle([Box(100, 80, 110, 95)], [a_line(letter)]).kept == ()


def test_masks_that_grow_reach_further_lines_until_none_is_touched() -> None:
    stack = [a_line(Box(100, top, 150, top + 12)) for top in range(100, 200, 14)]
    far = a_line(Box(300, 300, 350, 312))

    result = settle([Box(100, 86, 150, 101)], [*stack, far])

    assert result.kept == (far,)
    assert all(any(mark.box.contains(line.box) for mark in result.marks) for line in stack)


def test_lines_that_run_into_one_another_do_not_stand_alone() -> None:
    left, right = a_line(Box(100, 100, 110, 112)), a_line(Box(118, 101, 128, 113))
    below, far = a_line(Box(100, 140, 150, 152)), a_line(Box(200, 100, 210, 112))

    assert standing_alone((left, right, below, far)) == (below, far)


def test_lines_of_a_list_stand_alone() -> None:
    above, below = a_line(Box(100, 100, 150, 112)), a_line(Box(100, 114, 150, 126))

    assert standing_alone((above, below)) == (above, below)


def test_what_a_line_says_is_not_shown() -> None:
    assert "LEE" not in repr(a_line(LINE, "LEE"))
