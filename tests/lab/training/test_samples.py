"""Samples are repeatable, labelled where the text is, and free of other people's pictures."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the train extra is not installed")

import cv2

from deid_node_lab.training.backgrounds import Background, permitted, read_backgrounds
from deid_node_lab.training.content import Script, Writer
from deid_node_lab.training.degrade import degraded
from deid_node_lab.training.distractors import distract
from deid_node_lab.training.painter import Ink, Line, Painter
from deid_node_lab.training.samples import SampleMaker, target_maps
from deid_node_lab.training.stamps import Scribe

ROW = {"path": "ct/a.png", "licence": "CC-BY-4.0", "note": "", "text": "", "modality": "CT"}


def backgrounds() -> tuple[Background, ...]:
    chance = np.random.default_rng(0)
    grey = cv2.GaussianBlur(chance.integers(0, 200, (300, 260), dtype=np.uint8), (0, 0), 4)
    colour = chance.integers(0, 90, (120, 150, 3), dtype=np.uint8)
    return (
        Background("ct/a.png", "CT", "CC0-1.0", np.asarray(grey, np.uint8)),
        Background("es/b.png", "ES", "CC0-1.0", colour),
        Background("ot/c.png", "OT", "CC0-1.0", colour[..., 0].copy()),
    )


def maker(seed: int = 3) -> SampleMaker:
    return SampleMaker(backgrounds(), Scribe(()), side=128, seed=seed)


def test_the_same_seed_and_index_give_the_same_sample() -> None:
    first, again = maker().sample(7), maker().sample(7)

    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.region, again.region)


def test_another_index_gives_another_sample() -> None:
    assert not np.array_equal(maker().sample(7).picture, maker().sample(8).picture)


def test_many_samples_have_the_promised_form() -> None:
    samples = [maker().sample(index) for index in range(60)]

    for sample in samples:
        assert sample.picture.shape == (128, 128, 3)
        assert sample.picture.dtype == np.uint8
        assert sample.core.shape == sample.region.shape == sample.weight.shape == (64, 64)
        assert set(np.unique(sample.region)) <= {0.0, 1.0}
        assert not (sample.core > sample.region).mean() > 0.01
    assert sum(bool(sample.lines) for sample in samples) > 30
    assert any(not sample.lines for sample in samples)


def test_the_region_lies_on_the_line_and_the_core_within() -> None:
    line = Line(np.array([[20, 40], [100, 40], [100, 60], [20, 60]], np.float32), 20.0)

    core, region, weight = target_maps([line], 128)

    rows, columns = np.nonzero(region)
    assert rows.min() in {19, 20}
    assert rows.max() in {29, 30}
    assert columns.min() in {9, 10}
    assert columns.max() in {49, 50}
    assert 0.2 < core.sum() / region.sum() < 0.8
    assert weight[0, 0] == 1.0


def test_slivers_at_the_border_are_not_asked_for() -> None:
    line = Line(np.array([[20, -18], [100, -18], [100, 2], [20, 2]], np.float32), 20.0)

    _, region, weight = target_maps([line], 128)

    assert not region.any()
    assert (weight == 0).any()


def test_what_cannot_be_read_is_not_painted() -> None:
    canvas = np.full((60, 60, 3), 250, np.uint8)
    painter = Painter(canvas, np.random.default_rng(1), grey=True)
    stamp = np.full((10, 20), 255, np.uint8)

    assert painter.put(stamp, 5, 5, Ink((252, 252, 252)))
    assert painter.canvas[10, 10, 0] == 0  # black took the place of an ink that nobody sees
    assert not painter.put(stamp, 5, 5, Ink((0, 0, 0)))  # a line stands there already
    assert len(painter.lines) == 1


@pytest.mark.parametrize("script", ["latin", "accents", "greek", "cyrillic", "cjk", "arabic"])
def test_a_line_is_short_enough_to_be_one(script: Script) -> None:
    writer = Writer(np.random.default_rng(1))

    assert all(1 <= len(writer.line(script)) <= 90 for _ in range(300))


def test_graphics_and_damage_keep_form_and_type() -> None:
    chance = np.random.default_rng(2)
    for _ in range(60):
        canvas = np.zeros((90, 90, 3), np.uint8)
        distract(canvas, chance, 4, grey=False)
        damaged = degraded(canvas, chance)
        assert damaged.shape == (90, 90, 3)
        assert damaged.dtype == np.uint8


@pytest.mark.parametrize(
    "row",
    [
        {"licence": "GPL-3.0"},
        {"licence": "AGPL-3.0"},
        {"licence": "CC-BY (MIAS deposit; this reduced copy came with a research-use agreement)"},
        {"licence": "no licence file; from memory (MIT)"},
        {"licence": "CC-BY-SA-4.0"},
        {"note": "image with focus mark, drawn here on: MIAS film"},
    ],
)
def test_pictures_whose_licence_does_not_fit_are_left_out(row: dict[str, str]) -> None:
    assert permitted(ROW)
    assert not permitted(ROW | row)


def test_parts_share_no_patient(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    head = "path,source_repo,source_path,licence,modality,text,note"
    rows = ["ct/a.png,a/b,ct/a.png,CC0-1.0,CT,R,", "ct/b.png,a/b,ct/b.png,GPL-3.0,CT,,"]
    cv2.imwrite(str(tmp_path / "ct/b.png"), np.zeros((4, 4), np.uint8))
    for patient in range(60):
        for picture in range(2):
            name = f"ct/{patient}_{picture}.png"
            cv2.imwrite(str(tmp_path / name), np.full((4, 4), patient, np.uint8))
            rows.append(f"{name},a/b,{name},CC0-1.0,CT,,CT; subject P{patient}")
    (tmp_path / "manifest.csv").write_text("\n".join([head, *rows]), "utf-8")

    train = {one.path.split("_")[0] for one in read_backgrounds(tmp_path, "train")}
    validation = {one.path.split("_")[0] for one in read_backgrounds(tmp_path, "validation")}

    assert train
    assert validation
    assert not train & validation
    assert len(train | validation) == 60
    assert [one.path for one in read_backgrounds(tmp_path, "excluded")] == ["ct/b.png"]
