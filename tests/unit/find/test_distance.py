"""Large letters are found from further away, in the place where they stand."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.dicom import part10
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.text.find.crnn import CrnnFinder
from deid_node.pixels.text.find.distance import (
    DISTANCES,
    LEAST_SIDE_PIXELS,
    brought_near,
    is_large,
    shrunk,
)
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.values.geometry import Box, Found
from tests.builders.samples import BURNED_IN


def film(letter_height: int = 0) -> np.ndarray:
    """Return a film of 1,000 x 1,200 pixels under grain, a word in letters of that height."""
    grain = np.random.default_rng(2).normal(70, 6, (1000, 1200)).astype(np.float32)
    frame = cv2.GaussianBlur(grain, (0, 0), 1.2).clip(0, 255).astype(np.uint8)
    if letter_height:
        scale, thickness = letter_height / 21, letter_height // 8
        cv2.putText(frame, "DOE 5", (40, 600), 0, scale, 240, thickness, cv2.LINE_AA)
    return frame


@pytest.fixture(scope="module")
def finder() -> CrnnFinder:
    return CrnnFinder(CrnnOptions(device="cpu"))


@pytest.mark.parametrize("letter_height", [140, 240])
def test_a_word_in_letters_of_a_hand_is_found_where_it_stands(
    finder: CrnnFinder, letter_height: int
) -> None:
    frame = film(letter_height)
    word = np.argwhere(frame > 200)
    (top, left), (bottom, right) = word.min(0), word.max(0) + 1

    (found,) = finder.find([frame])

    mask = np.zeros(frame.shape, np.bool_)
    for one in found:
        mask[one.box.slices] = True
    assert mask[top:bottom, left:right].mean() > 0.9
    assert mask.sum() < 1.6 * (bottom - top) * (right - left)


def test_a_film_without_a_word_has_none_from_further_away(finder: CrnnFinder) -> None:
    (found,) = finder.find([film()])

    assert found == ()


def test_small_frames_are_seen_from_where_they_stand_only() -> None:
    assert is_large(np.zeros((LEAST_SIDE_PIXELS, 2000), np.uint8))
    assert not is_large(np.zeros((2000, LEAST_SIDE_PIXELS - 1, 3), np.uint8))


@given(
    st.integers(LEAST_SIDE_PIXELS, 1500),
    st.integers(LEAST_SIDE_PIXELS, 1500),
    st.sampled_from(DISTANCES),
    st.data(),
)
def test_what_is_brought_near_covers_what_its_pixels_stood_for(
    rows: int, columns: int, times: int, data: st.DataObject
) -> None:
    down, across = rows // times, columns // times
    top, left = data.draw(st.integers(0, down - 20)), data.draw(st.integers(0, across - 8))
    box = Box(left, top, data.draw(st.integers(left + 1, across)), top + 20)

    (near,) = brought_near([Found(box, 0.99)], times, rows=rows, columns=columns, known=())

    assert near.score == 0.99
    assert Box(0, 0, columns, rows).contains(near.box)
    # The mean of which pixels it was, to the pixel that a shrunk one may share.
    assert near.box.left * across <= box.left * columns < (near.box.left + 1) * across
    assert near.box.top * down <= box.top * rows < (near.box.top + 1) * down
    assert near.box.right * across >= box.right * columns
    assert near.box.bottom * down >= box.bottom * rows


def test_what_is_low_or_unsure_or_known_is_left_to_the_look_from_close_by() -> None:
    word = Found(Box(10, 10, 60, 30), 0.99)
    low, unsure = Found(Box(10, 10, 60, 25), 0.99), Found(word.box, 0.97)
    lines = [Found(Box(40, 40 + 20 * n, 240, 56 + 20 * n), 0.9) for n in range(4)]
    far = {"times": 4, "rows": 1000, "columns": 1000}

    assert not list(brought_near([low, unsure], **far, known=()))
    assert not list(brought_near([word], **far, known=lines))
    assert list(brought_near([word], **far, known=lines[:1]))


def test_a_shrunk_pixel_is_the_mean_of_those_it_stands_for() -> None:
    frame = np.arange(900 * 900, dtype=np.uint32).reshape(900, 900).astype(np.uint8)

    small = shrunk(frame, 4)

    assert small.shape == (225, 225)
    np.testing.assert_allclose(
        small, frame.reshape(225, 4, 225, 4).astype(float).mean((1, 3)), atol=0.51
    )


@pytest.mark.shared
def test_the_lead_marker_of_a_real_film_is_found(finder: CrnnFinder) -> None:
    dataset = part10.read(BURNED_IN / "dicom" / "fo-dicom__CR-ModalitySequenceLUT.dcm")
    frames = Frames(dataset, "PixelData")
    display = Display(dataset, frames.layout, big_endian=False)
    letter = Box(95, 1430, 150, 1485)

    (found,) = finder.find(display.views(values_of(frames[0], frames.layout), 0))

    assert any(one.box.contains(letter) for one in found)
    assert len(found) == 1
