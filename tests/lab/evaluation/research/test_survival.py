"""All tasks on volumes made by code: nothing is lost where nothing changed, and a box shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="the research extra is not installed")
pytest.importorskip("skimage", reason="the research extra is not installed")
pytest.importorskip("torch", reason="torch is not installed here")

from deid_node.values.geometry import Box
from deid_node_lab.evaluation.research.agreement import GROUPS, UNDER, WHOLE
from deid_node_lab.evaluation.research.anatomies import labels_of
from deid_node_lab.evaluation.research.goals import research_goals
from deid_node_lab.evaluation.research.naming import certainties, namer_of
from deid_node_lab.evaluation.research.outlining import (
    OutlineJudge,
    anatomy_names,
    dice,
    outliners_of,
)
from deid_node_lab.evaluation.research.survival import Judges, judges_of, survival
from deid_node_lab.evaluation.research.tables import research_tables
from deid_node_lab.evaluation.restoration.arms import BLACK, ORIGINAL
from deid_node_lab.evaluation.restoration.schooling import Schooling
from deid_node_lab.evaluation.restoration.stack_arms import TOGETHER, Stack, StackArms
from deid_node_lab.evaluation.restoration.stacks import Laid
from deid_node_lab.evaluation.restoration.volumes import Volume
from deid_node_lab.training.backgrounds import Background
from tests.lab.evaluation.research.volumes import COUNT, ct, mr

# What the judges learn serves all of them.
pytestmark = pytest.mark.xdist_group("survival")

LINE = (45, 64, 75, 74)  # on what is lean in a CT and darker in an MR


def silent(_line: str) -> None:
    pass


def other(volume: Volume, factor: float, noise: float) -> Volume:
    """Return a volume of another patient: what they differ by is what changes are held against."""
    drawn = np.random.default_rng(7).normal(0, noise, volume.slices.shape)
    levels = np.clip(volume.slices * factor + drawn, 0, 255).astype(np.uint8)
    return Volume(volume.source, volume.modality, levels, volume.anatomy, volume.ends)


@pytest.fixture(scope="module")
def volumes() -> list[Volume]:
    patients = ((0.85, 2.0), (0.95, 9.0), (1.0, 16.0))
    return [
        other(make(seed=n, source=f"made|{make.__name__} {n}"), factor, noise)
        for make in (ct, mr)
        for n, (factor, noise) in enumerate(patients)
    ]


def pictures(volumes: list[Volume]) -> list[Background]:
    """Return slices as pictures whose names say what they show: limbs, and heads beside them."""
    shown = [one for volume in volumes for one in volume.slices]
    return [
        Background(f"{name}_{n}.png", "MR", "-", pixels if name == "mr/sts" else pixels[::-1, ::-1])
        for name in ("mr/sts", "mr/vsseg")
        for n, pixels in enumerate(shown)
    ]


@pytest.fixture(scope="module")
def judges(volumes: list[Volume], tmp_path_factory: pytest.TempPathFactory) -> Judges:
    schooling = Schooling(tmp_path_factory.mktemp("networks"), steps=3)
    return judges_of(volumes, pictures(volumes), schooling)


@pytest.fixture(scope="module")
def report(volumes: list[Volume], judges: Judges) -> dict[str, Any]:
    stacks = tuple(Stack(one, Box(*LINE), tuple(range(COUNT))) for one in volumes)
    arms = StackArms(None)
    fills = {arm: [arms.filled(one, arm) for one in stacks] for arm in arms.names}
    return survival(Laid("every slice", stacks, fills), judges, seed=1, tell=silent)


@pytest.mark.parametrize("task", ["outlines", "names", "features", "registration"])
def test_every_task_is_measured_for_every_arm(report: dict[str, Any], task: str) -> None:
    assert set(report[task]["arms"]) == {ORIGINAL, *StackArms(None).names}
    assert (report[task]["volumes"], report[task]["sources"]) == (6, 6)


def test_the_original_loses_nothing(report: dict[str, Any]) -> None:
    outlines, names = report["outlines"]["arms"][ORIGINAL], report["names"]["arms"][ORIGINAL]

    assert outlines["change"]["value"] == outlines["beside"]["change"]["value"] == 0
    assert names["renamed"]["value"] == names["certainty_lost"]["value"] == 0
    assert report["registration"]["arms"][ORIGINAL]["change"]["value"] == 0
    for place in (WHOLE, UNDER):
        for group in GROUPS:
            own = report["features"]["arms"][ORIGINAL][place][group]
            assert own["change"]["value"] == 0
            assert own["agreement"]["value"] == 1
            assert own["steady"] == own["features"]


def test_a_black_box_moves_features_further_than_a_fill(report: dict[str, Any]) -> None:
    arms = report["features"]["arms"]

    for group in GROUPS:
        black, ours = arms[BLACK][UNDER][group], arms[TOGETHER][UNDER][group]
        assert ours["change"]["value"] < black["change"]["value"]
        assert ours["above_black"]["value"] < 0


def test_goals_and_tables_tell_of_research_where_it_was_measured(report: dict[str, Any]) -> None:
    whole = {"research": {"layouts": {"every slice": report}}}

    asked = [goal.asked for goal in research_goals(whole)]
    said = "\n".join(research_tables(whole, "###"))

    assert len(asked) == 7
    assert all(one.startswith("research, text on every slice:") for one in asked)
    assert said.startswith("### Does research survive?")
    assert all(name in said for name in anatomy_names())
    # Six rows in each of three tables, twice as many for the features.
    assert said.count("| every slice | ") == 5 * len(report["outlines"]["arms"])
    assert list(research_goals({})) == []
    assert list(research_tables({}, "###")) == []


def test_an_outline_is_learned_and_lost_under_a_black_box(tmp_path: Path) -> None:
    taught = [mr(seed=n, source=f"made|{n}") for n in range(2)]
    judge = OutlineJudge(outliners_of(taught, Schooling(tmp_path, steps=40)))
    stack = Stack(mr(seed=9), Box(*LINE), tuple(range(COUNT)))
    score = overlap_of(judge, stack)

    assert judge.judges(stack.volume)
    assert not judge.judges(ct())
    assert score(stack.volume.slices) > 0.7
    assert score(StackArms(None).filled(stack, BLACK)) < score(stack.volume.slices) - 0.3


def overlap_of(judge: OutlineJudge, stack: Stack) -> Callable[[np.ndarray], float]:
    labels = labels_of(stack.volume)
    assert labels is not None
    return lambda made: float(dice(judge.counted(stack, made, labels).inside))


def test_a_part_of_the_body_is_named_by_whole_slices(volumes: list[Volume], tmp_path: Path) -> None:
    namer = namer_of(pictures(volumes), Schooling(tmp_path, steps=2))

    assert namer is not None
    assert namer.parts == ("head and neck", "limb")
    assert certainties(namer, volumes[0].slices).sum(axis=1) == pytest.approx(np.ones(COUNT))
    assert namer_of(pictures(volumes)[: COUNT * 6], Schooling(tmp_path, steps=2)) is None
