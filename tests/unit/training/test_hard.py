"""What an earlier finder took for text is shown to the next one, wherever it lies."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the train extra is not installed")

import cv2
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deid_node.pixels.find.options import CrnnOptions
from deid_node.pixels.find.weights import SHIPPED, read_weights
from deid_node.training import samples
from deid_node.training.backgrounds import Background
from deid_node.training.hard import HardPicture, HardPlace, hard_pictures
from deid_node.training.samples import SampleMaker
from deid_node.training.scenes import hard_scene
from deid_node.training.stamps import Scribe
from deid_node.values.geometry import Box


def picture(rows: int = 300, columns: int = 400, *, box: Box | None = None) -> Background:
    pixels = np.zeros((rows, columns), np.uint8)
    if box is not None:
        pixels[box.slices] = 255
    return Background("ct/a.png", "CT", "CC0-1.0", pixels)


@given(
    top=st.integers(0, 280), left=st.integers(0, 380), seed=st.integers(0, 99),
    side=st.sampled_from([128, 320]), scale=st.sampled_from([0.6, 1.0, 1.6]),
)  # fmt: skip
def test_the_place_is_in_the_picture(
    top: int, left: int, seed: int, side: int, scale: float
) -> None:
    box = Box(left, top, left + 20, top + 20)
    hard = HardPicture(picture(box=box), (HardPlace(box, scale),))

    shown = hard_scene(hard, side, np.random.default_rng(seed))

    assert shown.shape == (side, side, 3)
    # Windowed or inverted, the square still parts from its surround.
    assert np.ptp(shown.astype(int)) > 20


def test_a_quarter_of_the_samples_show_hard_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(100, 100, 120, 120)
    shown: list[HardPicture] = []

    def noted(places: HardPicture, side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
        shown.append(places)
        return hard_scene(places, side, chance)

    monkeypatch.setattr(samples, "hard_scene", noted)
    hard = (HardPicture(picture(box=box), (HardPlace(box),)),)
    maker = SampleMaker((picture(),), Scribe(()), side=96, seed=1, hard=hard)

    for number in range(200):
        maker.sample(number)

    assert 30 <= len(shown) <= 70


def test_the_teacher_s_boxes_are_kept_and_clean_pictures_are_not(tmp_path: Path) -> None:
    teacher = tmp_path / SHIPPED
    teacher.write_bytes(read_weights(CrnnOptions()))
    written = picture().pixels.copy()
    cv2.putText(written, "SMITH 1970", (60, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 2)
    pictures = (picture(), Background("ct/b.png", "CT", "CC0-1.0", written))

    found = hard_pictures(teacher, pictures)

    assert [one.background.path for one in found] == ["ct/b.png"]
    assert found[0].places
