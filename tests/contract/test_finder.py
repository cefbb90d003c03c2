"""The promise of `deid_node.pixels.text.find.base.Finder`, over every backend."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.errors import ConfigurationError
from deid_node.pixels.remote.finder import RemoteFinder
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import (
    CrnnOptions,
    FastestRuntimeOptions,
    OnnxRuntimeOptions,
    OpenVinoOptions,
)
from deid_node.values.geometry import Box, Found
from tests.fakes.model_hall import hall

Frame = NDArray[np.uint8]
REMOTE = "remote"
"""The first of them, on another machine."""


@pytest.fixture(
    scope="module",
    params=[
        OnnxRuntimeOptions(),
        OpenVinoOptions(kind="openvino"),
        OpenVinoOptions(kind="openvino", precision="bfloat16"),
        FastestRuntimeOptions(kind="auto"),
        REMOTE,
    ],
    ids=["onnxruntime", "openvino", "openvino-bfloat16", "auto", "remote"],
)
def finder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Finder]:
    if request.param is REMOTE:
        here = build_finder(CrnnOptions(device="cpu"), threads=2)
        with hall(tmp_path_factory.mktemp("hall"), here) as there:
            yield RemoteFinder(here.name, there.line())
        return
    try:
        yield build_finder(CrnnOptions(device="cpu", runtime=request.param), threads=2)
    except ConfigurationError as error:
        if error.path.startswith("pixels.finder.runtime"):
            pytest.skip(str(error))
        raise


def tissue(rows: int, columns: int, *, seed: int = 1) -> Frame:
    """Return soft shapes under fine grain, as ultrasound and CT show them."""
    chance = np.random.default_rng(seed)
    coarse = chance.normal(90, 60, (rows // 24 + 2, columns // 24 + 2)).astype(np.float32)
    shapes = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    grain = cv2.GaussianBlur(chance.normal(0, 14, (rows, columns)).astype(np.float32), (0, 0), 0.8)
    return np.asarray(np.clip(shapes + grain, 0, 190), np.uint8)


def write(
    frame: Frame,
    text: str,
    left: int,
    base: int,
    *,
    colour: Sequence[int] | int = 255,
    size: float = 0.5,
) -> Box:
    """Write on `frame` and return the box of the ink that came to lie inside."""
    shade = colour if isinstance(colour, int) else tuple(colour)
    ink = np.zeros(frame.shape[:2], np.uint8)
    for canvas, value in ((frame, shade), (ink, 255)):
        cv2.putText(
            canvas, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, size, value, 1, cv2.LINE_AA
        )
    rows, columns = np.nonzero(ink)
    return Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def covered(frame: Frame, found: Sequence[Found], box: Box) -> float:
    mask = np.zeros(frame.shape[:2], np.bool_)
    for one in found:
        mask[one.box.grown(3, rows=frame.shape[0], columns=frame.shape[1]).slices] = True
    return float(mask[box.slices].mean())


def test_no_frames_give_nothing(finder: Finder) -> None:
    assert list(finder.find([])) == []


def test_one_answer_a_frame_in_order(finder: Finder) -> None:
    with_text = np.zeros((128, 256), np.uint8)
    write(with_text, "DOE^JANE 1970", 20, 64)
    empty = np.zeros((96, 96), np.uint8)

    answers = finder.find([empty, with_text, empty])

    assert [bool(answer) for answer in answers] == [False, True, False]


@pytest.mark.parametrize("level", [0, 17, 128, 255])
@pytest.mark.parametrize("kind", [(64, 64), (200, 333), (200, 333, 3)], ids=str)
def test_an_even_frame_has_no_text(finder: Finder, kind: tuple[int, ...], level: int) -> None:
    assert list(finder.find([np.full(kind, level, np.uint8)])) == [()]


@pytest.mark.parametrize(
    "kind", [(1, 1), (1, 700), (700, 1), (2, 3, 3), (15, 17), (16, 16, 3)], ids=str
)
def test_tiny_frames_are_looked_at(finder: Finder, kind: tuple[int, ...]) -> None:
    frame = np.random.default_rng(5).integers(0, 256, kind, dtype=np.uint8)

    (answer,) = finder.find([frame])

    assert all(one.box.right <= kind[1] and one.box.bottom <= kind[0] for one in answer)


def test_boxes_lie_inside_and_scores_between_0_and_1(finder: Finder) -> None:
    frame = tissue(301, 407)
    write(frame, "RIGHT", 360, 297)
    write(frame, "ACC 0012345", -4, 9)

    (answer,) = finder.find([frame])

    assert answer
    assert all(one.box.right <= 407 and one.box.bottom <= 301 for one in answer)
    assert all(0.0 <= one.score <= 1.0 for one in answer)


def test_the_arguments_are_not_written_to(finder: Finder) -> None:
    frame = tissue(128, 160)
    write(frame, "A. NAME", 20, 60)
    before = frame.copy()
    frame.setflags(write=False)

    finder.find([frame])

    assert np.array_equal(frame, before)


def test_the_same_frame_gives_the_same_boxes_in_any_company(finder: Finder) -> None:
    frame, other = tissue(160, 220), tissue(160, 220, seed=9)
    write(frame, "1975-04-30", 30, 80)

    alone = finder.find([frame])[0]
    among = finder.find([other, frame, frame, other[:90]])

    assert among[1] == alone
    assert among[2] == alone


def test_frames_that_are_not_contiguous_are_the_same_frames(finder: Finder) -> None:
    frame = tissue(128, 192)
    write(frame, "MRN 445566", 20, 64)
    wide = np.repeat(frame, 2, axis=1)[:, ::2]

    assert finder.find([wide]) == finder.find([frame])


def test_grey_and_the_same_grey_as_colour_give_the_same_boxes(finder: Finder) -> None:
    frame = tissue(128, 192)
    write(frame, "MRN 445566", 20, 64)

    assert finder.find([np.repeat(frame[..., None], 3, axis=2)]) == finder.find([frame])


@pytest.mark.parametrize("wrong", [np.zeros((8, 8), np.uint16), np.zeros((8, 8, 4), np.uint8)])
def test_what_is_no_display_frame_is_refused(finder: Finder, wrong: Frame) -> None:
    with pytest.raises(ValueError, match="not a display frame"):
        finder.find([wrong])


@pytest.mark.parametrize("size", [0.35, 0.5, 0.9, 1.6], ids="size-{}".format)
@pytest.mark.parametrize("text", ["SMITH^JOHN", "DOB: 08/29/1951", "ID 00079241539"])
def test_a_line_over_tissue_is_found(finder: Finder, text: str, size: float) -> None:
    frame = tissue(256, 512)
    box = write(frame, text, 40, 130, size=size)

    (answer,) = finder.find([frame])

    assert covered(frame, answer, box) >= 0.9


@pytest.mark.parametrize(
    "colour",
    [(255, 255, 0), (0, 255, 0), (255, 0, 0), (0, 0, 255), (0, 255, 255), (255, 0, 255)],
    ids=["yellow", "green", "red", "blue", "cyan", "magenta"],
)
def test_coloured_text_on_black_is_found(finder: Finder, colour: tuple[int, int, int]) -> None:
    frame = np.zeros((128, 320, 3), np.uint8)
    box = write(frame, "DOE^JANE 1970", 30, 70, colour=colour)

    (answer,) = finder.find([frame])

    assert covered(frame, answer, box) >= 0.9


def test_text_on_every_place_of_a_frame_of_several_tiles_is_found(finder: Finder) -> None:
    frame = np.zeros((1300, 2300), np.uint8)
    lines = [
        write(frame, f"{row:04}-{column:04}", column, row)
        for row in range(20, 1300, 110)
        for column in range(3, 2200, 130)
    ]

    (answer,) = finder.find([frame])

    missed = [box for box in lines if covered(frame, answer, box) < 0.9]
    assert missed == []
