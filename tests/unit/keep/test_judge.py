import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.keep.judge import Judge, KeepList, names_everybody
from deid_node.pixels.text.keep.sightings import places
from deid_node.pixels.text.read.base import Reading
from deid_node.pixels.text.search import Look
from deid_node.values.geometry import Box, Found
from tests.fakes.reader import NOTHING, ScriptedReader, reads_always

LINE = Box(40, 30, 90, 46)
ANYTHING = re.compile(r"(?s).*")


def views(count: int = 1) -> tuple[DisplayFrame, ...]:
    return tuple(np.full((200, 200), number, np.uint8) for number in range(count))


def staying(
    reader: ScriptedReader,
    *seen: Sequence[Box],
    patterns: tuple[re.Pattern[str], ...] = (ANYTHING,),
    says: Sequence[str] = (),
) -> list[str]:
    """Return the texts that may stay, of boxes `seen` on each view."""
    keep = KeepList(reader, patterns)
    judge = Judge(keep, lambda line: line in says, Stopwatch())
    found = tuple(tuple(Found(box, 0.9) for box in boxes) for boxes in seen)
    look = Look(0, views(len(seen)), found)
    return sorted(judge.texts(look.views, places(look)).values())


def by_view(*readings: Reading) -> ScriptedReader:
    """Return a reader that reads one text on each view."""
    return ScriptedReader(lambda frame, _box: readings[int(frame[0, 0])])


def test_a_line_stays_for_which_all_conditions_hold() -> None:
    assert staying(reads_always("10.5 mm"), [LINE]) == ["10.5 mm"]


def test_blanks_at_the_ends_and_between_words_do_not_count() -> None:
    reader = reads_always("  10.5 \u00a0  mm ")

    assert staying(reader, [LINE], patterns=(re.compile(r"10\.5 mm"),)) == ["10.5 mm"]


@pytest.mark.req("REQ-PX-10")
@pytest.mark.parametrize("confidence", [0.0, 0.899, float("nan")])
def test_a_line_that_the_reader_is_not_sure_of_goes(confidence: float) -> None:
    assert staying(reads_always("10.5 mm", confidence=confidence), [LINE]) == []


@pytest.mark.req("REQ-PX-10")
@pytest.mark.parametrize("pattern", ["10.5", "0.5 mm", "10.5 m", "x10.5 mm", "10.5 mmx"])
def test_a_line_that_no_pattern_matches_in_full_goes(pattern: str) -> None:
    assert staying(reads_always("10.5 mm"), [LINE], patterns=(re.compile(pattern),)) == []


def test_without_patterns_nothing_stays() -> None:
    assert staying(reads_always("10.5 mm"), [LINE], patterns=()) == []


@pytest.mark.req("REQ-PX-11")
def test_a_line_that_says_something_of_the_header_goes() -> None:
    assert staying(reads_always("10.5 mm"), [LINE], says=["10.5 mm"]) == []


def test_where_the_header_is_not_at_hand_every_line_names_the_patient() -> None:
    assert names_everybody("R")


@pytest.mark.parametrize(
    "text",
    [
        "12345 mm",
        "30.04.57",
        "4/12/2023",
        "2023-12-04",
        "30 04 1957",
        "4. Dec 23",
        "04DEC23",
        "Dr. \ufffd\ufffd",
        "",
    ],
)
def test_whatever_the_patterns_say_dates_numbers_and_unread_letters_go(text: str) -> None:
    assert staying(reads_always(text), [LINE]) == []


def test_a_line_that_is_longer_than_any_pattern_is_tried_on_goes() -> None:
    assert staying(reads_always("m" * 41), [Box(0, 30, 200, 38)]) == []
    assert staying(reads_always("m" * 40), [Box(0, 30, 200, 38)]) == ["m" * 40]


@pytest.mark.parametrize(
    ("box", "text"),
    [
        (Box(40, 30, 44, 34), "R"),
        (Box(10, 10, 90, 61), "10.5 mm"),
        (Box(40, 30, 80, 46), "R"),
        (Box(40, 30, 180, 46), "10.5 mm"),
        (Box(40, 30, 60, 46), "10.5 mm"),
        (Box(40, 30, 56, 100), "R"),
    ],
    ids=["too low", "too high", "much wider than R", "too wide", "two lines", "much higher than R"],
)
def test_a_box_that_is_no_line_of_that_text_goes(box: Box, text: str) -> None:
    assert staying(reads_always(text), [box]) == []


