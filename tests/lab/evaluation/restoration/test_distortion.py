"""Differences of pixels against values worked out by hand."""

import numpy as np
import pytest

from deid_node_lab.evaluation.restoration.distortion import (
    local_deviation,
    psnr,
    square_error,
    ssim_map,
)

CHANCE = np.random.default_rng(4)


def test_square_error_is_the_mean_over_samples() -> None:
    truth = np.zeros((2, 2, 3), np.float32)
    fill = truth.copy()
    fill[0, 1] = (3, 0, 6)

    errors = square_error(truth, fill)

    assert errors.tolist() == [[0.0, 15.0], [0.0, 0.0]]


def test_the_papers_mean_square_error_is_its_decibels() -> None:
    assert psnr(912.0) == pytest.approx(18.53, abs=0.01)
    assert psnr(255.0**2) == pytest.approx(0.0)
    assert np.isinf(psnr(0.0))


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 3)], ids=["grey", "colour"])
def test_a_picture_is_wholly_similar_to_itself(shape: tuple[int, ...]) -> None:
    picture = CHANCE.uniform(0, 255, shape).astype(np.float32)

    assert ssim_map(picture, picture) == pytest.approx(np.ones((30, 40)))


def test_similarity_of_even_pictures_is_that_of_their_means() -> None:
    dark, bright = (np.full((20, 20), level, np.float32) for level in (50, 100))

    similarity = ssim_map(dark, bright)

    constant = (0.01 * 255) ** 2
    wanted = (2 * 50 * 100 + constant) / (50**2 + 100**2 + constant)
    assert similarity == pytest.approx(np.full((20, 20), wanted))


def test_similarity_falls_to_minus_one_where_all_is_turned_about() -> None:
    rough = CHANCE.normal(0, 20, (60, 60)).astype(np.float32)

    similarity = ssim_map(100 + rough, 100 - rough)

    assert similarity.mean() < -0.5


def test_local_deviation_sees_masked_pixels_only() -> None:
    picture = CHANCE.normal(100, 12, (60, 60)).astype(np.float32)
    mask = np.zeros((60, 60), np.bool_)
    mask[20:40, 20:40] = True
    picture[~mask] = 1e5

    deviation = local_deviation(picture, mask)

    assert np.isnan(deviation[~mask]).all()
    assert np.nanmean(deviation) == pytest.approx(12, rel=0.1)


def test_an_even_fill_has_no_local_deviation() -> None:
    mask = np.ones((9, 9), np.bool_)

    assert local_deviation(np.full((9, 9), 77, np.float32), mask).max() == pytest.approx(0)
