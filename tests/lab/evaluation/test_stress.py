"""The shipped finder does not fall below the figures that are kept for it.

The first pictures of each level are drawn again, which takes seconds; the whole set
is a benchmark (``python -m tests.bench stress``). New weights keep new figures with
``python -m tests.bench.stress``.
"""

import json
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node_lab.evaluation.nuisances import Level, levels
from deid_node_lab.evaluation.stress import FIRST, Stress, measured
from deid_node_lab.evaluation.stress_table import change, stress_table
from tests.bench.stress import KEPT, stress_set

SLACK = 1
"""Other processors and libraries round and draw otherwise: a line in nine may differ."""


@pytest.fixture(scope="module")
def finder() -> Finder:
    return build_finder(CrnnOptions(device="cpu"))


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(KEPT.read_text())
    return figures


@pytest.fixture(scope="module")
def stress() -> Stress:
    return stress_set()


def test_every_level_has_figures_that_are_kept(kept: dict[str, Any]) -> None:
    names = {(level.nuisance, level.name) for level in levels()}
    told = {(nuisance, name) for nuisance, one in kept["nuisances"].items() for name in one}

    assert told == names


@pytest.mark.parametrize(
    "level",
    [level for level in levels() if max(level.setting.size) < 4000],
    ids=lambda level: f"{level.nuisance}, {level.name}",
)
def test_no_nuisance_hides_more_than_it_did(
    level: Level, finder: Finder, stress: Stress, kept: dict[str, Any]
) -> None:
    why = stress.lacks(level)
    if why is not None:
        pytest.skip(f"needs {why}")
    large = max(level.setting.size) > 1024

    told = measured(finder, stress, [level], images=1 if large else FIRST)

    asked, found = told[level.nuisance][level.name]["first"]
    before_asked, before_found = kept["nuisances"][level.nuisance][level.name]["first"]
    if level.setting.negative is not None:
        assert found <= before_found + SLACK
    elif large:
        assert found / asked >= before_found / before_asked - 0.15
    else:
        assert found >= before_found - SLACK
    assert asked > 0


def test_a_table_says_which_level_fell() -> None:
    kept = {"nuisances": {"height": {"6 px": {"asked": 10, "found": 10}}, "no text": {}}}
    now = {"nuisances": {"height": {"6 px": {"asked": 10, "found": 8}}}}

    assert "| 8 / 10 (0.800) | 10 / 10 (1.000) | worse |" in stress_table(now, kept)
    assert change({"asked": 9, "touched": 3}, {"asked": 9, "touched": 5}) == "better"
