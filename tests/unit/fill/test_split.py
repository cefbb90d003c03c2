"""Holes on two grounds: each is filled from its own."""

import cv2
import numpy as np
import pytest

from deid_node.pixels.fill.base import Inpainter
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.crops import picture_crop
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.fill.split import pieces_of
from deid_node.values.geometry import Box
from tests.unit.pixeldata.instances import Array

ROWS, COLUMNS = 120, 200
POLICIES = [FillPolicy.AUTO, FillPolicy.TELEA, FillPolicy.SOLID]


def tissue() -> Array:
    """Return a bright, uneven ground."""
    draw = np.random.default_rng(3)
    smooth = cv2.GaussianBlur(draw.standard_normal((ROWS, COLUMNS)).astype(np.float32), (0, 0), 6)
    ground = 150 + 30 * smooth / smooth.std() + draw.normal(0, 3, (ROWS, COLUMNS))
    return np.asarray(np.clip(np.rint(ground), 60, 250), np.uint8)


def filled(picture: Array, box: Box, inpainter: Inpainter) -> Array:
    mask = np.zeros(picture.shape[:2], dtype=np.bool_)
    mask[box.slices] = True
    written = picture.copy()
    written[box.slices] = 255
    (result,) = inpainter.fill([picture_crop(written, mask)])
    return np.asarray(result.values)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("border", [44, 50, 56])
@pytest.mark.parametrize("turned", [False, True], ids=["level", "upright"])
def test_no_light_bleeds_from_a_picture_into_the_black_of_its_banner(
    policy: FillPolicy, border: int, turned: bool
) -> None:
    picture = tissue()
    picture[:border] = 0
    box = Box(40, 40, 150, 60)
    if turned:
        picture, box = np.ascontiguousarray(picture.T), Box(40, 40, 60, 150)

    after = filled(picture, box, build_inpainter(policy, None))

    banner, below = (after[40:border, 40:150], after[border:60, 40:150])
    if turned:
        banner, below = (after[40:150, 40:border], after[40:150, border:60])
    assert (banner == 0).all()
    assert below.min() >= 60


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("blur", [0, 1], ids=["sharp", "blurred"])
def test_a_banner_that_ends_where_the_hole_begins_does_not_bleed_into_it(
    policy: FillPolicy, blur: int
) -> None:
    picture = np.zeros((ROWS, COLUMNS), np.uint8)
    picture[:40] = 60
    if blur:
        picture = np.asarray(cv2.GaussianBlur(picture, (5, 5), 1), np.uint8)

    after = filled(picture, Box(70, 40, 130, 90), build_inpainter(policy, None))

    # The blur carries the banner's edge into the first rows; there it ends.
    assert after[44:90, 70:130].max() <= 2
    assert after[40:44, 70:130].max() <= (picture[39, 0] if blur else 0)


def test_a_banner_above_a_hole_is_kept_out_where_one_side_is_not_known() -> None:
    picture = np.zeros((ROWS, COLUMNS), np.uint8)
    picture[:40] = 60
    mask = np.zeros(picture.shape, dtype=np.bool_)
    mask[40:90, 70:130] = True
    mask[62:90, 66:70] = True
    mask[20:60, 40:68] = True
    (result,) = build_inpainter(FillPolicy.TELEA, None).fill([picture_crop(picture, mask)])

    assert np.asarray(result.values)[44:90, 70:130].max() <= 2


@pytest.mark.parametrize("policy", POLICIES)
def test_the_bars_of_a_scale_do_not_melt(policy: FillPolicy) -> None:
    colours = [(255, 0, 0), (200, 200, 0), (0, 160, 0), (0, 0, 255), (20, 20, 20), (255, 255, 255)]
    picture = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    for number, colour in enumerate(colours):
        picture[:, 33 * number : 33 * (number + 1) + 2] = colour

    after = filled(picture, Box(12, 30, 180, 48), build_inpainter(policy, None))

    # Telea rounds down at each pixel; the others put back the very values.
    tolerance = 2 if policy is FillPolicy.TELEA else 0
    assert np.abs(after.astype(int) - picture).max() <= tolerance


@pytest.mark.parametrize("policy", POLICIES)
def test_a_border_at_the_edge_of_the_frame_is_seen_on_one_side(policy: FillPolicy) -> None:
    picture = tissue()
    picture[:50] = 8

    after = filled(picture, Box(0, 40, 90, 60), build_inpainter(policy, None))

    assert (after[40:50] == 8).all()
    assert after[50:60, :90].min() >= 60


def test_a_hole_under_which_no_border_runs_stays_whole() -> None:
    mask = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    mask[40:60, 40:150] = True
    for picture in (tissue(), np.zeros((ROWS, COLUMNS), np.uint8)):
        crop = picture_crop(picture, mask)
        assert pieces_of(crop) == (crop,)


def test_the_outline_of_anatomy_is_no_border() -> None:
    picture = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.ellipse(picture, (100, 80), (90, 50), 0, 0, 360, 170, -1)
    mask = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    mask[30:60, 20:110] = True
    crop = picture_crop(picture, mask)

    assert pieces_of(crop) == (crop,)


def test_pieces_cover_the_target_once() -> None:
    picture = tissue()
    picture[:50] = 0
    picture[:, :80] = 30
    mask = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    mask[40:60, 60:150] = True
    mask[90:100, 100:120] = True

    pieces = pieces_of(picture_crop(picture, mask))

    assert len(pieces) > 1
    assert np.array_equal(np.sum([piece.target for piece in pieces], axis=0), mask)
    assert all((piece.mask >= piece.target).all() for piece in pieces)


def test_what_stood_under_the_mask_makes_no_difference() -> None:
    picture = tissue()
    picture[:50] = 0
    other = picture.copy()
    other[40:60, 40:150] = 90
    inpainter = build_inpainter(FillPolicy.AUTO, None)
    box = Box(40, 40, 150, 60)

    assert np.array_equal(filled(picture, box, inpainter), filled(other, box, inpainter))
