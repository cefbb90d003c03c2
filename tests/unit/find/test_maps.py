"""Boxes come from maps: every pixel of text in one, neighbouring lines apart."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.pixels.text.find.maps import Boxes, boxes_of_maps
from deid_node.values.geometry import Box, Found

Map = NDArray[np.float32]


def empty() -> tuple[Map, Map]:
    return np.zeros((50, 80), np.float32), np.zeros((50, 80), np.float32)


def every(core: Map, region: Map, *, rows: int = 100, columns: int = 160) -> Boxes:
    return boxes_of_maps(
        core, region, min_score=0.6, edge_score=0.3, scale=2, rows=rows, columns=columns
    )


def boxes(core: Map, region: Map, *, rows: int = 100, columns: int = 160) -> tuple[Found, ...]:
    shown = every(core, region, rows=rows, columns=columns)
    assert shown.steps == ()
    return shown.lines


def test_empty_maps_give_no_box() -> None:
    assert boxes(*empty()) == ()


def test_a_region_is_boxed_in_pixels_of_the_frame() -> None:
    core, region = empty()
    region[5:10, 20:40] = 0.9

    (found,) = boxes(core, region)
    assert found.box == Box(40, 10, 80, 20)
    assert found.score == pytest.approx(0.9)


def test_a_box_reaches_as_far_as_the_faint_edge_of_its_region() -> None:
    core, region = empty()
    region[4:11, 18:42] = 0.4
    region[5:10, 20:40] = 0.9

    assert [one.box for one in boxes(core, region)] == [Box(36, 8, 84, 22)]


def test_a_region_without_a_certain_pixel_is_left() -> None:
    core, region = empty()
    region[5:10, 20:40] = 0.5

    assert boxes(core, region) == ()


def test_two_lines_that_touch_are_parted_by_their_cores() -> None:
    core, region = empty()
    region[5:15, 10:30] = 0.9
    core[6:9, 12:28] = 0.9
    core[11:14, 12:28] = 0.9

    parted = [one.box for one in boxes(core, region)]

    assert len(parted) == 2
    assert parted[0].top == 10
    assert parted[1].bottom == 30
    covered = np.zeros((100, 160), np.bool_)
    for box in parted:
        covered[box.slices] = True
    assert covered[10:30, 20:60].all()


def test_a_region_without_a_core_is_boxed_whole_beside_one_with_cores() -> None:
    core, region = empty()
    region[5:10, 10:30] = 0.9
    core[6:9, 12:28] = 0.9
    region[30:35, 10:70] = 0.9

    assert Box(20, 60, 140, 70) in [one.box for one in boxes(core, region)]


def test_boxes_are_cut_to_the_frame() -> None:
    core, region = empty()
    region[45:, 70:] = 0.9

    assert [one.box for one in boxes(core, region, rows=99, columns=159)] == [Box(140, 90, 159, 99)]


def test_boxes_come_from_top_to_bottom() -> None:
    core, region = empty()
    region[30:33, 5:20] = 0.9
    region[10:13, 40:60] = 0.9
    region[10:13, 5:20] = 0.9

    found = [one.box for one in boxes(core, region)]

    assert found == sorted(found, key=lambda box: (box.top, box.left))


@pytest.mark.parametrize("degrees", [15, 30, 45, 60, 75, 135, 200])
def test_a_tilted_line_comes_as_steps_that_hold_it_and_little_else(degrees: int) -> None:
    region = np.zeros((300, 300), np.float32)
    corners = cv2.boxPoints(((150.0, 150.0), (200.0, 14.0), float(degrees)))
    cv2.fillPoly(region, [corners.round().astype(np.int32)], 0.9)
    area = int((region > 0).sum())

    shown = every(np.zeros_like(region), region, rows=600, columns=600)

    covered = np.zeros((600, 600), np.bool_)
    for one in shown.steps:
        covered[one.box.slices] = True
    assert shown.lines == ()
    assert covered[::2, ::2][region > 0].all()
    assert covered.sum() < 4 * 2 * area  # a box of the whole would take five to ten times


def test_steps_keep_the_score_of_their_line() -> None:
    region = np.zeros((80, 80), np.float32)
    for n in range(60):
        region[n : n + 6, n : n + 6] = 0.7
    region[30, 30] = 0.95

    steps = every(np.zeros_like(region), region, rows=160).steps

    assert len(steps) > 2
    assert all(one.score == pytest.approx(0.95) for one in steps)
