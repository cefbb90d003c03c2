"""The whole command on a folder made here: report, tables, misuse."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import pytest

pytest.importorskip("torch", reason="torch is not installed here")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
pytest.importorskip("PIL", reason="the train extra is not installed")

import torch

from deid_node import cli
from deid_node.cli.status import ExitStatus
from deid_node_lab.evaluation.restoration import run as whole
from deid_node_lab.evaluation.restoration.goals import goals_of
from deid_node_lab.evaluation.restoration.tables import as_csv, page
from tests.builders.textures import rough_pixels

# One evaluation, for all of them.
pytestmark = pytest.mark.xdist_group("restoration")

_COLUMNS = ("path", "source_repo", "source_path", "licence", "modality", "text", "note")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the shared one: pictures of two modalities, some held out by their names."""
    folder = tmp_path_factory.mktemp("data") / "train"
    folder.mkdir()
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, _COLUMNS)
        writer.writeheader()
        for modality, grain in (("CR", 4.0), ("SM", 50.0)):
            for kind in ("train", "validation"):
                for number in range(20 if kind == "train" else 5):
                    name = f"{modality}_{kind}_{number}.png"
                    cv2.imwrite(str(folder / name), rough_pixels(number, grain=grain))
                    source = _named(f"{modality}/{number}", held_out=kind == "validation")
                    writer.writerow(dict(zip(_COLUMNS, (
                        name, "made/here", source, "CC0", modality, "", ""
                    ), strict=True)))  # fmt: skip
    return folder.parent


def _named(stem: str, *, held_out: bool) -> str:
    """Return a source path that falls into the wanted part."""
    for number in range(1000):
        path = f"{stem}-{number}"
        first = hashlib.sha256(f"made/here|{path}".encode()).digest()[0]
        if (first < 256 * 0.08) is held_out:
            return path
    raise AssertionError(stem)


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("out")
    patch = pytest.MonkeyPatch()
    patch.setattr(whole.Extent, "__init__", _small(whole.Extent.__init__))
    try:
        status = evaluate("--data", data, "--out", folder, "--limit", 10, "--pairs", 2)
    finally:
        patch.undo()
    assert status == ExitStatus.DONE
    return folder


def _small(initial: Any) -> Any:
    def short(self: whole.Extent, **told: Any) -> None:
        initial(self, **(told | {"learning_steps": 3, "telling_steps": 2, "curve_holes": 1}))

    return short


def evaluate(*arguments: object) -> int:
    return cli.main(["evaluate", "restoration", *map(str, arguments)])


def test_every_arm_is_measured_and_written(out: Path) -> None:
    report = json.loads((out / "restoration.json").read_text())

    names = [arm["name"] for arm in report["arms"]]
    chosen = ("original", "black box", "Telea")
    original, black, telea = (report["arms"][names.index(name)]["by"]["all"] for name in chosen)
    assert original["mse"]["value"] == 0
    assert original["ssim"]["value"] == 1
    assert black["mse"]["value"] > telea["mse"]["value"] > 0
    assert telea["gain"]["value"] == 0
    assert telea["ring_mse"]["value"] == 0
    assert set(report["realism"]["arms"]) == set(names) - {"original"}
    assert report["tasks"]["structures"]["arms"]["original"]["change"]["value"] == 0
    assert report["legibility"]["arms"]["Telea"]["pairs"] == 2


def test_tables_csv_and_picture_stand_beside_the_report(out: Path) -> None:
    report = json.loads((out / "restoration.json").read_text())

    assert (out / "restoration.md").read_text() == page(report)
    assert (out / "restoration.csv").read_text() == as_csv(report)
    assert (out / "steps.csv").read_text().startswith("steps,seconds,psnr")
    sheet = cv2.imread(str(out / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[1] > sheet.shape[0] > 200
    rows = list(csv.DictReader((out / "restoration.csv").read_text().splitlines()))
    assert {row["arm"] for row in rows} == {arm["name"] for arm in report["arms"]}


def test_the_goals_of_an_arm_that_did_not_run_are_not_measured(out: Path) -> None:
    report = json.loads((out / "restoration.json").read_text())

    verdicts = {goal.asked: goal.verdict for goal in goals_of(report, ["none"])}

    assert set(verdicts.values()) <= {"not measured", "pass", "fail"}
    assert verdicts["pixels beside the mask untouched"] == "not measured"


def test_the_goals_judge_the_figures(out: Path) -> None:
    report = json.loads((out / "restoration.json").read_text())

    verdicts = {goal.asked: goal.verdict for goal in goals_of(report, ["Telea"])}

    assert verdicts["not more than 0.3 dB below Telea in the mask"] == "pass"
    assert verdicts["Frechet distance at most 0.35 of Telea's"] == "fail"
    assert verdicts["pixels beside the mask untouched"] == "pass"
    assert verdicts["its text read no better than chance, by every reader"] == "pass"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--data DATA/none --out OUT", "is no folder"),
        ("--data DATA --out OUT --limit 0", "--limit takes"),
        ("--data DATA --out OUT --steps 0", "--steps takes"),
        ("--data DATA --out OUT --volumes 0", "--volumes takes"),
        ("--data OUT --out OUT", "manifest.csv"),
        ("--data DATA --out OUT/taken", "cannot be written"),
        ("--data DATA --out OUT --fonts OUT/none", "is no folder"),
    ],
)
def test_misuse_ends_in_one_line_and_status_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    words = arguments.replace("DATA", str(data)).replace("OUT", str(tmp_path)).split()

    status = evaluate(*words)

    err = capsys.readouterr().err
    assert status == ExitStatus.MISUSE
    assert said in err.splitlines()[-1]
