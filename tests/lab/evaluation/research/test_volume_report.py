"""What is measured where a library is missing, and where there is little to learn from."""

from pathlib import Path

import pytest

pytest.importorskip("SimpleITK", reason="the research extra is not installed")
pytest.importorskip("skimage", reason="the research extra is not installed")

from deid_node_lab.evaluation.research.goals import research_goals
from deid_node_lab.evaluation.research.tables import research_tables
from deid_node_lab.evaluation.restoration import volume_report
from deid_node_lab.evaluation.restoration.schooling import Schooling
from deid_node_lab.evaluation.restoration.stacks import LAYOUTS
from deid_node_lab.evaluation.restoration.volume_report import (
    RESEARCHED,
    missing_for_research,
    volume_reports,
)
from tests.lab.evaluation.research.volumes import mr


def silent(_line: str) -> None:
    pass


def test_without_its_libraries_research_is_left_out_and_it_is_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_report, "_LIBRARIES", ("SimpleITK", "a_library_that_is_not_there"))

    stacks, research = volume_reports([mr()], {}, None, Schooling(tmp_path), seed=1, tell=silent)

    assert set(stacks["layouts"]) == set(LAYOUTS)
    assert research == {"layouts": {}}
    assert missing_for_research() == (
        "the tasks on volumes: a_library_that_is_not_there is not installed "
        "(deid-node-lab[research])"
    )


def test_what_no_network_has_learned_is_not_judged(tmp_path: Path) -> None:
    _, research = volume_reports([mr()], {}, None, Schooling(tmp_path), seed=1, tell=silent)

    report = {"research": research}
    assert set(research["layouts"]) == RESEARCHED
    for tasks in research["layouts"].values():
        assert tasks["outlines"]["arms"] == tasks["names"]["arms"] == {}
        assert tasks["registration"]["volumes"] == 1
    assert "Outlining two anatomies: 0 volumes" in "\n".join(research_tables(report, "###"))
    verdicts = {goal.asked: goal.verdict for goal in research_goals(report)}
    assert any(verdict == "not measured" for verdict in verdicts.values())


def test_without_volumes_nothing_is_learned(tmp_path: Path) -> None:
    stacks, research = volume_reports([], {}, None, Schooling(tmp_path), seed=1, tell=silent)

    assert (stacks["volumes"], stacks["layouts"], research) == (0, {}, {"layouts": {}})
