"""The promise of `deid_node.pixels.text.read.base.Reader`, over every backend."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.pixels.text.read.base import Reader, Reading
from deid_node.pixels.text.read.build import build_reader
from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node.values.geometry import Box

Frame = NDArray[np.uint8]


@pytest.fixture(
    scope="module", params=[CrnnReaderOptions(device="cpu")], ids=lambda options: options.kind
)
def reader(request: pytest.FixtureRequest) -> Reader:
    return build_reader(request.param, threads=1)


def write(
    frame: Frame, text: str, left: int, base: int, *, colour: int | tuple[int, int, int] = 255
) -> Box:
    """Write on `frame` and return the box of the ink with a margin of two pixels."""
    ink = np.zeros(frame.shape[:2], np.uint8)
    for canvas, value in ((frame, colour), (ink, 255)):
        cv2.putText(
            canvas, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 0.6, value, 1, cv2.LINE_AA
        )
    rows, columns = np.nonzero(ink)
    box = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    return box.grown(2, rows=frame.shape[0], columns=frame.shape[1])


def page(*lines: str, level: int = 0) -> tuple[Frame, list[Box]]:
    frame = np.full((40 * len(lines) + 20, 320), level, np.uint8)
    return frame, [write(frame, line, 20, 40 * n + 30) for n, line in enumerate(lines)]


def test_no_boxes_give_nothing(reader: Reader) -> None:
    assert list(reader.read(np.zeros((64, 64), np.uint8), [])) == []


def test_one_reading_a_box_in_order(reader: Reader) -> None:
    frame, boxes = page("120 kV", "12.3 mm", "HFS")

    readings = reader.read(frame, boxes[::-1])

    assert [one.text for one in readings] == ["HFS", "12.3 mm", "120 kV"]


@pytest.mark.parametrize(
    "text", ["R", "LT", "5 cm", "12.3 mm", "120 kV", "MI 0.6", "SMITH 1970", "W:400 L:40"]
)
@pytest.mark.parametrize("inverted", [False, True], ids=["white", "black"])
def test_a_clear_line_is_read(reader: Reader, text: str, inverted: bool) -> None:
    frame, (box,) = page(text)

    (reading,) = reader.read(255 - frame if inverted else frame, [box])

    assert reading.text == text


@pytest.mark.parametrize(
    "colour",
    [(255, 255, 0), (0, 255, 0), (255, 0, 0), (0, 0, 255), (0, 255, 255), (255, 0, 255)],
    ids=["yellow", "green", "red", "blue", "cyan", "magenta"],
)
def test_coloured_text_is_read(reader: Reader, colour: tuple[int, int, int]) -> None:
    frame = np.zeros((64, 200, 3), np.uint8)
    box = write(frame, "12.3 mm", 20, 40, colour=colour)

    (reading,) = reader.read(frame, [box])

    assert reading.text == "12.3 mm"


@pytest.mark.parametrize("turns", [1, 3])
def test_a_line_that_stands_on_end_is_read(reader: Reader, turns: int) -> None:
    frame, (box,) = page("12.3 mm")
    turned = np.rot90(frame[box.slices], turns)

    (reading,) = reader.read(turned, [Box(0, 0, turned.shape[1], turned.shape[0])])

    assert reading.text == "12.3 mm"


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 1, 1), Box(0, 0, 300, 1), Box(0, 0, 1, 200), Box(3, 5, 5, 8), Box(0, 0, 300, 200)],
    ids=str,
)
def test_confidence_lies_between_0_and_1_and_is_0_where_nothing_is_read(
    reader: Reader, box: Box
) -> None:
    frame = np.random.default_rng(3).integers(0, 256, (200, 300), dtype=np.uint8)

    (reading,) = reader.read(frame, [box])

    assert 0.0 <= reading.confidence <= 1.0
    assert reading.text or reading.confidence == 0.0


@pytest.mark.parametrize("level", [0, 17, 128, 255])
@pytest.mark.parametrize("shape", [(64, 200), (64, 200, 3)], ids=str)
def test_an_even_place_says_nothing(reader: Reader, shape: tuple[int, ...], level: int) -> None:
    (reading,) = reader.read(np.full(shape, level, np.uint8), [Box(10, 10, 120, 32)])

    assert reading == Reading("", 0.0)


def test_the_frame_is_not_written_to(reader: Reader) -> None:
    frame, boxes = page("MI 0.6")
    before = frame.copy()
    frame.setflags(write=False)

    reader.read(frame, boxes)

    assert np.array_equal(frame, before)


def test_the_same_box_reads_the_same_in_any_company(reader: Reader) -> None:
    frame, boxes = page("MI 0.6", "GENERAL HOSPITAL", "R")

    alone = [reader.read(frame, [box])[0] for box in boxes]

    assert list(reader.read(frame, boxes)) == alone
    assert list(reader.read(frame, [*boxes[::-1], *boxes])) == [*alone[::-1], *alone]


def test_grey_and_the_same_grey_as_colour_read_the_same(reader: Reader) -> None:
    frame, boxes = page("MI 0.6", level=90)

    assert reader.read(np.repeat(frame[..., None], 3, axis=2), boxes) == reader.read(frame, boxes)


def test_frames_that_are_not_contiguous_are_the_same_frames(reader: Reader) -> None:
    frame, boxes = page("MI 0.6", level=90)
    wide = np.repeat(frame, 2, axis=1)[:, ::2]

    assert reader.read(wide, boxes) == reader.read(frame, boxes)


def test_the_name_tells_the_weights_and_the_threshold_is_a_share(reader: Reader) -> None:
    kind, _, digits = reader.name.partition("-")

    assert (kind, len(digits)) == ("crnn", 8)
    assert 0.0 < reader.min_confidence < 1.0


def test_a_representation_does_not_show_what_was_read(reader: Reader) -> None:
    frame, boxes = page("SMITH 1970")

    assert "SMITH" not in repr(reader.read(frame, boxes))


@pytest.mark.parametrize("wrong", [np.zeros((8, 8), np.uint16), np.zeros((8, 8, 4), np.uint8)])
def test_what_is_no_display_frame_is_refused(reader: Reader, wrong: Frame) -> None:
    with pytest.raises(ValueError, match="not a display frame"):
        reader.read(wrong, [Box(0, 0, 4, 4)])


def test_a_box_that_reaches_out_of_the_frame_is_refused(reader: Reader) -> None:
    with pytest.raises(ValueError, match="reaches out"):
        reader.read(np.zeros((8, 8), np.uint8), [Box(4, 4, 9, 8)])
