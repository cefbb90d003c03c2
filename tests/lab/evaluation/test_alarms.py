"""Text-free instances go through the real cleaner, and what it does to them is told."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset

pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node import cli
from deid_node.cli.status import ExitStatus
from deid_node.errors import TimeLimit
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.find.base import Finder
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.alarm_sheets import AlarmSheets
from deid_node_lab.evaluation.alarm_tables import alarm_page, compared
from deid_node_lab.evaluation.alarms import Alarm, sounded
from deid_node_lab.evaluation.anatomy import of_instance, of_picture
from deid_node_lab.evaluation.arms import OwnArm
from deid_node_lab.evaluation.cases import dataset_of
from deid_node_lab.evaluation.made_objects import (
    deep_instance,
    made_objects,
    mosaic_of,
    segmentation,
)
from deid_node_lab.evaluation.text_free import Specimen, held_out, specimens
from tests.fakes.finder import finds_always, finds_ink, finds_nothing

SPOT = Box(10, 10, 30, 20)


def specimen(dataset: Dataset, *, source: str = "a", kind: str = "slice") -> Specimen:
    return Specimen("files", f"{source}.dcm", source, "CT", "head", kind, dataset)


def spotted() -> Dataset:
    picture = np.full((64, 96), 40, np.uint8)
    picture[SPOT.top : SPOT.bottom : 2, SPOT.left : SPOT.right] = 200
    return dataset_of(picture)


class Kept:
    """Keeps the alarms."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    def add(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)


def told(finder: Finder, *found: Specimen, shows: Kept | None = None) -> dict[str, object]:
    cleaner = PixelCleaner(finder, SolidInpainter())
    report = sounded(found, cleaner, OwnArm(finder, cleaner).find, shows=shows)
    everything = report["all"]
    assert isinstance(everything, dict)
    return everything


def test_what_leaves_with_its_own_pixels_is_unharmed() -> None:
    kept = Kept()

    report = told(finds_nothing(), specimen(spotted()), shows=kept)

    assert (report["instances"], report["touched"], report["withheld"]) == (1, 0, {})
    assert report["harmed"]["value"] == report["filled_area"]["value"] == 0  # type: ignore[index]
    assert not kept.alarms


def test_what_is_filled_is_touched_and_its_area_is_told() -> None:
    kept = Kept()
    finder = finds_ink(SPOT)

    report = told(finder, specimen(spotted()), shows=kept)

    ((index, picture, boxes),) = kept.alarms[0].frames
    assert report["touched"] == 1
    assert index == 0
    assert picture.shape == (64, 96)
    assert all(box.contains(SPOT) for box in boxes)
    area = boxes[0].area_pixels / (64 * 96)
    assert report["filled_area"]["value"] == pytest.approx(area, abs=1e-4)  # type: ignore[index]


def test_what_waits_for_a_person_because_of_text_is_harmed_too() -> None:
    kept = Kept()

    mask = segmentation(np.eye(64, dtype=np.bool_))

    report = told(finds_always(SPOT), specimen(mask), shows=kept)

    assert report["withheld"] == {"residual_text": 1}
    assert report["harmed"]["part"] == 1  # type: ignore[index]
    assert kept.alarms[0].outcome == "residual_text"
    assert kept.alarms[0].frames[0][2] == (SPOT,)


def test_what_cannot_be_cleaned_for_another_reason_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = spotted()
    del broken.BitsAllocated
    cleaner = PixelCleaner(finds_nothing(), SolidInpainter())

    report = sounded([specimen(broken)], cleaner, lambda _case: ())

    assert report["all"]["instances"] == 0
    assert report["not_asked"] == {"malformed_dataset": 1}

    def late(*_arguments: object, **_more: object) -> None:
        raise TimeLimit("took too long")

    monkeypatch.setattr(cleaner, "clean", late)
    assert sounded([specimen(spotted())], cleaner, lambda _case: ())["not_asked"] == {
        "time_limit": 1
    }


