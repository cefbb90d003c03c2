"""Distances, areas and intervals against values that are known."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed here")

from deid_node_lab.evaluation.restoration.figures import (
    areas_told,
    gain_told,
    mean_told,
    ratio_told,
    summed,
)
from deid_node_lab.evaluation.restoration.realism import frechet_distance
from deid_node_lab.evaluation.restoration.structures import structures_of, two_thresholds
from deid_node_lab.evaluation.restoration.tasks import accuracy, dice, macro_f1
from deid_node_lab.evaluation.restoration.telling import area_under_curve

CHANCE = np.random.default_rng(8)


def test_frechet_distance_of_two_normal_distributions() -> None:
    # Means 0 and 3, deviations 1 and 2: 3 * 3 + (2 - 1) * (2 - 1).
    draws = CHANCE.normal(size=20_000)
    standard = (draws - draws.mean()) / draws.std(ddof=1)

    distance = frechet_distance(standard[:, None], 3 + 2 * standard[:, None])

    assert distance == pytest.approx(10.0)


def test_frechet_distance_of_correlated_features() -> None:
    features = CHANCE.normal(size=(500, 6)) @ CHANCE.normal(size=(6, 6))
    turn, _ = np.linalg.qr(CHANCE.normal(size=(6, 6)))

    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(features @ turn, (features + 1) @ turn) == pytest.approx(6)


def test_area_under_the_curve_counts_pairs_and_half_of_the_ties() -> None:
    negative, positive = np.array([0.1, 0.4, 0.4]), np.array([0.4, 0.8])

    # Of six pairs: above 1 + 3, tied 2.
    assert area_under_curve(negative, positive) == pytest.approx((4 + 2 / 2) / 6)
    assert area_under_curve(negative, negative) == pytest.approx(0.5)


def test_areas_are_told_beside_the_reference() -> None:
    sources = [str(n // 2) for n in range(40)]
    guess = CHANCE.normal(size=(40, 2))
    sure = np.stack([np.zeros(40), np.ones(40)], axis=1)

    (_, above), (area, nothing) = areas_told([guess, sure], sure, sources)

    assert area == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert nothing["value"] == 0.0
    assert above["high"] is not None
    assert above["high"] < 0


def test_holes_of_one_patient_are_drawn_together() -> None:
    counts = np.array([[1.0, 1.0], [2.0, 1.0], [5.0, 1.0]])

    assert summed(counts, ["b", "a", "b"]).tolist() == [[2.0, 1.0], [6.0, 2.0]]


def test_means_and_ratios_leave_out_what_was_not_measured() -> None:
    values = np.array([1.0, np.nan, 3.0])

    assert mean_told(values, ["a", "b", "c"])["value"] == 2.0
    assert ratio_told(values, np.array([2.0, 2.0, 2.0]), ["a", "b", "c"])["value"] == 1.0
    assert mean_told(np.array([np.nan]), ["a"])["value"] is None


def test_gain_is_the_ratio_of_mean_errors_in_decibels() -> None:
    gain = gain_told(np.array([1.0, 3.0]), np.array([10.0, 30.0]), ["a", "b"])

    assert gain["value"] == pytest.approx(10.0)


def test_macro_f1_and_accuracy_from_a_confusion() -> None:
    # Class 0: 3 right, 1 called 1. Class 1: 2 right, 2 called 0. Class 2 does not occur.
    confusion = np.array([[3, 1, 0], [2, 2, 0], [0, 0, 0]], np.float64).ravel()

    f1 = macro_f1(confusion, 3)

    assert f1 == pytest.approx((6 / 9 + 4 / 7) / 2)
    assert accuracy(confusion, 3) == pytest.approx(5 / 8)


def test_dice_is_the_mean_over_structures_that_occur() -> None:
    sums = np.array([3.0, 0.0, 1.0, 8.0, 0.0, 4.0])

    assert dice(sums) == pytest.approx((6 / 8 + 2 / 4) / 2)


def test_three_levels_are_three_structures() -> None:
    picture = np.repeat(np.array([20, 110, 230], np.float32), 30)[None].repeat(40, 0)

    structures = structures_of(picture)

    assert set(structures[:, :20].flat) == {0}
    assert set(structures[:, 40:50].flat) == {1}
    assert set(structures[:, 70:].flat) == {2}


def test_an_even_patch_has_one_structure() -> None:
    low, high = two_thresholds(np.full((8, 8), 5, np.float32))

    assert low == high == 5.0
    assert not structures_of(np.full((8, 8), 5, np.float32)).any()
