"""A box's content comes to the network in one form, whatever it was."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deid_node.pixels.text.read.crops import HEIGHT, LEAST_WIDTH, MOST_WIDTH, line_of, most_contrast

Crop = NDArray[np.uint8]


def written(colour: tuple[int, int, int], ground: tuple[int, int, int]) -> Crop:
    crop = np.full((20, 80, 3), ground, np.uint8)
    cv2.putText(crop, "5 cm", (5, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1)
    return crop


@given(rows=st.integers(1, 200), columns=st.integers(1, 2000))
def test_every_crop_is_one_line(rows: int, columns: int) -> None:
    line = line_of(np.zeros((rows, columns), np.uint8))

    assert line.shape[0] == HEIGHT
    assert line.shape[1] % 4 == 0
    assert LEAST_WIDTH <= line.shape[1] <= MOST_WIDTH
    assert line.dtype == np.float32


def test_proportions_are_kept() -> None:
    assert line_of(np.zeros((16, 100), np.uint8)).shape == (HEIGHT, 200)


@pytest.mark.parametrize("contrast", [40, 100])
def test_contrast_and_brightness_do_not_matter(contrast: int) -> None:
    strong = written((200, 200, 200), (0, 0, 0))[..., 0].astype(np.int32)
    weak = (30 + strong * contrast // 200).astype(np.uint8)

    assert np.abs(line_of(weak) - line_of(strong.astype(np.uint8))).max() < 0.15


def test_an_even_crop_stays_even() -> None:
    assert not line_of(np.full((20, 60), 200, np.uint8)).any()


@pytest.mark.parametrize(
    ("colour", "ground"),
    [((0, 0, 255), (0, 0, 0)), ((200, 0, 0), (0, 102, 0)), ((255, 255, 0), (255, 255, 255))],
    ids=["blue on black", "red on green of the same luminance", "yellow on white"],
)
def test_coloured_letters_stand_out(
    colour: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    assert np.ptp(most_contrast(written(colour, ground)).astype(int)) >= 100


def test_grey_as_colour_is_grey() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (20, 60), dtype=np.uint8)

    assert np.array_equal(most_contrast(np.repeat(grey[..., None], 3, axis=2)), grey)
