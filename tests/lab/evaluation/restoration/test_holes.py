"""Text on pictures made by code, and what each arm does under its mask."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed here")
pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node_lab.evaluation.restoration.arms import Arm, BlackBox, NavierStokes, NodeArm, Original
from deid_node_lab.evaluation.restoration.holes import ANATOMY, FLAT, Hole, holes_on
from deid_node_lab.evaluation.restoration.pictures import Picture
from tests.builders.textures import flat_picture, rough_picture

ARMS = [Original(), BlackBox(), NavierStokes(), NodeArm("Telea", TeleaInpainter())]


def one_hole(picture: Picture) -> Hole:
    return next(holes_on([picture], (), seed=3))


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_text_stands_under_the_mask_and_nowhere_else(colour: bool) -> None:
    hole = one_hole(rough_picture(1, colour=colour))

    changed = hole.written != hole.picture.values
    changed = changed.any(axis=2) if colour else changed

    assert changed.any()
    assert hole.mask[changed].all()


def test_the_same_seed_gives_the_same_holes() -> None:
    pictures = [rough_picture(n) for n in range(3)]

    first, second = (list(holes_on(pictures, (), seed=5)) for _ in range(2))

    assert [hole.boxes for hole in first] == [hole.boxes for hole in second]
    assert all(np.array_equal(a.written, b.written) for a, b in zip(first, second, strict=True))


def test_ground_is_told_by_what_surrounds_the_hole() -> None:
    assert one_hole(flat_picture()).background == FLAT
    assert one_hole(rough_picture(2)).background == ANATOMY


def test_an_inpainter_does_not_get_the_text() -> None:
    hole = one_hole(flat_picture())

    crop = hole.crop(24)

    assert np.unique(crop.stored).tolist() == np.unique(hole.picture.values).tolist()


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "12 bits"])
def test_arms_change_what_is_masked_and_nothing_else(arm: Arm, deep: bool) -> None:
    hole = one_hole(rough_picture(4, deep=deep))

    (attempt,) = arm.fill([hole])

    view = hole.view.slices
    mask, truth = hole.mask[view], hole.picture.values[view]
    assert not attempt.strayed
    assert attempt.values.dtype == truth.dtype
    assert np.array_equal(attempt.values[~mask], truth[~mask])
    if isinstance(arm, Original):
        assert np.array_equal(attempt.values, truth)
    else:
        assert not np.array_equal(attempt.values, hole.written[view])


def test_a_black_box_is_black_in_hounsfield_units_too() -> None:
    hole = one_hole(rough_picture(4, deep=True))

    (attempt,) = BlackBox().fill([hole])

    assert set(attempt.values[hole.mask[hole.view.slices]].flat) == {round(hole.picture.low)}


def test_pixels_beside_the_mask_that_move_are_told() -> None:
    class Careless(TeleaInpainter):
        def fill(self, crops):  # type: ignore[no-untyped-def]
            filled = super().fill(crops)
            for one in filled:
                one.values[0, 0] += 1
            return filled

    hole = one_hole(rough_picture(6))

    (attempt,) = NodeArm("careless", Careless()).fill([hole])

    assert attempt.strayed
