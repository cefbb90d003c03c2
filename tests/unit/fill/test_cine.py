"""Several frames: still where the ground stands still, no flicker where it moves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from deid_node.errors import AnatomyCovered
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import Layout
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.base import Filled, Inpainter
from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.choice import CHOICE, MODEL_EVERYWHERE
from deid_node.pixels.fill.crops import Crop, crop_of
from deid_node.pixels.fill.fill_cache import Carried
from deid_node.pixels.fill.grain import GrainedInpainter
from deid_node.pixels.fill.options import AnatomyOptions
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.values.geometry import Box, Region
from tests.fakes.finder import ScriptedFinder, finds_always, finds_nothing
from tests.unit.pixeldata.instances import Array, Kind, instance

LABEL = Box(60, 60, 140, 78)
ROWS, COLUMNS = 200, 240


def tissue(frames: int, *, step_pixels: int) -> Array:
    """Return a ground that moves by `step_pixels` from frame to frame, with noise of its own."""
    draw = np.random.default_rng(6)
    wide = draw.standard_normal((ROWS, COLUMNS + 40)).astype(np.float32)
    smooth = cv2.GaussianBlur(wide, (0, 0), 5)
    ground = 120 + 45 * smooth / smooth.std()
    moved = [
        ground[:, n * step_pixels : n * step_pixels + COLUMNS] + draw.normal(0, 4, (ROWS, COLUMNS))
        for n in range(frames)
    ]
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def cleaned(values: Array, inpainter: Inpainter) -> tuple[Array, set[str]]:
    cleaner = PixelCleaner(finds_always(LABEL), inpainter, second_look=finds_nothing())
    result = cleaner.clean(instance(values, Kind()), seed=3)
    frames = Frames(result.dataset, "PixelData")
    stored = np.stack([values_of(words, frames.layout) for words in frames])
    return stored, {region.fill for region in result.regions}


def flicker(values: Array) -> float:
    """Return how much neighbouring frames differ where the label was."""
    part = values[(slice(None), *LABEL.slices)].astype(float)
    return float(np.abs(np.diff(part, axis=0)).mean())


@pytest.mark.parametrize("step_pixels", [0, 1])
def test_a_filled_cine_flickers_no_more_than_the_truth(step_pixels: int) -> None:
    truth = tissue(5, step_pixels=step_pixels)

    filled, made_by = cleaned(truth, AutoInpainter(backends(), CHOICE))

    assert made_by == {"telea"}
    assert flicker(filled) <= 1.1 * flicker(truth)


def test_a_drawn_cine_has_the_same_noise_in_each_frame(tiny_painter: Painter) -> None:
    """Even a model that was never trained does not flicker where nothing moves."""
    truth = tissue(1, step_pixels=0).repeat(3, axis=0)
    truth[1, 0, 0] ^= 1
    truth[2, 190, 230] ^= 1

    filled, made_by = cleaned(truth, AutoInpainter(backends(tiny_painter), MODEL_EVERYWHERE))

    assert made_by == {"diffusion"}
    assert flicker(filled) == 0


def test_a_box_that_is_found_a_pixel_wider_gets_the_same_grain() -> None:
    truth = tissue(1, step_pixels=0).repeat(2, axis=0)
    boxes = iter([LABEL, Box(LABEL.left - 1, LABEL.top, LABEL.right + 1, LABEL.bottom)] * 9)
    cleaner = PixelCleaner(
        ScriptedFinder(lambda _: [next(boxes)]),
        GrainedInpainter(TeleaInpainter()),
        second_look=finds_nothing(),
    )
    truth[1, 0, 0] ^= 1  # equal frames are looked at once

    result = cleaner.clean(instance(truth, Kind()), seed=3)

    frames = Frames(result.dataset, "PixelData")
    one, two = (values_of(words, frames.layout).astype(float) for words in frames)
    inner = Box(LABEL.left + 4, LABEL.top + 4, LABEL.right - 4, LABEL.bottom - 4).slices
    rough = [(one, two)[n] - cv2.GaussianBlur((one, two)[n], (0, 0), 2) for n in (0, 1)]
    assert np.corrcoef(rough[0][inner].ravel(), rough[1][inner].ravel())[0, 1] > 0.8


@dataclass
class Counting:
    """Fills with a number that is one higher each time."""

    asked: list[int] = field(default_factory=list)
    context_pixels: int = 100

    def made_up_pixels(self, crop: Crop) -> int:
        return int(crop.target.sum())

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        self.asked.append(len(crops))
        return tuple(Filled(crop.stored + np.uint8(sum(self.asked)), ()) for crop in crops)


def crop(values: Array, *, left: int = 0) -> Crop:
    mask = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    mask[LABEL.slices] = True
    layout = Layout("PixelData", ROWS, COLUMNS, 1, 8, 8, 7, False, "MONOCHROME2", 0, 1)
    return crop_of(values, mask, layout, None, window=Box(left, 0, left + COLUMNS, ROWS))


def test_a_ground_that_stands_still_is_filled_once_and_carried() -> None:
    still = tissue(1, step_pixels=0)[0]
    far = still.copy()
    far[190, 230] ^= 7
    inpainter, carried = Counting(), Carried()

    first = carried.filled([crop(still), crop(far)], inpainter)
    second = carried.filled([crop(still)], inpainter)

    assert inpainter.asked == [1, 0]
    assert first[0] is first[1] is second[0]


def test_a_ground_that_moves_or_lies_elsewhere_is_filled_anew() -> None:
    still = tissue(1, step_pixels=0)[0]
    near = still.copy()
    near[LABEL.top - 3, LABEL.left] ^= 7
    inpainter, carried = Counting(), Carried()

    carried.filled([crop(still), crop(near), crop(still)], inpainter)
    carried.filled([crop(still, left=8)], inpainter)

    assert inpainter.asked == [3, 1]


def test_text_under_the_mask_is_no_movement() -> None:
    one = tissue(1, step_pixels=0)[0]
    two = one.copy()
    two[LABEL.slices] = 255
    inpainter = Counting()

    Carried().filled([crop(one), crop(two)], inpainter)

    assert inpainter.asked == [1]


def big_hole(limit: AnatomyOptions) -> tuple[Region, ...]:
    truth = tissue(2, step_pixels=1)
    finder = finds_always(Box(40, 40, 200, 150))
    inpainter = AutoInpainter(backends(), CHOICE)
    cleaner = PixelCleaner(finder, inpainter, second_look=finds_nothing(), limit=limit)
    return cleaner.clean(instance(truth, Kind()), seed=3).regions


def test_more_anatomy_than_the_treatment_lets_withholds_the_instance() -> None:
    assert {region.fill for region in big_hole(AnatomyOptions(most_share=0.5))} == {"telea"}
    with pytest.raises(AnatomyCovered):
        big_hole(AnatomyOptions())


def test_or_is_painted_in_one_value_where_the_treatment_wants_that() -> None:
    assert {region.fill for region in big_hole(AnatomyOptions(beyond="solid"))} == {"solid"}
