"""Drawn ground truth is seeded, small, inside its picture, and where it says."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node.values.geometry import Box
from deid_node_lab.evaluation.cases import case_of, dataset_of
from deid_node_lab.evaluation.hits import counts_of
from deid_node_lab.evaluation.nuisances import Level, Setting, font_of, levels
from deid_node_lab.evaluation.rendering import ScannerText
from deid_node_lab.evaluation.stress import Stress
from deid_node_lab.evaluation.strokes import plotted


def picture(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 200, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(200, 320), (320, 200, 3)], ids=["grey", "colour"])
def test_text_is_drawn_where_the_items_say_and_nowhere_else(shape: tuple[int, ...]) -> None:
    plain = picture(*shape)

    drawn, items = ScannerText((), seed=4).render(plain, 1)

    assert drawn.shape == plain.shape
    assert items
    outside = np.ones(shape[:2], np.bool_)
    for item in items:
        left, top = (int(n) for n in np.floor(item.corners.min(0)))
        right, bottom = (int(n) for n in np.ceil(item.corners.max(0)))
        assert 0 <= left < right <= shape[1]
        assert 0 <= top < bottom <= shape[0]
        assert item.text
        assert not np.array_equal(drawn[top:bottom, left:right], plain[top:bottom, left:right])
        outside[top:bottom, left:right] = False
    assert np.array_equal(drawn[outside], plain[outside])


def test_the_same_seed_and_index_draw_the_same() -> None:
    first, _ = ScannerText((), seed=4).render(picture(150, 150), 7)
    again, _ = ScannerText((), seed=4).render(picture(150, 150), 7)
    other, _ = ScannerText((), seed=5).render(picture(150, 150), 7)

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_picture_too_small_for_text_stays_as_it_is() -> None:
    drawn, items = ScannerText((), seed=4).render(picture(4, 4), 0)

    assert not items
    assert np.array_equal(drawn, picture(4, 4))


def test_most_lines_are_as_small_as_scanners_write() -> None:
    text = ScannerText((), seed=9)
    heights = [
        item.height_pixels
        for index in range(25)
        for item in text.render(picture(400, 400), index)[1]
    ]

    assert 6 < np.median(heights) < 13


@pytest.mark.parametrize("level", levels(), ids=lambda one: f"{one.nuisance} {one.name}")
def test_pictures_of_the_stress_set_hold_what_their_level_says(level: Level) -> None:
    stress = Stress(pictures=(picture(90, 70),))
    if stress.lacks(level) or max(level.setting.size) > 1024:
        pytest.skip("needs a font, or too large to draw here")

    (case,), (again,) = list(stress.cases(level, 1)), list(stress.cases(level, 1))

    assert np.array_equal(case.picture, again.picture)
    assert case.picture.shape[:2] == level.setting.size
    assert bool(case.items) == (level.setting.negative is None)
    for item in case.items:
        left, top = (max(0, int(n)) for n in item.corners.min(0))
        right, bottom = (int(np.ceil(n)) for n in item.corners.max(0))
        assert np.ptp(case.picture[top:bottom, left:right]) >= 5
        counts, _ = counts_of(
            case_of(dataset_of(case.picture), [item]), [Box(left, top, right, bottom)]
        )
        assert counts["items_covered"] == 1


def test_a_level_that_lacks_a_font_says_so() -> None:
    (level,) = [one for one in levels() if one.name == "bitmap font"]

    assert "font" in str(Stress().lacks(level))
    assert font_of(Setting(), ()) is None


@pytest.mark.parametrize("capital_pixels", [6, 14, 40])
def test_plotted_letters_are_as_high_as_asked_and_differ(capital_pixels: int) -> None:
    letters = {
        letter: plotted(letter, capital_pixels) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    }

    shapes = set()
    for letter, alpha in letters.items():
        assert alpha is not None, letter
        assert abs(alpha.shape[0] - capital_pixels) <= max(2, capital_pixels / 6)
        shapes.add((alpha.shape, alpha.tobytes()))
    assert len(shapes) == len(letters)
    assert plotted(" ", capital_pixels) is None
