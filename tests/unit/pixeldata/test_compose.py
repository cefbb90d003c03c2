import numpy as np
import pytest

from deid_node.pixeldata.compose import keep_inside
from deid_node.values.geometry import Box


@pytest.mark.req("REQ-PX-04")
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)], ids=["grey", "colour"])
def test_pixels_outside_the_mask_come_back_bit_for_bit(shape: tuple[int, ...]) -> None:
    stored = np.arange(np.prod(shape), dtype=np.int16).reshape(shape) - 30
    before = stored.copy()
    mask = np.zeros((4, 5), dtype=np.bool_)
    mask[Box(1, 0, 3, 2).slices] = True

    result = keep_inside(stored, np.full_like(stored, 7), mask)

    assert np.array_equal(result[~mask], stored[~mask])
    assert (result[mask] == 7).all()
    assert np.array_equal(stored, before)


def test_a_not_a_number_outside_keeps_its_bits() -> None:
    stored = np.array([[np.nan, 1.0]], dtype=np.float32)
    stored.view(np.uint32)[0, 0] = 0x7FC01234

    result = keep_inside(stored, np.zeros_like(stored), np.array([[False, True]]))

    assert result.view(np.uint32)[0, 0] == 0x7FC01234


def test_frames_that_do_not_fit_are_a_fault_of_the_caller() -> None:
    frame = np.zeros((4, 5), dtype=np.uint8)
    mask = np.zeros((4, 5), dtype=np.bool_)

    with pytest.raises(ValueError, match="frames differ"):
        keep_inside(frame, frame.astype(np.uint16), mask)
    with pytest.raises(ValueError, match="does not cover"):
        keep_inside(frame, frame, mask[:3])
