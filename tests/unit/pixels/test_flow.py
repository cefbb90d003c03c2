"""What runs through a scale of colours is blood, and no finder is sure enough to fill it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory
from deid_node.pixels.text.flow import shows_flow
from deid_node.spool.files import PLAIN
from deid_node.values.geometry import Box
from deid_node.values.outcome import Cleaned, Withheld
from tests.unit.pipeline.test_kept_text import an_order
from tests.unit.pixeldata.instances import Array

WHOLE = Box(0, 0, 200, 60)


def doppler() -> Dataset:
    return dcmread(str(get_testdata_file("examples_rgb_color.dcm")))


def letters(colour: tuple[int, int, int]) -> Array:
    picture = np.full((60, 200, 3), (20, 20, 30), np.uint8)
    cv2.putText(picture, "DOE JOHN", (5, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.1, colour, 3, cv2.LINE_AA)
    return picture


def branches() -> Array:
    """Return speckle with strokes that run from dark red by orange to yellow, as power does."""
    draw = np.random.default_rng(5)
    picture = np.repeat(draw.integers(20, 90, (60, 200, 1), np.uint8), 3, axis=2)
    for start in range(5, 190, 12):
        for step in range(12):
            colour = (140 + 9 * step, 20 * step, 0)
            at = (start + step, 10 + 4 * ((start // 12 + step) % 10))
            cv2.circle(picture, at, 4, colour, -1)
    return picture


def test_the_scale_of_power_and_of_velocity_is_flow() -> None:
    power = branches()
    velocity = power.copy()
    velocity[:, 100:] = velocity[:, 100:, ::-1]

    assert shows_flow(power, WHOLE)
    assert shows_flow(velocity, WHOLE)


@pytest.mark.parametrize(
    "colour", [(255, 255, 0), (0, 255, 0), (0, 255, 255), (255, 128, 0), (255, 255, 255)]
)
@pytest.mark.parametrize("quality", [None, 90])
def test_letters_of_one_colour_are_none(colour: tuple[int, int, int], quality: int | None) -> None:
    picture = letters(colour)
    if quality is not None:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)

    assert not shows_flow(picture, WHOLE)


def test_a_grey_picture_shows_none() -> None:
    assert not shows_flow(np.asarray(branches()[..., 0]), WHOLE)


def test_a_power_doppler_that_a_finder_takes_for_text_waits_for_a_person(tmp_path: Path) -> None:
    corridor = corridor_factory(Config(), keys=[bytes(range(32))], files=PLAIN, offline=True)()

    outcome = corridor.clean(an_order(tmp_path, doppler()))

    assert isinstance(outcome, Withheld)
    assert outcome.code == "text_uncertain"
    # The flow lies in the middle of the picture, the lines of the screen around it.
    assert any(80 < region.box.top + region.box.bottom < 280 for region in outcome.seen)


def test_a_site_that_fills_in_doubt_fills_this_too(tmp_path: Path) -> None:
    config = Config.model_validate({"treatments": {"research": {"doubt": {"regions": "fill"}}}})
    corridor = corridor_factory(config, keys=[bytes(range(32))], files=PLAIN, offline=True)()

    outcome = corridor.clean(an_order(tmp_path, doppler()))

    assert isinstance(outcome, Cleaned | Withheld)
    assert not isinstance(outcome, Withheld) or outcome.code != "text_uncertain"
