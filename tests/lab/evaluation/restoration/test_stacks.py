"""Volumes are put together from their slices, and fills on them measured."""

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deid_node.values.geometry import Box
from deid_node_lab.evaluation.restoration.arms import BLACK, TELEA
from deid_node_lab.evaluation.restoration.goals import goals_of
from deid_node_lab.evaluation.restoration.stack_arms import (
    ALONE,
    DRAWN,
    TOGETHER,
    Stack,
    StackArms,
    line_on,
)
from deid_node_lab.evaluation.restoration.stacks import (
    EVERY,
    LAYOUTS,
    layouts_on,
    stack_figures,
    told_of,
)
from deid_node_lab.evaluation.restoration.tables import _stacks
from deid_node_lab.evaluation.restoration.volumes import (
    LEAST_SLICES,
    Volume,
    sources_in_turn,
    volumes_in,
)
from tests.builders.inpainter import painter_of, tiny_model

_COLUMNS = ("path", "source_repo", "source_path", "licence", "modality", "text", "note")
ROWS, COLUMNS = 96, 120


def slices(count: int, *, seed: int = 6, turn: float = 0.2) -> np.ndarray:
    draw = np.random.default_rng(seed)
    fields = draw.standard_normal((2, ROWS, COLUMNS)).astype(np.float32)
    one, other = (field / field.std() for field in (cv2.GaussianBlur(f, (0, 0), 4) for f in fields))
    angles = turn * np.arange(count)[:, None, None]
    moved = 128 + 40 * (np.cos(angle_of(angles)) * one + np.sin(angle_of(angles)) * other)
    noisy = np.rint(moved + draw.normal(0, 2, moved.shape))
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def angle_of(angles: np.ndarray) -> np.ndarray:
    return np.broadcast_to(angles, (len(angles), ROWS, COLUMNS))


def volume(*, seed: int = 6, source: str = "made/here|a") -> Volume:
    return Volume(source, "MR", slices(LEAST_SLICES, seed=seed))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "train2"
    (folder / "mr").mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(_COLUMNS)
        for name, count, licence in (
            ("whole", 9, "no licence file"),
            ("short", 5, "GPL"),
            ("own", 9, "MIT"),
        ):
            # Names do not tell the order, numbers do: they come as 10, 9, ... here.
            for number, one in enumerate(slices(count)):
                path = f"mr/{name}_{99 - number}.png"
                cv2.imwrite(str(folder / path), one)
                note = f"kind=nii t=0 axis=0 index={2 * number} flip=1 window=p1-99.5(0,9)"
                writer.writerow((path, "made/here", f"{name}.nii", licence, "MR", "", note))
    return tmp_path


def test_slices_of_one_file_are_a_volume_in_the_order_of_their_numbers(data: Path) -> None:
    (found,) = volumes_in(data, ("excluded",))

    assert np.array_equal(found.slices, slices(9))
    assert found.modality == "MR"


def test_pictures_that_differ_from_one_to_the_next_are_no_volume(data: Path) -> None:
    draw = np.random.default_rng(1)
    for file in (data / "train2" / "mr").iterdir():
        cv2.imwrite(str(file), draw.integers(0, 255, (ROWS, COLUMNS), dtype=np.uint8))

    assert volumes_in(data, ("excluded",)) == ()


@pytest.mark.parametrize("arm", StackArms(None).names)
def test_an_arm_changes_nothing_beside_the_line(arm: str) -> None:
    whole = volume()
    stack = Stack(whole, Box(30, 40, 80, 52), (1, 4))

    made = StackArms(None).filled(stack, arm)

    changed = made != whole.slices
    assert set(np.flatnonzero(changed.any(axis=(1, 2)))) == {1, 4}
    changed[[1, 4], 40:52, 30:80] = False
    assert not changed.any()


def test_the_line_lies_on_the_slices_and_the_same_each_time() -> None:
    whole = volume()

    box = line_on(whole, seed=1)

    assert box == line_on(whole, seed=1)
    assert box.right < COLUMNS
    assert box.bottom < ROWS


def measured(volumes: list[Volume], arms: StackArms | None = None) -> dict[str, Any]:
    laid = layouts_on(volumes, arms or StackArms(None), seed=1, tell=_silent)
    layouts = {one.layout: stack_figures(one) for one in laid}
    return told_of(volumes) | {"layouts": layouts}


def test_neighbours_are_nearer_than_a_fill_alone_and_jump_less() -> None:
    report = measured([volume(), volume(seed=7, source="made/here|b")])

    other = report["layouts"]["every other slice"]
    assert other[TELEA]["gain"]["value"] == 0
    assert other[TOGETHER]["mse"] < other[ALONE]["mse"] < other[BLACK]["mse"]
    assert other[TOGETHER]["flicker"]["value"] < other[ALONE]["flicker"]["value"]
    assert set(report["layouts"]) == set(LAYOUTS)
    assert (report["volumes"], report["sources"], report["by_modality"]) == (2, 2, {"MR": 2})


def test_a_model_draws_where_text_stands_on_every_slice_and_there_only(tmp_path: Path) -> None:
    pytest.importorskip("diffusers", reason="diffusers is not installed here")
    arms = StackArms(painter_of(tiny_model(tmp_path)))

    layouts = measured([volume()], arms)["layouts"]

    assert {name for name, figures in layouts.items() if DRAWN in figures} == {EVERY}
    assert layouts[EVERY][DRAWN]["mse"] != layouts[EVERY][TOGETHER]["mse"]


def test_goals_and_tables_tell_of_volumes_where_there_are_any() -> None:
    empty = {"arms": [], "realism": {"arms": {}}, "tasks": {}, "legibility": {"arms": {}}}
    some = empty | {"stacks": measured([volume()])}

    asked = [goal.asked for goal in goals_of(some, []) if "flicker" in goal.asked]
    said = "\n".join(_stacks(some, "###"))

    assert len(asked) == len(LAYOUTS)
    assert "1 volumes of 1 patients or sources: MR 1" in said
    assert said.count("auto, neighbours") == len(LAYOUTS)
    assert list(_stacks(empty, "###")) == []
    assert measured([])["layouts"] == {}


def test_sources_take_turns_and_keep_their_order() -> None:
    named = [volume(source=name) for name in ("a", "a", "b", "b", "c")]

    chosen = sources_in_turn(named, 4)

    assert [named.index(one) for one in chosen] == [0, 1, 2, 4]


def _silent(_line: str) -> None:
    pass
