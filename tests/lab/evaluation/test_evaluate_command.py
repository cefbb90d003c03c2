"""``deid-lab evaluate privacy`` on a folder made here: figures, statuses, faults."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmwrite

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node import cli
from deid_node.cli.status import ExitStatus
from deid_node_lab.evaluation.cases import dataset_of

NAME = "QUANDT"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "ct").mkdir(parents=True)
    picture = np.full((160, 240), 30, np.uint8)
    cv2.putText(picture, NAME, (20, 60), 0, 0.6, 250, 1, cv2.LINE_AA)
    cv2.imwrite(str(folder / "ct" / "a.png"), picture)
    dataset = dataset_of(picture)
    dataset.PatientName, dataset.PatientID = f"{NAME}^Roberta", "QX774411"
    dataset.Modality = "US"
    dcmwrite(folder / "b.dcm", dataset, enforce_file_format=True)
    return folder


@pytest.fixture
def boxes(images: Path) -> Path:
    line = {"x0": 18, "y0": 40, "x1": 110, "y1": 66, "text": NAME}
    image = {"width": 240, "height": 160, "boxes": [line]}
    path = images.parent / "boxes.json"
    path.write_text(json.dumps({"images": {"ct/a.png": image, "b.dcm": image}}))
    return path


def evaluate(*arguments: object) -> int:
    return cli.main(["evaluate", "privacy", *map(str, arguments)])


def test_given_boxes_are_scored_and_told_without_a_name(
    images: Path, boxes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"

    status = evaluate("--images", images, "--boxes", boxes, "--report", path)

    out, err = capsys.readouterr()
    report = json.loads(path.read_text())
    assert status == ExitStatus.DONE
    assert report["images"] == 2
    assert report["groups"] == {"US": 1, "ct": 1}
    assert report["arms"][0]["figures"]["items_found"]["whole"] == 2
    assert "| items found |" in out
    assert path.with_suffix(".md").read_text() == out
    for value in (NAME, "Roberta", "QX774411"):
        assert value not in out + err + path.read_text()


def test_text_is_drawn_where_no_boxes_are_given(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"

    statuses = [evaluate("--images", images, "--report", path) for path in (first, second)]

    assert statuses == [ExitStatus.DONE] * 2
    reports = [json.loads(path.read_text()) for path in (first, second)]
    assert reports[0]["arms"][0]["figures"] == reports[1]["arms"][0]["figures"]
    assert reports[0]["arms"][0]["figures"]["items_found"]["whole"] > 0
    assert reports[0]["truth"] == "rendered"


def test_a_limit_takes_that_many_images(images: Path, boxes: Path, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"

    evaluate("--images", images, "--boxes", boxes, "--limit", 1, "--report", path)

    assert json.loads(path.read_text())["images"] == 1


def test_a_file_that_cannot_be_looked_into_is_told_by_its_path(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "c.dcm").write_text("no image")

    status = evaluate("--images", images)

    out, err = capsys.readouterr()
    assert status == ExitStatus.SOME_WITHHELD
    assert f"{images / 'c.dcm'}: not_dicom" in err
    assert "2 images" in out


def _missing_image(images: Path, boxes: Path) -> None:
    (images / "b.dcm").unlink()


def _other_size(images: Path, boxes: Path) -> None:
    boxes.write_text(boxes.read_text().replace('"width": 240', '"width": 241'))


def _nothing(images: Path, boxes: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("arguments", "harm", "said"),
    [
        ("--images IMAGES/none", _nothing, "does not exist"),
        ("--images IMAGES --boxes IMAGES/none.json", _nothing, "cannot be read"),
        ("--images IMAGES --boxes BOXES --fonts IMAGES", _nothing, "exclude each other"),
        ("--images IMAGES --fonts IMAGES/none", _nothing, "is no folder"),
        ("--images IMAGES --limit 0", _nothing, "--limit"),
        ("--images IMAGES --threads 0", _nothing, "--threads"),
        ("--images IMAGES --report IMAGES/none/r.json", _nothing, "cannot be written"),
        ("--images IMAGES --config IMAGES/none.yaml", _nothing, "cannot be read"),
        ("--images IMAGES --boxes BOXES", _missing_image, "does not exist, but has boxes"),
        ("--images IMAGES --boxes BOXES", _other_size, "not of the size"),
    ],
)
def test_misuse_ends_in_one_line_and_status_2(
    images: Path,
    boxes: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    harm: Callable[[Path, Path], None],
    said: str,
) -> None:
    harm(images, boxes)
    words = arguments.replace("IMAGES", str(images)).replace("BOXES", str(boxes)).split()

    status = evaluate(*words)

    err = capsys.readouterr().err
    assert status == ExitStatus.MISUSE
    assert said in err
    assert len(err.splitlines()) == 1
    assert NAME not in err
