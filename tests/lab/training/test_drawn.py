"""What is drawn by code is what it says: codes that never repeat, pictures without text, views."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the train extra is not installed")

import cv2

from deid_node_lab.training.backgrounds import Background, Pictures
from deid_node_lab.training.barcodes import barcode
from deid_node_lab.training.painter import Ink, Painter
from deid_node_lab.training.phantoms import mosaic, phantom, small
from deid_node_lab.training.views import as_frame, shown


def test_a_code_is_ink_or_none_and_keeps_its_bars_apart() -> None:
    chance = np.random.default_rng(4)

    for module in (1.0, 2.0, 3.4):
        for _ in range(40):
            code = barcode(chance, module)
            assert set(np.unique(code)) == {0, 255}
            assert min(code.shape) >= 6
            assert 0.2 < (code > 0).mean() < 0.8


def test_phantoms_are_grey_pictures_of_every_size() -> None:
    for number in range(60):
        side = 64 + 8 * number
        drawn = phantom(side, np.random.default_rng(number))
        assert drawn.shape == (side, side, 3)
        assert drawn.dtype == np.uint8
        assert (drawn[..., 0] == drawn[..., 2]).all()


def test_a_mosaic_shows_slices_of_one_source_side_by_side() -> None:
    bright = Background("a_1.png", "MR", "CC0-1.0", np.full((40, 50), 200, np.uint8), "a")

    tiled = mosaic([bright], 128, np.random.default_rng(1))

    assert tiled.shape == (128, 128, 3)
    assert (tiled == 200).any()


def test_a_small_matrix_is_shown_as_it_is() -> None:
    shown_small = small(np.full((200, 100), 90, np.uint8), 256, np.random.default_rng(2))
    rows, columns = np.nonzero(shown_small[..., 0])

    assert 24 <= np.ptp(rows) + 1 <= 140
    assert np.ptp(columns) < np.ptp(rows)


def test_pictures_are_drawn_by_source_and_not_by_count() -> None:
    pixels = np.zeros((4, 4), np.uint8)
    many = [Background(f"m{n}", "MR", "CC0-1.0", pixels, "many") for n in range(100)]
    few = [Background("f", "MR", "CC0-1.0", pixels, "few")]
    pictures, chance = Pictures([*many, *few]), np.random.default_rng(3)

    drawn = [pictures.pick(chance).source for _ in range(400)]

    assert 15 < drawn.count("few") < 80  # one in eleven, not one in a hundred


def test_no_pictures_are_none() -> None:
    assert not Pictures(())


def test_a_step_of_one_level_shows_in_one_of_the_views() -> None:
    plain = np.full((60, 60, 3), 40, np.uint8)
    plain[20:30, 10:50] = 41

    for seed in range(40):
        views = shown(plain, np.random.default_rng(seed), faint=True).astype(int)
        assert np.abs(views[25, 30] - views[50, 30]).max() > 20


def test_a_colour_picture_is_shown_as_it_is_and_a_grey_one_in_views() -> None:
    colour = np.zeros((8, 8, 3), np.uint8)
    colour[2, 2] = (200, 10, 10)
    grey = np.full((8, 8), 40, np.uint8)
    grey[3:5] = 41

    assert as_frame(colour) is colour
    assert as_frame(grey)[..., 0].tolist() == grey.tolist()
    assert np.ptp(as_frame(grey)[..., 1].astype(int)) == 255


@pytest.mark.parametrize("degrees", [0.0, 33.0, 90.0, 200.0])
def test_a_tilted_line_is_remembered_where_it_stands(degrees: float) -> None:
    painter = Painter(np.zeros((200, 200, 3), np.uint8), np.random.default_rng(1), grey=True)
    stamp = np.full((10, 60), 255, np.uint8)

    assert painter.put(stamp, 60, 60, Ink((255, 255, 255)), slant_degrees=degrees)

    area = np.zeros((200, 200), np.uint8)
    cv2.fillPoly(area, [painter.lines[0].corners.round().astype(np.int32)], 1)
    ink = painter.canvas[..., 0] > 128
    assert ink[area > 0].mean() > 0.8  # the outline is painted too
    assert (ink & (cv2.dilate(area, np.ones((5, 5), np.uint8)) == 0)).sum() == 0


def test_a_bent_line_is_remembered_in_pieces_that_hold_its_ink() -> None:
    painter = Painter(np.zeros((300, 300, 3), np.uint8), np.random.default_rng(1), grey=True)
    stamp = np.full((12, 120), 255, np.uint8)

    assert painter.put_bent(stamp, 80, 80, Ink((255, 255, 255)), radius=60.0, turn=3.5)

    area = np.zeros((300, 300), np.uint8)
    for line in painter.lines:
        cv2.fillPoly(area, [line.corners.round().astype(np.int32)], 1)
    ink = painter.canvas[..., 0] > 128
    assert len(painter.lines) >= 4
    assert ink.sum() > 1000
    assert (ink & (cv2.dilate(area, np.ones((7, 7), np.uint8)) == 0)).sum() == 0


def test_a_faint_line_stands_a_level_off_a_flat_ground() -> None:
    painter = Painter(np.full((80, 80, 3), 30, np.uint8), np.random.default_rng(1), grey=True)
    stamp = np.full((10, 40), 255, np.uint8)

    assert painter.put(stamp, 10, 10, Ink((255, 255, 255), faint=True))
    assert painter.faint
    assert 1 <= abs(int(painter.canvas[15, 20, 0]) - 30) <= 6