def test_groups_are_told_apart_and_slices_of_one_volume_stand_together() -> None:
    finder = finds_ink(SPOT)
    cleaner = PixelCleaner(finder, SolidInpainter())
    plain = dataset_of(np.full((64, 96), 40, np.uint8))
    found = [specimen(spotted(), source="a") for _ in range(3)]
    found += [specimen(plain, source=f"b{number}", kind="noise") for number in range(4)]

    report = sounded(found, cleaner, OwnArm(finder, cleaner).find)

    by_kind = {group["kind"]: group for group in report["groups"]}
    assert (by_kind["slice"]["touched"], by_kind["noise"]["touched"]) == (3, 0)
    assert (by_kind["slice"]["instances"], by_kind["slice"]["sources"]) == (3, 1)
    assert report["all"]["harmed"]["part"] == 3
    page = alarm_page(report)
    assert "| CT | head | noise | 4 (4) | 0 |" in page
    assert "| CT | head | slice | 3 (1) | 3 |" in page
    assert report["parts"]["files"]["touched"] == 3
    both = compared([{"finder": "before", **report}, {"finder": "after", **report}])
    assert "| `before` | all | 7 (5) | 3 |" in both
    assert "| `after` | files | 7 (5) | 3 |" in both


def test_sheets_show_each_alarm_and_replace_those_of_an_earlier_run(tmp_path: Path) -> None:
    folder = tmp_path / "sheets"
    cleaner = PixelCleaner(finds_ink(SPOT), SolidInpainter())
    found = [specimen(spotted(), source=str(number)) for number in range(21)]
    with AlarmSheets(folder) as sheets:
        sounded(found, cleaner, lambda _case: (), shows=sheets)

    two = sorted(path.name for path in folder.iterdir())
    with AlarmSheets(folder) as sheets:
        sounded(found[:1], cleaner, lambda _case: (), shows=sheets)
    sheet = cv2.imread(str(folder / "alarms-001.png"))

    assert two == ["alarms-001.png", "alarms-002.png"]
    assert [path.name for path in folder.iterdir()] == ["alarms-001.png"]
    assert sheet is not None
    assert (sheet == (0, 225, 255)).all(axis=2).any(), "the box is drawn"


def test_made_objects_are_instances_that_the_cleaner_takes() -> None:
    gradient = np.tile(np.linspace(0, 200, 96).astype(np.uint8), (80, 1))
    slices = [np.roll(gradient, 5 * number, axis=1) for number in range(6)]
    cleaner = PixelCleaner(finds_nothing(), SolidInpainter())

    made = list(made_objects({"head": slices}, seed=3))
    again = list(made_objects({"head": slices}, seed=3))

    kinds = {one.kind for one in made}
    mosaics = [one.dataset.Rows for one in made if one.kind == "mosaic"]
    assert len(mosaics) == 5
    assert len(set(mosaics)) > 1
    assert {
        "mask of an organ",
        "mask of 0 and 1",
        "label map",
        "low matrix",
        "phantom: vials",
    } <= kinds
    assert [one.dataset.PixelData for one in made] == [one.dataset.PixelData for one in again]
    for one in made:
        assert cleaner.clean(one.dataset, seed=1).looked_at, one.kind


def test_a_mosaic_holds_its_slices_and_says_that_it_is_one() -> None:
    bright = np.full((40, 40), 200, np.uint8)

    made = mosaic_of([bright], across=4, tile=32, seed=1)

    stored = np.frombuffer(made.PixelData, "<u2").reshape(128, 128)
    assert made.ImageType[-1] == "MOSAIC"
    assert stored[:32, :32].mean() == pytest.approx(1200, abs=20)
    assert of_instance(made) == ("not told", "mosaic")


