"""Which arms run here, and that those with a model keep to the mask."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed here")
pytest.importorskip("diffusers", reason="diffusers is not installed here")
pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node.errors import ConfigurationError
from deid_node.pixels.fill import build as family
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node_lab.evaluation.restoration import build
from deid_node_lab.evaluation.restoration.arms import AUTO, BEST, MODALITY, NEUTRAL, TELEA
from deid_node_lab.evaluation.restoration.build import arms_by_steps, build_arms, prompt_for
from deid_node_lab.evaluation.restoration.holes import Hole, holes_on
from deid_node_lab.evaluation.restoration.measure import curve_report
from tests.builders.inpainter import tiny_model
from tests.builders.textures import rough_picture


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> StableDiffusionOptions:
    folder = tiny_model(tmp_path_factory.mktemp("model"))
    return StableDiffusionOptions(weights_dir=folder, steps=1, device="cpu")


@pytest.fixture
def hole() -> Hole:
    return next(holes_on([rough_picture(3)], (), seed=1))


def test_without_a_model_its_arms_are_left_out_and_it_is_said_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (build, family):
        monkeypatch.setattr(module, "no_model", lambda: "no model ships")

    arms, left_out = build_arms(StableDiffusionOptions())

    assert {TELEA, AUTO} < {arm.name for arm in arms}
    assert not {NEUTRAL, MODALITY, BEST} & {arm.name for arm in arms}
    assert left_out == ("the arms of diffusion: no model ships",)
    assert arms_by_steps(StableDiffusionOptions(), (1, 2)) == ()


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        build_arms(StableDiffusionOptions(weights_dir=tmp_path))


@pytest.mark.parametrize("name", [NEUTRAL, MODALITY, BEST])
def test_arms_of_a_model_fill_the_mask_and_nothing_else(
    options: StableDiffusionOptions, hole: Hole, name: str
) -> None:
    arms, left_out = build_arms(options)

    (attempt,) = next(arm for arm in arms if arm.name == name).fill([hole])

    view = hole.view.slices
    mask = hole.mask[view]
    assert left_out == ()
    assert not attempt.strayed
    assert np.array_equal(attempt.values[~mask], hole.picture.values[view][~mask])
    assert not np.array_equal(attempt.values[mask], hole.written[view][mask])


def test_the_prompt_names_the_modality(hole: Hole) -> None:
    assert prompt_for(hole) == "mr image"


def test_the_curve_has_a_line_for_each_number_of_steps(
    options: StableDiffusionOptions, hole: Hole
) -> None:
    told: list[str] = []

    rows = curve_report([hole], arms_by_steps(options, (1, 2)), told.append)

    assert [row["steps"] for row in rows] == [1, 2]
    assert all(row["mse"]["value"] > 0 for row in rows)
    assert len(told) == 2
