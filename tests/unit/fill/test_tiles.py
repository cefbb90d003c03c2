import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deid_node.pixeldata.layout import Layout
from deid_node.pixels.fill.crops import Crop, crop_of
from deid_node.pixels.fill.telea import grown_in
from deid_node.pixels.fill.tiles import GRID_PIXELS, SIDE_PIXELS, Plan, plan_of
from deid_node.values.geometry import Box
from tests.unit.pixeldata.instances import Array


def crop(values: Array, hole: Box, *, top: int = 0, left: int = 0) -> Crop:
    rows, columns = values.shape[:2]
    mask = np.zeros((rows, columns), dtype=np.bool_)
    mask[hole.slices] = True
    kind = "RGB" if values.ndim == 3 else "MONOCHROME2"
    layout = Layout("PixelData", rows, columns, values.ndim, 8, 8, 7, False, kind, 0, 1)
    return crop_of(
        values, mask, layout, None, window=Box(left, top, left + columns, top + rows), seed=2
    )


def planned(crop: Crop) -> Plan:
    return plan_of(crop, grown_in)


def shades(rows: int, columns: int) -> Array:
    down, right = np.mgrid[:rows, :columns]
    return np.asarray(128 + 60 * np.sin(down / 40) + 60 * np.cos(right / 50)).astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_squares_cover_the_target_and_lie_on_the_grid(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 500)), data.draw(st.integers(1, 600))
    top, bottom = sorted(data.draw(st.tuples(st.integers(0, rows), st.integers(0, rows))))
    left, right = sorted(data.draw(st.tuples(st.integers(0, columns), st.integers(0, columns))))
    hole = Box(left, top, max(right, left + 1), max(bottom, top + 1))
    at = data.draw(st.tuples(st.integers(0, 999), st.integers(0, 999)))
    plan = planned(crop(np.zeros((rows + 1, columns + 1), np.uint8), hole, top=at[0], left=at[1]))

    covered = np.zeros((rows + 1, columns + 1), dtype=np.bool_)
    for one in plan.squares:
        y, x = one.top * plan.scale - at[0], one.left * plan.scale - at[1]
        side = SIDE_PIXELS * plan.scale
        covered[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)] = True
        assert one.top % GRID_PIXELS == one.left % GRID_PIXELS == 0
        assert one.picture.shape == (SIDE_PIXELS, SIDE_PIXELS, 3)
        assert one.mask.any()
    assert covered[hole.slices].all()


@pytest.mark.parametrize(
    ("size", "hole"),
    [
        ((300, 400), Box(100, 100, 250, 124)),
        ((300, 900), Box(20, 100, 880, 130)),
        ((700, 700), Box(150, 150, 550, 520)),
        ((40, 60), Box(10, 10, 50, 30)),
        ((1, 1), Box(0, 0, 1, 1)),
    ],
    ids=["line", "banner", "block", "small frame", "one pixel"],
)
@pytest.mark.parametrize("corner", [(0, 0), (37, 101)])
def test_squares_that_are_painted_as_they_are_give_the_crop_back(
    size: tuple[int, int], hole: Box, corner: tuple[int, int]
) -> None:
    values = shades(*size)
    given_crop = crop(values, hole, top=corner[0], left=corner[1])
    plan = planned(given_crop)

    together = plan.together([one.picture for one in plan.squares])

    known = ~given_crop.mask
    seen = together[known] != 0
    assert together.shape == values.shape
    assert np.abs(together[known] - values[known])[seen].max(initial=0) <= (
        4 if plan.scale > 1 else 1
    )


def test_a_banner_takes_several_squares_and_a_block_a_smaller_scale() -> None:
    banner = planned(crop(shades(300, 900), Box(20, 100, 880, 130)))
    block = planned(crop(shades(700, 700), Box(150, 150, 550, 520)))

    assert (len(banner.squares) > 3, banner.scale) == (True, 1)
    assert block.scale > 1
    assert all(not one.mask.all() for one in (*banner.squares, *block.squares))


def test_no_square_holds_what_was_under_the_mask() -> None:
    one, two = shades(300, 400), shades(300, 400)
    hole = Box(100, 100, 250, 124)
    two[hole.slices] = 255 - two[hole.slices]

    first, second = (planned(crop(values, hole)).squares for values in (one, two))

    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(first, second, strict=True))
