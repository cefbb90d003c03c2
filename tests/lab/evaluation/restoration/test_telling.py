"""Networks that judge: they tell what can be told, and guess where there is nothing."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed here")

import torch

from deid_node_lab.evaluation.restoration import schooling
from deid_node_lab.evaluation.restoration.networks import PatchNet
from deid_node_lab.evaluation.restoration.realism import feature_distance, features_of
from deid_node_lab.evaluation.restoration.schooling import (
    Schooling,
    classifier_of,
    cut,
    structure_net_of,
    tensor_of,
)
from deid_node_lab.evaluation.restoration.telling import (
    TELLING_PIXELS,
    area_under_curve,
    told_apart,
)
from deid_node_lab.training.backgrounds import Background
from tests.builders.textures import rough_pixels


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def patches(count: int) -> list[np.ndarray]:
    return [
        rough_pixels(n)[:TELLING_PIXELS, :TELLING_PIXELS].astype(np.float32) for n in range(count)
    ]


def test_a_smooth_fill_is_told_from_texture_and_the_truth_is_not() -> None:
    untouched = patches(16)
    mask = np.zeros((TELLING_PIXELS, TELLING_PIXELS), np.bool_)
    mask[16:32] = True
    smooth = [np.where(mask, patch.mean(), patch).astype(np.float32) for patch in untouched]
    sources = [str(n) for n in range(16)]

    areas = [
        area_under_curve(*told_apart(untouched, fills, [mask] * 16, sources, seed=1, steps=steps).T)
        for fills, steps in ((smooth, 20), (untouched, 2))
    ]

    assert areas[0] > 0.9
    assert areas[1] == pytest.approx(0.5)


def test_a_box_is_scored_by_a_network_that_did_not_see_its_patient() -> None:
    untouched = patches(8)
    filled = [np.zeros_like(patch) for patch in untouched]
    mask = np.ones((TELLING_PIXELS, TELLING_PIXELS), np.bool_)

    alone = told_apart(untouched, filled, [mask] * 8, ["a"] * 8, seed=1, steps=2)
    shared = told_apart(untouched, filled, [mask] * 8, ["a", "b"] * 4, seed=1, steps=2)

    assert np.isnan(alone).all()
    assert np.isfinite(shared).all()


def backgrounds() -> list[Background]:
    dark = [Background(f"{n}", "CT", "-", rough_pixels(n) // 3, "a") for n in range(20)]
    bright = [Background(f"{n}", "US", "-", 170 + rough_pixels(n) // 3, "b") for n in range(20)]
    rare = [Background("r", "NM", "-", rough_pixels(1), "c")]
    return dark + bright + rare


def test_a_classifier_learns_the_modalities_of_which_there_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schooling, "_BATCH", 8)

    classifier = classifier_of(backgrounds(), Schooling(tmp_path, steps=60))

    unseen = (rough_pixels(99)[:96, :96] // 3).astype(np.float32)
    seen = tensor_of([unseen, 170 + unseen])
    with torch.no_grad():
        named = [classifier.classes[n] for n in classifier.net(seen).argmax(1)]
    assert classifier.classes == ("CT", "US")
    assert named == ["CT", "US"]


def test_what_was_learned_is_kept_and_taken_again(tmp_path: Path) -> None:
    told: list[str] = []
    lessons = Schooling(tmp_path, steps=2, tell=told.append)

    first, second = (structure_net_of(backgrounds(), lessons) for _ in range(2))

    assert len(told) == 1
    assert len(list(tmp_path.iterdir())) == 1
    for one, two in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, two)


def test_another_picture_is_another_training(tmp_path: Path) -> None:
    lessons = Schooling(tmp_path, steps=1)

    structure_net_of(backgrounds(), lessons)
    structure_net_of(backgrounds()[1:], lessons)

    assert len(list(tmp_path.iterdir())) == 2


def test_distance_of_features_is_nothing_for_the_same_and_something_for_others() -> None:
    torch.manual_seed(1)
    net = PatchNet(3, 2).eval()
    truth = rough_pixels(1)[:96, :96].astype(np.float32)
    mask = np.zeros((96, 96), np.bool_)
    mask[40:60, 20:80] = True
    fill = np.where(mask, 120, truth).astype(np.float32)

    assert feature_distance(net, truth, truth, mask) == pytest.approx(0)
    assert feature_distance(net, truth, fill, mask) > 0.001
    assert features_of(net, [truth, fill]).shape == (2, 64)


def test_a_square_beyond_the_edge_is_mirrored() -> None:
    ramp = np.arange(6.0)[None].repeat(6, 0)

    square = cut(ramp, 0, 0, 8)

    assert square.shape == (8, 8)
    assert square[4].tolist() == [4, 3, 2, 1, 0, 1, 2, 3]
