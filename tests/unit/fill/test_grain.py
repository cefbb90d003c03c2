"""Noise, membrane and grain: what makes a patch pass for its surround."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.pixels.fill.crops import Crop, picture_crop
from deid_node.pixels.fill.grain import COARSE_PIXELS, noise_at, with_grain
from deid_node.pixels.fill.smooth import spread
from deid_node.pixels.fill.telea import grown_in
from deid_node.values.geometry import Box
from tests.unit.pixeldata.instances import Array

HOLE = Box(60, 60, 180, 84)


def test_noise_belongs_to_its_place() -> None:
    whole = noise_at(3, top=-20, left=-70, rows=200, columns=300, layers=4)

    part = noise_at(3, top=30, left=10, rows=100, columns=90, layers=4)

    assert np.array_equal(part, whole[:, 50:150, 80:170])
    assert abs(whole.mean()) < 0.01
    assert abs(whole.std() - 1) < 0.01


def test_another_seed_gives_other_noise() -> None:
    one, two = (noise_at(seed, top=0, left=0, rows=80, columns=80) for seed in (1, 2))

    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.05


def test_a_membrane_keeps_what_is_known_and_its_range() -> None:
    draw = np.random.default_rng(2)
    values = draw.uniform(10, 20, (61, 83)).astype(np.float32)
    known = draw.random((61, 83)) < 0.02

    result = spread(values, known)

    assert np.allclose(result[known], values[known], atol=1e-4)
    assert values[known].min() - 1e-3 <= result.min()
    assert result.max() <= values[known].max() + 1e-3


def test_a_membrane_of_one_value_is_that_value() -> None:
    known = np.zeros((50, 33), dtype=np.bool_)
    known[7, 9] = True

    assert np.allclose(spread(np.full((50, 33), 42, np.float32), known), 42, atol=1e-3)


def textured(correlation_pixels: float, strength: float, *, samples: int = 1) -> Array:
    white = np.random.default_rng(8).standard_normal((144, 240)).astype(np.float32)
    if correlation_pixels:
        white = np.asarray(cv2.GaussianBlur(white, (0, 0), correlation_pixels), np.float32)
    down, right = np.mgrid[:144, :240]
    values = 120 + 20 * np.sin(down / 50 + right / 70) + strength * white / white.std()
    grey = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return grey if samples == 1 else np.stack([grey] * 3, axis=2)


def crop_with_hole(values: Array, *, seed: int = 5) -> Crop:
    mask = np.zeros(values.shape[:2], dtype=np.bool_)
    mask[HOLE.slices] = True
    return picture_crop(values, mask, seed=seed)


def rough(shown: NDArray[np.float32]) -> NDArray[np.float32]:
    plain = shown if shown.ndim == 2 else shown[..., 0]
    return np.asarray((plain - cv2.GaussianBlur(plain, (0, 0), 2))[66:78, 66:174])


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(("correlation_pixels", "strength"), [(0, 6), (0.8, 10), (1.5, 15)])
def test_a_fill_gets_the_grain_of_its_surround(
    correlation_pixels: float, strength: float, samples: int
) -> None:
    values = textured(correlation_pixels, strength, samples=samples)
    crop = crop_with_hole(values)
    smooth = grown_in(crop.shown(), crop.mask)

    grained = with_grain(crop, crop.shown(), smooth)

    truth = rough(values.astype(np.float32))
    assert rough(smooth).std() < 0.6 * truth.std()
    assert 0.8 < rough(grained).std() / truth.std() < 1.25
    assert abs(neighbours(rough(grained)) - neighbours(truth)) < 0.15


def neighbours(values: NDArray[np.float32]) -> float:
    """Return how alike pixels are that lie side by side, -1 to 1."""
    return float(np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1])


def test_a_smooth_surround_gets_no_grain() -> None:
    down, right = np.mgrid[:144, :240]
    values = (down / 2 + right / 3).astype(np.uint8)
    crop = crop_with_hole(values)
    smooth = grown_in(crop.shown(), crop.mask)

    assert np.abs(with_grain(crop, crop.shown(), smooth) - smooth).max() < 2


def test_grain_keeps_out_of_what_is_not_filled() -> None:
    crop = crop_with_hole(textured(0, 6))
    smooth = grown_in(crop.shown(), crop.mask)

    grained = with_grain(crop, crop.shown(), smooth)

    assert np.array_equal(grained[~crop.mask], smooth[~crop.mask])


def test_a_grain_that_has_no_surround_to_measure_is_left_out() -> None:
    mask = np.ones((20, 20), dtype=np.bool_)
    mask[0] = False
    crop = picture_crop(textured(0, 6)[:20, :20], mask)

    assert np.array_equal(with_grain(crop, crop.shown(), crop.shown()), crop.shown())


def test_grain_of_tissue_does_not_go_on_in_the_black_beside_it() -> None:
    values = textured(1.5, 15)
    values[:, 120:] = 0
    crop = crop_with_hole(values)
    smooth = np.where(crop.mask & (np.arange(240) >= 120), 0, crop.shown()).astype(np.float32)
    smooth[HOLE.slices][:, : 120 - HOLE.left] = 128

    everywhere = with_grain(crop, crop.shown(), smooth, COARSE_PIXELS)
    by_level = with_grain(crop, crop.shown(), smooth, COARSE_PIXELS, by_level=True)

    tissue, black = np.s_[64:80, 70:110], np.s_[64:80, 140:170]
    assert by_level[black].std() < 0.7 * everywhere[black].std()
    assert by_level[tissue].std() > 0.8 * everywhere[tissue].std()