def test_kinds_of_objects_come_from_the_header() -> None:
    mask = segmentation(np.eye(20, dtype=np.bool_))
    small = deep_instance(np.zeros((64, 64)), "1.2.840.10008.5.1.4.1.1.4", "MR")
    small.BodyPartExamined = "KNEE"

    assert of_instance(mask) == ("not told", "segmentation")
    assert of_instance(small) == ("knee", "small matrix")
    assert of_instance(dataset_of(np.zeros((9, 9, 3), np.uint8)))[1] == "colour"


def test_the_longest_beginning_of_a_name_tells_its_anatomy() -> None:
    assert of_picture("mr/sctlum_0001.png") == ("lumbar spine", "slice")
    assert of_picture("mr/sctms_0001.png") == ("neck", "slice")
    assert of_picture("elsewhere/1.png") == ("not told", "picture")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    for name in ("a.dcm", "b.dcm", "zoo__US1_J2KR.dcm"):
        dcmwrite(tmp_path / "files" / name, spotted(), enforce_file_format=True)
    other = dcmread(tmp_path / "files" / "a.dcm")
    other.PixelData = bytes(64 * 96)
    other.save_as(tmp_path / "files" / "c.dcm")
    (tmp_path / "files" / "d.txt").write_text("no image")
    return tmp_path / "files"


def test_files_are_taken_once_and_without_those_on_which_text_stands(folder: Path) -> None:
    names = [one.name for one in specimens([folder], made=False, seed=1)]

    assert names == ["a.dcm", "c.dcm"]


@pytest.fixture
def backgrounds(tmp_path: Path) -> Path:
    place = tmp_path / "backgrounds"
    (place / "mr").mkdir(parents=True)
    head = "path,source_repo,source_path,licence,modality,text,note"
    rows = [head]
    for number in range(30):
        for part in range(4):
            name = f"mr/qa_{number:02}{part}.png"
            cv2.imwrite(str(place / name), np.full((40, 40), 100 + number + 30 * part, np.uint8))
            licence = "GPL-3.0" if number == 0 else "MIT"
            rows.append(f"{name},somebody/{number},volume/{part}.dcm,{licence},MR,,")
    (place / "manifest.csv").write_text("\n".join(rows))
    return place


def test_of_pictures_with_a_manifest_those_count_that_no_training_takes(backgrounds: Path) -> None:
    own = held_out(backgrounds)
    found = list(specimens([backgrounds], made=False, seed=1))
    with_made = list(specimens([backgrounds], made=True, seed=1))

    assert {one.licence for one in own} == {"GPL-3.0", "MIT"}
    assert 4 <= len(own) < 120
    assert all(len([one for one in own if one.source == other.source]) == 4 for other in own)
    assert [one.name for one in found] == [one.path for one in own]
    assert {(one.anatomy, one.kind) for one in found} == {("head", "slice")}
    assert len(with_made) > len(found)
    assert any(one.kind == "mosaic" and one.anatomy == "head" for one in with_made)


def test_the_command_prints_the_table_and_draws_the_sheets(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    report, sheets = tmp_path / "alarms.json", tmp_path / "sheets"
    command = ["evaluate", "privacy", "--text-free", folder, "--report", report, "--sheets", sheets]

    status = cli.main([str(one) for one in command])

    out = capsys.readouterr().out
    kept = json.loads(report.read_text())
    assert status == ExitStatus.DONE
    assert kept["alarms"]["all"]["instances"] == 2
    assert "| **all** |" in out
    assert report.with_suffix(".md").read_text() == out
    assert sheets.is_dir()


@pytest.mark.parametrize(
    "command",
    [lambda _: [], lambda f: ["--images", f, "--sheets", f], lambda f: ["--text-free", f / "none"]],
    ids=["nothing", "sheets of nothing", "no folder"],
)
def test_misuse_is_told_in_one_line(
    command: Callable[[Path], list[object]], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main(["evaluate", "privacy", *(str(one) for one in command(folder))])

    err = capsys.readouterr().err
    assert status == ExitStatus.MISUSE
    assert err.count("\n") == 1
