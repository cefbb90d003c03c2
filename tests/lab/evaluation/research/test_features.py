"""Features know their region only, and agree where nothing was changed."""

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the research extra is not installed")
pytest.importorskip("torch", reason="torch is not installed here")

from deid_node_lab.evaluation.research.agreement import FIRST_ORDER, TEXTURE, standardised
from deid_node_lab.evaluation.research.features import features_of

NAMES = (*FIRST_ORDER, *(f"texture, {name}" for name in TEXTURE))


def block(values: np.ndarray) -> dict[str, float]:
    slices = values.astype(np.uint8)[None]
    return dict(zip(NAMES, features_of(slices, np.ones(slices.shape, np.bool_)), strict=True))


def test_features_of_a_board_are_what_a_hand_gives() -> None:
    board = np.indices((8, 8)).sum(axis=0) % 2 * 80 + 40

    told = block(board)

    assert told["mean"] == told["median"] == 80
    assert (told["deviation"], told["skewness"], told["kurtosis"]) == (40, 0, 1)
    assert (told["10th percentile"], told["90th percentile"]) == (40, 120)
    assert told["entropy"] == 1
    # Ten bins apart across an edge, alike along both diagonals: 112 pairs of each, then 98.
    assert told["texture, contrast"] == pytest.approx(100 * 112 / 210)
    assert told["texture, dissimilarity"] == pytest.approx(10 * 112 / 210)
    assert told["texture, entropy"] == pytest.approx(
        -sum(p * np.log2(p) for p in (56 / 210, 56 / 210, 49 / 210, 49 / 210))
    )


def test_what_lies_beside_the_region_changes_no_feature() -> None:
    chance = np.random.default_rng(1)
    slices = chance.integers(0, 255, (3, 20, 20)).astype(np.uint8)
    region = np.zeros(slices.shape, np.bool_)
    region[:, 5:15, 5:15] = True
    other = np.where(region, slices, 0).astype(np.uint8)

    assert np.array_equal(features_of(slices, region), features_of(other, region))


def test_a_region_of_a_few_voxels_has_no_features() -> None:
    region = np.zeros((1, 9, 9), np.bool_)
    region[0, 0, :5] = True

    assert np.isnan(features_of(np.zeros((1, 9, 9), np.uint8), region)).all()


def test_features_that_stay_agree_and_those_that_move_do_not() -> None:
    before = np.random.default_rng(2).normal(5, 3, (12, 2))
    after = before.copy()
    after[:, 1] += 3 * before[:, 1].std()
    sources = [f"source {n}" for n in range(12)]

    same = standardised(before, before, ["CT"] * 12)
    moved = standardised(before, after, ["CT"] * 12)

    assert same.agreement(sources)["value"] == 1
    assert (same.steady, moved.steady, moved.count) == (2, 1, 2)
    assert moved.distance == pytest.approx(np.full(12, 1.5))
    # Lin's coefficient of a shift by three deviations: 2 / (2 + 9), beside one of 1.
    assert moved.agreement(sources)["value"] == pytest.approx((1 + 2 / 11) / 2, abs=1e-5)


def test_volumes_are_measured_by_what_their_own_kind_differs_by() -> None:
    before = np.array([[0.0], [2.0], [100.0], [300.0]])
    after = before + np.array([[1.0], [1.0], [100.0], [100.0]])

    told = standardised(before, after, ["CT", "CT", "MR", "MR"])

    assert told.distance.tolist() == [1, 1, 1, 1]
