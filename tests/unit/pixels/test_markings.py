"""What a person decided about pixels: their boxes are filled, what they saw stays."""

import numpy as np
import pytest

from deid_node.errors import (
    MostlyText,
    ResidualText,
    TextUncertain,
)
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.values.geometry import Box
from deid_node.values.markings import MOST_BOXES, Marking, Markings
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixels.test_evidence import LOWER, UPPER, an_instance, cleaner

DOUBTFUL = {UPPER: 0.5}


def fills(*boxes: Box, frame: int | None = None) -> Markings:
    return Markings(fill=tuple(Marking(frame, box) for box in boxes))


def stays(*boxes: Box, frame: int | None = None) -> Markings:
    return Markings(stays=tuple(Marking(frame, box) for box in boxes))


def test_a_box_of_a_person_is_filled_where_nothing_was_found() -> None:
    dataset = an_instance(frames=2)

    cleaned = cleaner({}).clean(dataset, seed=1, markings=fills(LOWER, frame=1))

    assert [(one.frame, one.source) for one in cleaned.regions] == [(1, "person")]
    assert cleaned.regions[0].box.contains(LOWER)
    before, after = Frames(dataset, "PixelData")[0], Frames(cleaned.dataset, "PixelData")[0]
    assert np.array_equal(before, after)


def test_a_box_without_a_frame_is_filled_on_every_frame() -> None:
    cleaned = cleaner({}).clean(an_instance(frames=3), seed=1, markings=fills(LOWER))

    assert [one.frame for one in cleaned.regions] == [0, 1, 2]


def test_what_a_person_saw_and_calls_no_text_leaves_with_the_bytes_it_came_with() -> None:
    dataset = an_instance()

    cleaned = cleaner(DOUBTFUL).clean(dataset, seed=1, markings=stays(UPPER))

    assert not cleaned.changed
    assert cleaned.dataset.PixelData == dataset.PixelData


def test_what_a_person_agrees_to_is_filled() -> None:
    cleaned = cleaner(DOUBTFUL).clean(an_instance(), seed=1, markings=fills(UPPER))

    assert [one.source for one in cleaned.regions] == ["person"]


@pytest.mark.req("REQ-PX-17")
@pytest.mark.parametrize(
    "markings",
    [Markings(), fills(LOWER), stays(LOWER), stays(UPPER, frame=1)],
    ids=["nothing", "another is filled", "another stays", "on another frame"],
)
def test_a_doubt_that_a_person_said_nothing_of_withholds_again(markings: Markings) -> None:
    with pytest.raises(TextUncertain):
        cleaner(DOUBTFUL).clean(an_instance(), seed=1, markings=markings)


def test_what_reaches_beyond_the_box_that_was_shown_counts_as_found() -> None:
    wider = Box(UPPER.left, UPPER.top, UPPER.right + 12, UPPER.bottom)

    with pytest.raises(TextUncertain):
        cleaner({wider: 0.5}).clean(an_instance(), seed=1, markings=stays(UPPER))


def test_sure_text_beside_is_filled_as_ever() -> None:
    cleaned = cleaner({UPPER: 0.5, LOWER: 0.9}).clean(an_instance(), seed=1, markings=stays(UPPER))

    assert [one.source for one in cleaned.regions] == ["scored"]


def test_a_person_may_overrule_what_is_sure_where_they_saw_it() -> None:
    most = Box(0, 0, 56, 40)
    dataset = an_instance()
    with pytest.raises(MostlyText) as told:
        cleaner({most: 0.99}).clean(dataset, seed=1)

    shown = [one.box for one in told.value.regions]
    cleaned = cleaner({most: 0.99}).clean(dataset, seed=1, markings=stays(*shown))

    assert not cleaned.changed


@pytest.mark.parametrize("said", [Markings(), fills(LOWER)], ids=["no text", "filled"])
def test_who_has_looked_answers_for_what_waits_for_a_look(said: Markings) -> None:
    dataset = an_instance(BurnedInAnnotation="YES")

    cleaned = cleaner({}).clean(dataset, seed=1, markings=said)

    assert cleaned.changed is bool(said.fill)
    # Nobody has confirmed that no text is there: the mark that says so stays as it came.
    assert cleaned.unconfirmed is not bool(said.fill)


def test_the_second_look_still_sees_what_nobody_has_spoken_of() -> None:
    eyes = PixelCleaner(finds_nothing(), SolidInpainter(), second_look=finds_always(UPPER))

    with pytest.raises(ResidualText):
        eyes.clean(an_instance(), seed=1, markings=fills(UPPER))


def test_there_is_a_bound_of_boxes() -> None:
    with pytest.raises(ValueError, match="boxes"):
        fills(*[UPPER] * (MOST_BOXES + 1))
