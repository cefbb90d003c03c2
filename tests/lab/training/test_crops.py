"""Crops for the inpainter: the model is never shown what lies in a hole."""

import numpy as np
import pytest

from deid_node.pixels.fill.prompts import NEUTRAL
from deid_node_lab.training.backgrounds import Background
from deid_node_lab.training.crops import Crop, CropMaker, surrounding, told, varied
from deid_node_lab.training.holes import hole


def picture(seed: int, *, colour: bool = False) -> Background:
    shape = (90, 140, 3) if colour else (90, 140)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return Background(f"{seed}.png", "US" if colour else "CT", "CC0-1.0", pixels)


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (128, 128), (256, 256)])
def test_a_hole_leaves_more_than_it_takes(rows: int, columns: int) -> None:
    for seed in range(200):
        mask = hole(rows, columns, np.random.default_rng(seed))

        assert mask.shape == (rows, columns)
        assert 0 < mask.mean() <= 0.4


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_the_same_number_gives_the_same_crop(colour: bool) -> None:
    pictures = [picture(1, colour=colour), picture(2, colour=colour)]
    one, two = (CropMaker(pictures, side=64, seed=4) for _ in range(2))

    first, again, other = one.crop(7), two.crop(7), one.crop(8)

    assert np.array_equal(first.truth, again.truth)
    assert np.array_equal(first.hole, again.hole)
    assert not np.array_equal(first.truth, other.truth)
    assert first.truth.shape == (64, 64, 3)


def test_outside_of_the_hole_the_model_is_shown_the_truth() -> None:
    crop = CropMaker([picture(1)], side=64, seed=4).crop(3)

    assert np.array_equal(crop.around[~crop.hole], crop.truth[~crop.hole])
    assert not np.array_equal(crop.around[crop.hole], crop.truth[crop.hole])


def test_what_lies_in_the_hole_has_no_influence_on_what_the_model_is_shown() -> None:
    shown = picture(1).pixels[:64, :64]
    mask = hole(64, 64, np.random.default_rng(0))
    other = np.where(mask, 255 - shown, shown).astype(np.uint8)

    assert np.array_equal(surrounding(shown, mask), surrounding(other, mask))


def test_holes_are_cut_where_there_is_something_to_learn() -> None:
    half = np.zeros((300, 300), np.uint8)
    half[150:] = np.random.default_rng(0).integers(0, 256, (150, 300), dtype=np.uint8)
    maker = CropMaker([Background("a.png", "MR", "MIT", half)], side=64, seed=1)

    crops = [maker.crop(number) for number in range(60)]

    flat = sum(crop.truth[crop.hole].std() <= 3.0 for crop in crops)
    assert flat <= 10


def test_a_grey_picture_stays_grey_when_it_is_varied() -> None:
    for seed in range(20):
        piece = varied(picture(seed).pixels, np.random.default_rng(seed))

        assert piece.ndim == 2


def test_a_picture_smaller_than_the_crop_is_enlarged() -> None:
    small = Background("a.png", "PT", "MIT", picture(1).pixels[:40, :50])

    assert CropMaker([small], side=64, seed=1).crop(0).truth.shape == (64, 64, 3)


def test_the_prompt_is_dropped_as_often_as_asked() -> None:
    chance = np.random.default_rng(0)
    crop = Crop(*(np.zeros((1, 1), np.uint8),) * 3, "MR")  # type: ignore[arg-type]

    prompts = [told(crop, chance, neutral=0.25) for _ in range(2000)]

    assert set(prompts) == {"mr image", NEUTRAL}
    assert 400 < prompts.count(NEUTRAL) < 600
