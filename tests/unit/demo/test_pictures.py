from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from deid_node.demo.failure import DemoFailed
from deid_node.demo.pictures import frame_to_show, write_before_and_after
from deid_node.demo.samples import shipped
from deid_node.values.geometry import Box, Region


def _region(frame: int, left: int = 4) -> Region:
    return Region(frame, Box(left, 4, left + 8, 12), 0.9, "finder", "solid")


@pytest.mark.parametrize(
    ("frames", "shown"),
    [((), 0), ((3,), 3), ((1, 2, 2), 2), ((5, 4), 4)],
    ids=["none", "one", "most", "first of equals"],
)
def test_the_frame_with_the_most_regions_is_shown(frames: tuple[int, ...], shown: int) -> None:
    assert frame_to_show([_region(frame) for frame in frames]) == shown


def test_what_was_found_is_framed_on_the_left_half_only(tmp_path: Path) -> None:
    dataset = dcmread(shipped("MR_small.dcm"))

    write_before_and_after(tmp_path / "one.png", dataset, dataset, [_region(0)], title="MR")

    picture = cv2.imread(str(tmp_path / "one.png"))
    assert picture is not None
    half = picture.shape[1] // 2
    coloured = picture.max(axis=2) != picture.min(axis=2)
    assert coloured[:, :half].any()
    assert not coloured[:, half:].any()
    assert np.array_equal(picture[200:, half + 6 :], picture[200:, : half - 6])


def test_halves_of_different_size_are_no_before_and_after(tmp_path: Path) -> None:
    small, large = dcmread(shipped("MR_small.dcm")), dcmread(shipped("CT_small.dcm"))

    with pytest.raises((DemoFailed, ValueError)):
        write_before_and_after(tmp_path / "no.png", small, large, [], title="two")
