"""What an earlier finder took for text is shown to the next one, wherever it lies."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the train extra is not installed")

import cv2
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deid_node.pixels.text.find.crnn import CrnnFinder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.values.geometry import Box
from deid_node_lab.training import samples
from deid_node_lab.training.backgrounds import Background, Pictures
from deid_node_lab.training.hard import (
    HardPicture,
    HardPlace,
    drawn,
    hard_pictures,
    read_hard,
    write_hard,
)
from deid_node_lab.training.samples import SampleMaker
from deid_node_lab.training.scenes import hard_scene
from deid_node_lab.training.stamps import Scribe


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


def test_nearly_half_of_the_samples_show_hard_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
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

    assert 65 <= len(shown) <= 115


def test_the_teacher_s_boxes_are_kept_and_clean_pictures_are_not() -> None:
    written = picture().pixels.copy()
    cv2.putText(written, "SMITH 1970", (60, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 2)
    pictures = (picture(), Background("ct/b.png", "CT", "CC0-1.0", written))

    found = tuple(hard_pictures(CrnnFinder(CrnnOptions(device="cpu")), pictures))

    assert [one.background.path for one in found] == ["ct/b.png"]
    assert found[0].places


def test_places_are_found_again_on_files_and_on_drawn_pictures(tmp_path: Path) -> None:
    own = picture()
    made = drawn(Pictures([own]), 7)
    places = (HardPlace(Box(4, 5, 40, 20), 0.5),)
    file = tmp_path / "hard.json"

    write_hard(file, [HardPicture(own, places), HardPicture(made, places)])
    one, other = read_hard(file, [own])

    assert (one.background, one.places) == (own, places)
    assert np.array_equal(other.background.pixels, made.pixels)
    assert other.places == places


def test_a_place_on_a_picture_that_is_gone_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "hard.json"
    write_hard(file, [HardPicture(picture(), (HardPlace(Box(1, 1, 9, 9)),))])

    assert read_hard(file, ()) == ()
