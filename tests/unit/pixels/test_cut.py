"""A letter of which a box holds a part goes whole, and nothing else grows."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.cut import MOST_GROWTH, made_whole
from deid_node.values.geometry import Box, Found
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import EXPLICIT, Kind, instance

LETTER = Box(80, 70, 120, 130)


def a_film(*, noise: float = 5.0) -> NDArray[np.uint8]:
    """Return a dark film with a body in it, without a letter."""
    y, x = np.mgrid[0:200, 0:220]
    body = 25 + 70 * np.exp(-(((x - 150) / 80) ** 2) - ((y - 120) / 90) ** 2)
    draw = np.random.default_rng(5)
    return np.asarray((body + draw.normal(0, noise, body.shape)).clip(0, 255), np.uint8)


def an_l(frame: NDArray[np.uint8], *, value: int = 235) -> NDArray[np.uint8]:
    """Return `frame` with an L of lead in the box `LETTER`."""
    lettered = frame.copy()
    lettered[70:130, 80:91] = value
    lettered[119:130, 80:120] = value
    return lettered


def shown(frame: NDArray[np.uint8]) -> DisplayFrame:
    return np.repeat(frame[..., None], 3, axis=2)


def grown(frame: NDArray[np.uint8], box: Box) -> Box:
    (found,) = made_whole([Found(box, 0.7)], shown(frame))
    assert found.score == 0.7
    return found.box


@pytest.mark.parametrize(
    "part",
    [Box(76, 66, 124, 104), Box(76, 98, 124, 134), Box(76, 66, 100, 110), Box(78, 106, 110, 126)],
    ids=["upper half", "lower half", "stem", "corner"],
)
def test_a_cut_letter_is_found_whole(part: Box) -> None:
    result = grown(an_l(a_film()), part)

    assert result.contains(LETTER)
    assert result.contains(part)
    assert Box(70, 60, 130, 140).contains(result)


def test_a_dark_letter_on_a_bright_ground_is_found_whole_too() -> None:
    assert grown(255 - an_l(a_film()), Box(76, 66, 124, 104)).contains(LETTER)


def test_a_view_of_one_channel_does_as_well() -> None:
    (found,) = made_whole([Found(Box(76, 66, 124, 104), 0.7)], an_l(a_film()))

    assert found.box.contains(LETTER)


def test_no_pixel_of_a_cut_letter_stays_in_the_instance() -> None:
    film = a_film()
    cleaner = PixelCleaner(
        finds_always(Box(76, 66, 124, 104)), SolidInpainter(), second_look=finds_nothing()
    )

    result = cleaner.clean(instance(an_l(film)[None], Kind(EXPLICIT)), seed=1)

    cleaned = result.dataset.pixel_array
    assert int(cleaned[LETTER.slices].max()) < 150
    (region,) = result.regions
    outside = np.ones(film.shape, np.bool_)
    outside[region.box.slices] = False
    assert np.array_equal(cleaned[outside], an_l(film)[outside])


def _disc(frame: NDArray[np.uint8]) -> None:
    cv2.circle(frame, (100, 100), 26, 235, -1)


def _bone(frame: NDArray[np.uint8]) -> None:
    cv2.rectangle(frame, (80, 0), (90, 199), 235, -1)


def _table(frame: NDArray[np.uint8]) -> None:
    cv2.line(frame, (0, 100), (219, 104), 235, 5)


def _long_wire(frame: NDArray[np.uint8]) -> None:
    cv2.ellipse(frame, (100, 100), (95, 80), 0, 0, 360, 235, 3)


def _dots(frame: NDArray[np.uint8]) -> None:
    frame[60:140:6, 60:140:6] = 235


@pytest.mark.parametrize(
    "draw", [_disc, _bone, _table, _long_wire, _dots], ids=lambda draw: draw.__name__
)
@pytest.mark.parametrize("box", [Box(76, 66, 124, 104), Box(84, 84, 100, 106)], ids=str)
def test_what_is_no_letter_grows_no_box(draw: object, box: Box) -> None:
    film = a_film()
    draw(film)  # type: ignore[operator]

    assert grown(film, box) == box


def test_noise_and_a_faint_mark_grow_no_box() -> None:
    box = Box(76, 66, 124, 104)
    noise = np.random.default_rng(2).integers(0, 256, (200, 220), dtype=np.uint8)

    assert grown(noise, box) == box
    assert grown(a_film(), box) == box


def test_a_line_of_text_keeps_its_box() -> None:
    film = a_film()
    cv2.putText(film, "DOE JANE", (20, 110), cv2.FONT_HERSHEY_SIMPLEX, 1, 235, 2)

    assert grown(film, Box(18, 84, 120, 118)) == Box(18, 84, 120, 118)


def test_a_box_at_the_edge_of_the_frame_stays_within_it() -> None:
    film = a_film()
    film[150:200, 0:9] = film[191:200, 0:40] = 235

    result = grown(film, Box(0, 180, 44, 200))

    assert result == Box(0, 180, 44, 200)
    assert MOST_GROWTH > 1
