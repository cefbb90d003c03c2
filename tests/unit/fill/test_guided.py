"""A hole is filled by what a neighbouring frame shows there, as far as that proves itself."""

import cv2
import numpy as np

from deid_node.pixeldata.layout import Layout
from deid_node.pixels.fill.crops import Crop, Neighbour, crop_of
from deid_node.pixels.fill.grain import GrainedInpainter
from deid_node.pixels.fill.guided import GuidedInpainter
from deid_node.pixels.fill.harmonic import HarmonicInpainter
from deid_node.values.fill import Fill
from deid_node.values.geometry import Box
from tests.unit.pixeldata.instances import Array

HOLE = Box(70, 60, 150, 80)
ROWS, COLUMNS = 160, 220


def anatomy(seed: int) -> Array:
    draw = np.random.default_rng(seed).standard_normal((ROWS, COLUMNS)).astype(np.float32)
    smooth = cv2.GaussianBlur(draw, (0, 0), 5)
    return np.asarray(np.clip(128 + 45 * smooth / smooth.std(), 0, 255), np.float32)


def stored(values: Array, *, noise: float = 2.0, seed: int = 9) -> Array:
    grain = np.random.default_rng(seed).normal(0, noise, values.shape)
    return np.clip(np.rint(values + grain), 0, 255).astype(np.uint8)


def neighbour(values: Array, *covered: Box) -> Neighbour:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    for box in covered:
        mask[box.slices] = True
    bare = values.copy()
    bare[mask] = 0
    return Neighbour(bare, mask)


def crop(values: Array, *neighbours: Neighbour) -> Crop:
    layout = Layout("PixelData", ROWS, COLUMNS, 1, 8, 8, 7, False, "MONOCHROME2", 0, 1)
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[HOLE.slices] = True
    return crop_of(values, mask, layout, None, seed=3, neighbours=neighbours)


def error(truth: Array, given: Crop) -> tuple[float, list[Fill]]:
    (filled,) = GuidedInpainter(HarmonicInpainter()).fill([given])
    wrong = (filled.values.astype(float) - truth)[HOLE.slices]
    assert np.array_equal(filled.values[~given.target], given.stored[~given.target])
    return float(np.square(wrong).mean()), [part.method for part in filled.parts]


def test_a_slice_that_shows_the_same_anatomy_fills_the_hole() -> None:
    truth = anatomy(1)
    alone, _ = error(truth, crop(stored(truth)))

    guided, made_by = error(truth, crop(stored(truth), neighbour(stored(truth, seed=5))))

    assert made_by == [Fill.NEIGHBOURS]
    assert guided < alone / 5


def test_a_neighbour_in_another_window_is_taken_as_well() -> None:
    truth = anatomy(1)
    darker = stored(0.5 * truth + 20, seed=5)

    guided, made_by = error(truth, crop(stored(truth), neighbour(darker)))

    alone, _ = error(truth, crop(stored(truth)))
    assert made_by == [Fill.NEIGHBOURS]
    # Detail is not blown up beyond what a neighbour shows of it.
    assert guided < alone / 2


def test_a_slice_of_other_anatomy_is_left_aside() -> None:
    truth = anatomy(1)

    guided, made_by = error(truth, crop(stored(truth), neighbour(stored(anatomy(2)))))

    alone, _ = error(truth, crop(stored(truth)))
    assert made_by == [Fill.HARMONIC]
    assert guided == alone


def test_of_two_neighbours_each_counts_by_what_it_explains() -> None:
    truth = anatomy(1)
    near, far = neighbour(stored(truth, seed=5)), neighbour(stored(anatomy(2)))

    both, made_by = error(truth, crop(stored(truth), far, near))

    alone, _ = error(truth, crop(stored(truth)))
    assert made_by == [Fill.NEIGHBOURS]
    assert both < alone / 5


def test_what_is_covered_on_a_neighbour_has_no_influence() -> None:
    truth = anatomy(1)
    label = Box(10, 62, 60, 78)
    plain = stored(truth, seed=5)
    written = plain.copy()
    written[label.slices] = 255

    one = GuidedInpainter(HarmonicInpainter()).fill([crop(stored(truth), neighbour(plain, label))])
    other = GuidedInpainter(HarmonicInpainter()).fill(
        [crop(stored(truth), neighbour(written, label))]
    )

    assert np.array_equal(one[0].values, other[0].values)


def test_a_neighbour_that_is_covered_at_the_hole_is_none() -> None:
    truth = anatomy(1)
    partly = Box(HOLE.left, HOLE.top, HOLE.left + 5, HOLE.bottom)

    _, made_by = error(truth, crop(stored(truth), neighbour(stored(truth, seed=5), partly)))

    assert made_by == [Fill.HARMONIC]


def test_what_stands_under_the_mask_has_no_influence_on_the_weights() -> None:
    truth = anatomy(1)
    written = stored(truth)
    written[HOLE.slices] = 255
    beside = neighbour(stored(truth, seed=5))

    (one,) = GuidedInpainter(HarmonicInpainter()).fill([crop(stored(truth), beside)])
    (other,) = GuidedInpainter(HarmonicInpainter()).fill([crop(written, beside)])

    assert np.array_equal(one.values, other.values)


def test_grain_is_as_strong_as_the_neighbour_shows_it_there() -> None:
    """Noise that stands around a hole must not be seen in what is dark and still within it."""
    truth = anatomy(1)
    truth[56:84, 85:135] = 20
    grain = np.random.default_rng(8).normal(0, 12, (2, ROWS, COLUMNS))
    grain[:, 56:84, 85:135] = 0
    one, other = (stored(truth + own, noise=0) for own in grain)

    (filled,) = GuidedInpainter(HarmonicInpainter()).fill([crop(one, neighbour(other))])

    (alone,) = GrainedInpainter(HarmonicInpainter()).fill([crop(one)])
    still = (slice(64, 76), slice(97, 123))
    assert filled.values[still].std() < alone.values[still].std() / 2
