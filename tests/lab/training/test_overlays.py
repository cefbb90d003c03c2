"""What is drawn over pictures and in their place, and is no text: flow, bones, masks, ornaments."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node_lab.training.backgrounds import Background, Pictures
from deid_node_lab.training.bones import limb, mask
from deid_node_lab.training.doppler import doppler
from deid_node_lab.training.ornaments import adorn

SIDES = (96, 160, 320, 480)


def pictures() -> Pictures:
    chance = np.random.default_rng(2)
    pixels = chance.integers(0, 256, (70, 90), dtype=np.uint8)
    return Pictures([Background("a.png", "US", "CC0-1.0", pixels, "a")])


def coloured(picture: np.ndarray) -> np.ndarray:
    return np.asarray(np.ptp(picture.astype(np.int16), axis=2) > 40)


@pytest.mark.parametrize("side", SIDES)
def test_a_doppler_screen_is_grey_tissue_with_flow_in_colour(side: int) -> None:
    shares = []
    for number in range(12):
        screen = doppler(pictures(), side, np.random.default_rng([side, number]))
        assert screen.shape == (side, side, 3)
        assert screen.dtype == np.uint8
        shares.append(float(coloured(screen).mean()))

    assert max(shares) < 0.7
    assert sum(share > 0 for share in shares) > 6


def test_doppler_needs_no_picture() -> None:
    assert doppler(Pictures([]), 200, np.random.default_rng(3)).any()


@pytest.mark.parametrize("side", SIDES)
def test_a_limb_is_a_grey_slice_with_bone_brighter_than_what_is_around(side: int) -> None:
    for number in range(12):
        cut = limb(side, np.random.default_rng([side, number]))
        assert cut.shape == (side, side, 3)
        assert (cut[..., 0] == cut[..., 2]).all()
        assert cut.max() > 120
        assert np.median(cut) < 140


@pytest.mark.parametrize("side", SIDES)
def test_a_mask_holds_a_few_labels(side: int) -> None:
    levels = []
    for number in range(20):
        labels = mask(pictures(), side, np.random.default_rng([side, number]))
        assert labels.shape == (side, side, 3)
        assert len(np.unique(labels)) <= 10
        levels.append(int(labels.max()))

    assert sum(level <= 9 for level in levels) > 8


@pytest.mark.parametrize("grey", [True, False])
def test_ornaments_are_few_pixels_of_the_picture_and_grey_where_it_is(grey: bool) -> None:
    shares = []
    for number in range(60):
        canvas = np.full((320, 320, 3), 90, np.uint8)
        adorn(canvas, np.random.default_rng(number), 1, grey=grey)
        touched = (canvas != 90).any(axis=2)
        shares.append(float(touched.mean()))
        if grey:
            assert not coloured(canvas).any()

    assert max(shares) < 0.2
    assert sum(share > 0 for share in shares) > 50


@pytest.mark.parametrize("draw", [doppler, mask])
def test_the_same_seed_draws_the_same(draw) -> None:  # type: ignore[no-untyped-def]
    first, second = (draw(pictures(), 200, np.random.default_rng(8)) for _ in range(2))

    np.testing.assert_array_equal(first, second)