def test_a_line_that_is_turned_by_a_quarter_may_stay() -> None:
    assert staying(reads_always("10.5 mm"), [Box(30, 40, 46, 90)]) == ["10.5 mm"]


def test_a_narrow_letter_may_be_twice_as_high_as_wide() -> None:
    assert staying(reads_always("L"), [Box(40, 30, 50, 51)]) == ["L"]


def test_two_boxes_at_one_place_of_a_view_are_no_line() -> None:
    assert staying(reads_always("R"), [Box(40, 30, 52, 44), Box(50, 32, 62, 46)]) == []


@pytest.mark.req("REQ-PX-12")
def test_a_line_that_reads_otherwise_on_a_view_where_it_was_found_goes() -> None:
    sure, other = Reading("10.5 mm", 0.99), Reading("10.5 cm", 0.99)

    assert staying(by_view(sure, sure), [LINE], [LINE]) == ["10.5 mm"]
    assert staying(by_view(sure, other), [LINE], [LINE]) == []
    assert staying(by_view(sure, Reading("10.5 mm", 0.5)), [LINE], [LINE]) == []
    assert staying(by_view(NOTHING, sure), [LINE], [LINE]) == []


def test_a_view_where_it_was_not_found_counts_only_if_something_else_is_read_there() -> None:
    sure = Reading("R", 0.99)
    box = Box(40, 30, 52, 44)

    assert staying(by_view(sure, NOTHING), [box], []) == ["R"]
    assert staying(by_view(sure, Reading("B", 0.4)), [box], []) == ["R"]
    assert staying(by_view(sure, Reading("LEE R", 0.95)), [box], []) == []


@pytest.mark.req("REQ-PX-12")
@pytest.mark.parametrize(
    ("beyond", "stays"), [("R", ["R"]), ("RLEE", []), ("R \ufffd", []), ("B", [])]
)
def test_a_line_that_says_more_beyond_its_ends_goes(beyond: str, stays: list[str]) -> None:
    box = Box(40, 30, 52, 44)
    reader = ScriptedReader(lambda _frame, at: Reading("R" if at == box else beyond, 0.95))

    assert staying(reader, [box]) == stays


@pytest.mark.parametrize(
    ("box", "beyond"),
    [
        (Box(40, 30, 52, 44), Box(28, 30, 64, 44)),
        (Box(2, 30, 14, 44), Box(0, 30, 26, 44)),
        (Box(40, 30, 46, 44), Box(40, 24, 46, 50)),
    ],
    ids=["level", "at the edge", "on end"],
)
def test_the_ends_of_a_line_are_the_height_of_its_letters_away(box: Box, beyond: Box) -> None:
    reader = reads_always("R")

    staying(reader, [box])

    assert reader.asked == [box, beyond]


def test_boxes_of_several_views_that_overlap_are_one_place() -> None:
    seen = [[LINE], [Box(38, 29, 92, 47)], [Box(41, 31, 90, 46)]]

    assert staying(reads_always("10.5 mm"), *seen) == ["10.5 mm"]


def test_a_reader_that_answers_for_another_number_of_boxes_is_a_fault() -> None:
    class Short(ScriptedReader):
        def read(self, frame: DisplayFrame, boxes: Sequence[Box]) -> Sequence[Reading]:
            return ()

    with pytest.raises(RuntimeError):
        staying(Short(), [LINE])


@given(st.text(max_size=12), st.text(max_size=12), st.sampled_from(["^", " ", "", "-", ", "]))
def test_no_line_of_which_the_header_knows_stays_whatever_the_pattern(
    before: str, after: str, between: str
) -> None:
    line = f"{before}{between}LEE{between}{after}"
    keep = KeepList(reads_always(line), (ANYTHING,))
    judge = Judge(keep, lambda text: "LEE" in text, Stopwatch())
    width = max(1, len(" ".join(line.split())) * 8)
    look = Look(0, views(), ((Found(Box(0, 0, min(200, width), 14), 0.9),),))

    assert not judge.texts(look.views, places(look))
