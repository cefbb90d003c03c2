"""A volume is laid on itself again, and a black half throws that off."""

import cv2
import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="the research extra is not installed")
pytest.importorskip("torch", reason="torch is not installed here")

from deid_node_lab.evaluation.research.aligning import misplaced_pixels
from tests.lab.evaluation.research.volumes import mr


def rough() -> np.ndarray:
    draw = np.random.default_rng(3).normal(0, 1, (8, 96, 120)).astype(np.float32)
    texture = np.stack([cv2.GaussianBlur(one, (0, 0), 3) for one in draw])
    return np.asarray(np.clip(mr().slices * 0.5 + 300 * texture + 40, 0, 255), np.uint8)


def test_an_untouched_volume_comes_back_to_its_place() -> None:
    truth = rough()

    off = misplaced_pixels(truth, truth, seed=4)

    assert off < 0.3
    assert off == misplaced_pixels(truth, truth, seed=4)


def test_a_volume_that_was_moved_is_found_to_be_off() -> None:
    truth = rough()

    off = misplaced_pixels(truth, np.roll(truth, 3, axis=2), seed=4)

    assert off == pytest.approx(3, abs=0.6)
