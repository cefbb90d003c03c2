import numpy as np
import pytest
from pydicom.dataset import Dataset

from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.search import Look, looks
from deid_node.values.geometry import Box
from tests.fakes.finder import ScriptedFinder, finds_ink, finds_nothing
from tests.unit.pixeldata.instances import BASELINE, EXPLICIT, Array, Kind, instance, noise


def looked(
    dataset: Dataset, stack: Array, finder: ScriptedFinder, batch_bytes: int = 10**9
) -> list[Look]:
    display = Display(dataset, Frames(dataset, "PixelData").layout)
    return list(looks(finder, display, enumerate(stack), Stopwatch(), batch_bytes=batch_bytes))


@pytest.mark.req("REQ-PX-02")
@pytest.mark.parametrize("batch_bytes", [1, 10**9])
def test_equal_frames_are_shown_once_and_each_has_its_answer(batch_bytes: int) -> None:
    one, two = noise(Kind(), frames=2)
    stack = np.stack([one, two, one, one, two])
    finder = ScriptedFinder(lambda frame: [Box(1, 1, 2 + int(frame[0, 0, 0]) % 7, 3)])

    found = looked(instance(stack, Kind()), stack, finder, batch_bytes=batch_bytes)

    assert len(finder.shown) == 2
    assert [look.index for look in found] == list(range(5))
    assert [look.found for look in found] == [found[n].found for n in (0, 1, 0, 0, 1)]
    assert [len(look.views) for look in found] == [2] * 5


def test_a_frame_that_differs_in_one_value_is_shown() -> None:
    one = noise(Kind(), frames=1)[0]
    other = one.copy()
    other[5, 5] ^= 1
    stack = np.stack([one, other])
    finder = finds_nothing()

    looked(instance(stack, Kind()), stack, finder)

    assert len(finder.shown) == 2


def test_equal_frames_with_windows_of_their_own_are_both_shown() -> None:
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 12)
    one = noise(kind, frames=1)[0]
    stack = np.stack([one, one])
    dataset = instance(stack, kind)
    groups = []
    for center in (500, 2500):
        window, group = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, 400
        group.FrameVOILUTSequence = [window]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    finder = finds_nothing()

    (first, second) = looked(dataset, stack, finder)

    assert not np.array_equal(first.views[0], second.views[0])
    assert len(finder.shown) == 2


def test_frames_of_the_same_bytes_and_another_shape_are_both_shown() -> None:
    frame = noise(Kind(), frames=1)[0]
    finder = finds_nothing()
    dataset = instance(frame[None], Kind())
    layout = Frames(dataset, "PixelData").layout
    shapes = [(0, frame), (1, frame.reshape(frame.shape[::-1]))]

    list(looks(finder, Display(dataset, layout), shapes, Stopwatch()))

    assert len(finder.shown) == 2


@pytest.mark.parametrize("kind", [Kind(), Kind(BASELINE)], ids=str)
def test_every_one_of_equal_frames_is_filled(kind: Kind) -> None:
    frame = np.full((64, 96), 40, np.uint8)
    frame[20:28, 26:58:4] = 250
    dataset = instance(np.stack([frame] * 4), kind)
    finder = finds_ink(Box(24, 18, 60, 30))

    cleaned = PixelCleaner(finder, SolidInpainter()).clean(dataset, seed=1)

    assert [region.frame for region in cleaned.regions] == [0, 1, 2, 3]
    # One frame as it came and one filled, each in all its views.
    assert len(finder.shown) <= 4
