import cv2
import numpy as np
import pytest

from deid_node.pixels.fill.crops import picture_crop
from deid_node.pixels.fill.harmonic import HarmonicInpainter, stretched
from deid_node.values.fill import Fill
from tests.unit.pixeldata.instances import Array

HOLE = (slice(20, 44), slice(30, 150))


def picture(*, rows: int = 80, columns: int = 200) -> Array:
    draw = np.random.default_rng(4).standard_normal((rows, columns)).astype(np.float32)
    smooth = cv2.GaussianBlur(draw, (0, 0), 4)
    return np.asarray(128 + 50 * smooth / smooth.std(), np.float32)


def mask_of(hole: tuple[slice, slice], shape: tuple[int, ...]) -> Array:
    mask = np.zeros(shape, np.bool_)
    mask[hole] = True
    return mask


def mean_of_neighbours(values: Array) -> Array:
    wide = np.pad(values, 1, mode="edge")
    return np.asarray((wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]) / 4)


@pytest.mark.parametrize(
    "hole",
    [
        HOLE,
        (slice(0, 20), slice(0, 90)),
        (slice(0, 80), slice(60, 75)),
        (slice(9, 10), slice(5, 6)),
    ],
    ids=["inside", "corner", "from edge to edge", "one pixel"],
)
def test_every_pixel_is_the_mean_of_its_neighbours(hole: tuple[slice, slice]) -> None:
    values = picture()
    mask = mask_of(hole, values.shape)

    film = stretched(values, mask)

    assert np.abs(film - mean_of_neighbours(film))[mask].max() < 0.1
    assert np.array_equal(film[~mask], values[~mask])


def test_a_plane_is_continued() -> None:
    down, right = np.mgrid[:80, :200].astype(np.float32)
    plane = 30 + 0.5 * down + 0.7 * right

    film = stretched(plane, mask_of(HOLE, plane.shape))

    assert np.abs(film - plane).max() < 1


def test_what_stands_under_the_mask_makes_no_difference() -> None:
    one, other = picture(), picture()
    other[HOLE] = np.nan
    mask = mask_of(HOLE, one.shape)

    assert np.array_equal(stretched(one, mask), stretched(other, mask))


def test_a_mask_that_leaves_nothing_gives_the_picture_back() -> None:
    values = picture()

    assert np.array_equal(stretched(values, np.ones(values.shape, np.bool_)), values)


def test_a_crop_is_filled_by_that_name() -> None:
    values = picture().astype(np.uint8)

    (filled,) = HarmonicInpainter().fill([picture_crop(values, mask_of(HOLE, values.shape))])

    assert [part.method for part in filled.parts] == [Fill.HARMONIC]
    assert filled.parts[0].where.sum() == 24 * 120
