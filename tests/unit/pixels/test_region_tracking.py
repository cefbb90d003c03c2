"""A region is carried where its strokes stand still, and nowhere else."""

import cv2
import numpy as np
import pytest

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.frames import Frames
from deid_node.pixels import region_tracking
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.region_tracking import carried_over, stands_still
from deid_node.pixels.text.keep.settle import KeptLine, Settled
from deid_node.pixels.text.keep.sorter import Sorter
from deid_node.pixels.text.masks import Marked
from deid_node.values.geometry import Box
from tests.fakes.finder import ScriptedFinder, finds_nothing
from tests.unit.pixeldata.instances import BASELINE, EXPLICIT, RLE, Array, Kind, instance

GREY = Kind()
FRAMES = 6
NAME = Box(8, 8, 120, 30)
TAG = Box(0, 90, 8, 96)
"""Tells the finder of these tests which frame it is shown: as many white pixels as its number."""


def banner(kind: Kind = GREY, *, at: dict[int, int] | None = None) -> Array:
    """Return frames with a name that stands still over speckle that moves, and a number each.

    `at` moves the name of a frame to the right, or takes it away where that is -1.
    """
    draw = np.random.default_rng(5)
    frames = draw.integers(20, 90, (FRAMES, 96, 200)).astype(np.uint8)
    for index, frame in enumerate(frames):
        shift = (at or {}).get(index, 0)
        if shift >= 0:
            place = (10 + shift, 26)
            cv2.putText(frame, "DOE JANE", place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 240, 1)
        frame[TAG.slices] = 0
        frame[90:92, :index] = 255
    return frames if kind.samples == 1 else np.stack([frames] * 3, axis=3)


def finds_on(*indices: int) -> ScriptedFinder:
    """Return a finder that sees the name on these frames only."""

    def script(frame: DisplayFrame) -> list[Box]:
        row = frame[90] if frame.ndim == 2 else frame[90, :, 0]
        return [NAME] if int((row[:FRAMES] > 128).sum()) in indices else []

    return ScriptedFinder(script)


def filled_frames(values: Array, finder: ScriptedFinder, kind: Kind = GREY) -> set[int]:
    cleaner = PixelCleaner(finder, SolidInpainter(), second_look=finds_nothing())
    cleaned = cleaner.clean(instance(values, kind), seed=1)
    return {region.frame for region in cleaned.regions}


@pytest.mark.parametrize("seen", [(0,), (3,), (5,), (0, 5), (1, 2, 4)])
def test_a_banner_that_was_missed_goes_on_every_frame(seen: tuple[int, ...]) -> None:
    assert filled_frames(banner(), finds_on(*seen)) == set(range(FRAMES))


@pytest.mark.parametrize(
    "kind", [Kind(BASELINE), Kind(RLE, "RGB"), Kind(EXPLICIT, "MONOCHROME1")], ids=str
)
def test_a_banner_is_carried_whatever_the_syntax(kind: Kind) -> None:
    assert filled_frames(banner(kind), finds_on(2), kind) == set(range(FRAMES))


def test_nothing_is_carried_over_a_frame_on_which_it_does_not_stand() -> None:
    assert filled_frames(banner(at={3: -1}), finds_on(1)) == {0, 1, 2}
    assert filled_frames(banner(at={3: 9}), finds_on(5)) == {4, 5}


def test_a_name_that_comes_back_is_carried_from_both_sides() -> None:
    assert filled_frames(banner(at={3: -1}), finds_on(0, 5)) == {0, 1, 2, 4, 5}


def test_what_moves_is_not_carried() -> None:
    values = banner(at={index: 3 * index for index in range(FRAMES)})

    assert filled_frames(values, finds_on(2)) == {2}


def test_a_half_that_was_missed_is_carried() -> None:
    dataset = instance(banner(), Kind())
    whole, half = Marked(NAME, 0.9, "f"), Marked(Box(8, 8, 60, 30), 0.9, "f")
    settled = (Settled((whole,)), *(Settled((half,)) for _ in range(FRAMES - 1)))

    carried = carried_over(Frames(dataset, "PixelData"), settled, a_sorter(), None)

    assert all(any(mark.box.contains(NAME) for mark in one.marks) for one in carried)


def test_boxes_that_jitter_cost_no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = Frames(instance(banner(), Kind()), "PixelData")
    boxes = [Box(8 + index % 3, 8, 120 - index % 2, 30) for index in range(FRAMES)]
    settled = tuple(Settled((Marked(box, 0.9, "f"),)) for box in boxes)

    def never(*_arguments: object) -> bool:
        raise AssertionError("decoded")

    monkeypatch.setattr(region_tracking, "stands_still", never)

    assert carried_over(frames, settled, a_sorter(), None) == settled


def test_a_line_that_stays_on_its_frame_is_not_filled_for_its_neighbours() -> None:
    frames = Frames(instance(banner(), Kind()), "PixelData")
    mark = Marked(NAME, 0.9, "f")
    settled = (Settled((mark,)), Settled((), (KeptLine(mark, (NAME,), "L"),))) * (FRAMES // 2)

    assert carried_over(frames, settled, a_sorter(), None) == settled


def a_sorter() -> Sorter:
    return Sorter(None, rows=96, columns=200, grid_pixels=1)


def strokes(ground: Array) -> Array:
    text = np.ascontiguousarray(ground, np.uint8)
    cv2.putText(text, "DOE JANE", (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 240, 1)
    return text.astype(np.float32)[..., None]


def flat(level: int) -> Array:
    return np.full((24, 112), level, np.float32)


@pytest.mark.parametrize(
    ("later", "still"),
    [
        (strokes(flat(40)), True),
        (strokes(flat(60)) + 4, True),
        (strokes(np.random.default_rng(4).integers(0, 120, (24, 112))), True),
        (np.roll(strokes(flat(40)), 2, axis=1), False),
        (np.roll(strokes(flat(40)), 1, axis=0), False),
        (flat(40)[..., None], False),
        # White everywhere: the strokes have their old value, and nobody can read them.
        (flat(240)[..., None], False),
        (255 - strokes(flat(40)), False),
    ],
    ids=["same", "near", "other-ground", "right", "down", "gone", "flash", "negative"],
)
def test_strokes_stand_still_or_they_do_not(later: Array, still: bool) -> None:
    assert stands_still(strokes(flat(40)), later) is still


def test_a_box_of_one_value_has_nothing_that_could_stand_still() -> None:
    assert not stands_still(flat(40)[..., None], flat(40)[..., None])
