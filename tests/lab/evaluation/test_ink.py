"""A line counts by the strokes that a person can see, in whichever view that is."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from deid_node.values.geometry import Box
from deid_node_lab.evaluation.cases import Case, Item, case_of, dataset_of
from deid_node_lab.evaluation.hits import counts_of
from deid_node_lab.evaluation.ink import ink_of

ROWS, COLUMNS = 120, 320
BOX = Box(40, 50, 200, 74)
Picture = NDArray[np.uint8]


def item(box: Box, text: str = "DOE JANE") -> Item:
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return Item(np.array(corners, np.float32), text)


def case(*items: Item, views: Sequence[Picture]) -> Case:
    return Case("CT", Dataset(), 0, tuple(views), views[0], items)


def flat(level: int) -> Picture:
    return np.full((ROWS, COLUMNS), level, np.uint8)


def write(picture: Picture, level: int, *, text: str = "DOE JANE", left: int = 44) -> Picture:
    written = picture.copy()
    cv2.putText(written, text, (left, 70), 0, 0.7, level, 2)
    return written


def seen(picture: Picture, box: Box = BOX) -> bool:
    one = case(item(box), views=[picture])
    return ink_of(one, one.items)[0].seen


def test_letters_on_a_flat_ground_are_seen_down_to_one_level() -> None:
    for ground, letters in ((0, 255), (255, 0), (128, 129), (128, 127), (0, 1)):
        assert seen(write(flat(ground), letters)), (ground, letters)


def test_white_on_white_is_no_line() -> None:
    assert not seen(write(flat(255), 255))
    assert not seen(flat(0))


def test_ink_lies_on_the_letters_and_nowhere_else() -> None:
    plain, written = flat(30), write(flat(30), 200)
    one = case(item(BOX), views=[written])

    (ink,) = ink_of(one, one.items)

    drawn = (written - plain)[ink.place]
    assert not (ink.pixels & (drawn == 0)).any()
    assert ink.pixels[drawn >= 85].all()


@pytest.mark.parametrize("sigma", [1.0, 4.0, 20.0])
def test_noise_alone_is_no_ink_and_letters_in_it_are(sigma: float) -> None:
    chance = np.random.default_rng(3)
    noise = np.clip(chance.normal(110, sigma, (ROWS, COLUMNS)), 0, 255)
    letters = (write(flat(0), 1) > 0) * 4 * sigma

    assert not seen(noise.round().astype(np.uint8))
    assert seen((noise + letters).clip(0, 255).round().astype(np.uint8))


def test_the_edge_of_an_organ_in_the_box_is_no_ink() -> None:
    picture = flat(20)
    picture[60:, :] = 220

    assert not seen(picture)


def test_a_line_that_one_view_alone_shows_is_seen() -> None:
    one = case(item(BOX), views=[flat(255), write(flat(90), 110)])
    colour = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    colour[..., 2] = write(flat(0), 60)
    other = case(item(BOX), views=[colour])

    assert ink_of(one, one.items)[0].seen
    assert ink_of(other, other.items)[0].seen


def test_a_rule_and_a_neighbour_do_not_make_a_line_vanish() -> None:
    picture = write(flat(10), 240)
    picture[78:80] = 255
    cv2.putText(picture, "ANOTHER LINE", (30, 100), 0, 0.7, 250, 2)

    assert seen(picture)


def test_graphics_all_around_do_not_make_bright_letters_vanish() -> None:
    picture = write(flat(10), 240)
    picture[::6, :30] = picture[::6, 210:] = 255
    picture[:44:4] = picture[80::4] = 255

    assert seen(picture)


def test_a_line_is_found_when_its_ink_is_hidden_and_missed_when_half_of_it_is() -> None:
    wrapped = Box(40, 50, 310, 74)
    one = case(item(wrapped), views=[write(flat(30), 200)])

    ink, hits = counts_of(one, [BOX])
    half, _ = counts_of(one, [Box(40, 50, 100, 74)])

    assert hits == (False,), "by its box the empty half is a miss"
    assert (ink["lines"], ink["lines_covered"], ink["images_lines_whole"]) == (1, 1, 1)
    assert (half["lines"], half["lines_covered"], half["images_lines_whole"]) == (1, 0, 0)


def test_letters_that_run_into_saturated_ground_count_by_what_is_seen() -> None:
    picture = flat(30)
    picture[:, 100:] = 255
    one = case(item(BOX), views=[write(picture, 255)])

    counts, _ = counts_of(one, [Box(40, 50, 104, 74)])

    assert (counts["lines"], counts["lines_covered"]) == (1, 1)


def test_what_nobody_sees_is_counted_apart() -> None:
    one = case(item(BOX), views=[write(flat(255), 255)])

    counts, hits = counts_of(one, [])

    assert hits == (False,)
    assert (counts["items"], counts["unseen"], counts["lines"], counts["marks"]) == (1, 1, 0, 0)
    assert (counts["images_with_ink"], counts["images_with_lines"]) == (0, 0)


def test_lone_marks_and_lines_are_counted_apart() -> None:
    picture = write(write(flat(20), 200, text="DOE"), 200, text="L", left=280)
    one = case(item(Box(40, 50, 110, 74)), item(Box(276, 50, 300, 74), "L"), views=[picture])

    counts, _ = counts_of(one, [Box(40, 50, 110, 74)])

    assert (counts["lines"], counts["lines_covered"], counts["images_lines_whole"]) == (1, 1, 1)
    assert (counts["marks"], counts["marks_covered"], counts["images_ink_whole"]) == (1, 0, 0)


def test_a_case_is_seen_in_all_views_of_the_cleaner() -> None:
    stored = np.full((ROWS, COLUMNS), 100, np.uint8)
    stored = write(stored, 101)
    dataset = dataset_of(stored)
    dataset.WindowCenter, dataset.WindowWidth = 40, 20
    one = case_of(dataset, [item(BOX)])

    window = one.views[0][..., 0]
    assert window.min() == window.max()
    assert ink_of(one, one.items)[0].seen
