"""A stack of slices: text on some of them is filled from the others, on all without stripes."""

import cv2
import numpy as np
import pytest

from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.beside import REACH_FRAMES, Beside, is_stacked
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.text.keep.settle import KeptLine, Settled
from deid_node.pixels.text.masks import Marked
from deid_node.values.geometry import Box, Region
from tests.fakes.finder import ScriptedFinder, finds_always, finds_nothing
from tests.unit.pixeldata.instances import Array, Kind, instance

LABEL = Box(60, 60, 140, 78)
ROWS, COLUMNS = 160, 220
WHOLE = Box(0, 0, COLUMNS, ROWS)


def stack(slices: int, *, turn: float = 0.1) -> Array:
    """Return anatomy that changes from slice to slice, with noise of its own on each."""
    draw = np.random.default_rng(6)
    fields = draw.standard_normal((2, ROWS, COLUMNS)).astype(np.float32)
    one, other = (field / field.std() for field in (cv2.GaussianBlur(f, (0, 0), 5) for f in fields))
    angles = turn * np.arange(slices)
    smooth = [128 + 45 * (np.cos(angle) * one + np.sin(angle) * other) for angle in angles]
    noisy = np.stack(smooth) + draw.normal(0, 4, (slices, ROWS, COLUMNS))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def cleaned(
    values: Array, finder: ScriptedFinder, modality: str
) -> tuple[Array, tuple[Region, ...]]:
    dataset = instance(values, Kind())
    dataset.Modality = modality
    cleaner = PixelCleaner(
        finder, build_inpainter(FillPolicy.AUTO, None), second_look=finds_nothing()
    )
    result = cleaner.clean(dataset, seed=3)
    frames = Frames(result.dataset, "PixelData")
    stored = np.stack([values_of(words, frames.layout) for words in frames])
    return stored, result.regions


def written_on(values: Array, *numbers: int) -> Array:
    """Return `values` with bars where the label is, on these slices."""
    written = values.copy()
    for number in numbers:
        written[number][LABEL.slices][4:14:3] = 255
    return written


def finds_bars() -> ScriptedFinder:
    def script(frame: Array) -> list[Box]:
        return [LABEL] if (frame[LABEL.slices][4:14:3] > 240).all() else []

    return ScriptedFinder(script)


def flicker(values: Array) -> float:
    part = values[(slice(None), *LABEL.slices)].astype(float)
    return float(np.abs(np.diff(part, axis=0)).mean())


def test_text_on_one_slice_is_filled_from_those_beside_it() -> None:
    truth = stack(5)
    written = written_on(truth, 2)

    filled, (region,) = cleaned(written, finds_bars(), "CT")

    alone, _ = cleaned(written[2:3], finds_always(LABEL), "CT")
    wrong, wrong_alone = (
        np.square(one[LABEL.slices].astype(float) - truth[2][LABEL.slices]).mean()
        for one in (filled[2], alone[0])
    )
    assert region.fill == "neighbours"
    assert wrong < wrong_alone / 4
    outside = np.ones((ROWS, COLUMNS), np.bool_)
    outside[region.box.slices] = False
    assert np.array_equal(filled[2][outside], written[2][outside])
    assert np.array_equal(filled[[0, 1, 3, 4]], written[[0, 1, 3, 4]])


def test_the_same_stack_gives_the_same_bytes() -> None:
    written = written_on(stack(5), 1, 2)

    first, second = (cleaned(written, finds_bars(), "MR")[0] for _ in range(2))

    assert np.array_equal(first, second)


@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_text_on_every_slice_leaves_neither_flicker_nor_stripes(modality: str) -> None:
    truth = stack(8, turn=0.3)

    filled, regions = cleaned(truth, finds_always(LABEL), modality)

    assert {region.fill for region in regions} == {"telea"}
    assert 0.8 * flicker(truth) <= flicker(filled) <= 1.1 * flicker(truth)


def test_frames_that_follow_each_other_in_time_keep_their_grain() -> None:
    truth = stack(4)

    in_space, in_time = (
        flicker(cleaned(truth, finds_always(LABEL), modality)[0]) for modality in ("CT", "US")
    )

    assert in_time < 0.8 * in_space


def marked(box: Box) -> Settled:
    return Settled((Marked(box, 1.0, "finder"),))


def beside(values: Array, settled: list[Settled], *, most_bytes: int = 2**20) -> Beside:
    return Beside(Frames(instance(values, Kind()), "PixelData"), settled, most_bytes=most_bytes)


def test_the_nearest_bare_frames_on_both_sides_are_asked() -> None:
    values = stack(5)
    settled = [Settled(()), marked(LABEL), marked(LABEL), marked(Box(0, 0, 9, 9)), Settled(())]

    before, after = beside(values, settled).around(2, WHOLE, [LABEL])

    assert np.array_equal(before.stored, values[0])
    assert not before.mask.any()
    assert np.array_equal(after.stored[20:], values[3][20:])
    assert (after.stored[:9, :9] == 0).all()
    assert after.mask.sum() == 81


def test_a_line_that_stays_on_a_neighbour_is_covered_there() -> None:
    values = stack(2)
    line = Marked(LABEL, 1.0, "finder")
    kept = Settled((), (KeptLine(line, (LABEL,), "R"),))

    assert beside(values, [marked(LABEL), kept]).around(0, WHOLE, [LABEL]) == ()


def test_text_at_one_place_of_all_frames_costs_no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    values = stack(4)
    asked = beside(values, [marked(LABEL)] * 4)

    def refuse(_frames: Frames, _index: int) -> None:
        raise AssertionError("a frame was decoded")

    monkeypatch.setattr(Frames, "__getitem__", refuse)

    assert asked.around(2, WHOLE, [LABEL]) == ()


def test_frames_beyond_reach_are_no_neighbours() -> None:
    count = REACH_FRAMES + 2
    values = np.zeros((count, 20, 20), np.uint8)
    small = Box(2, 2, 9, 9)
    window = Box(0, 0, 20, 20)
    settled = [Settled(()), *([marked(small)] * (count - 1))]
    asked = beside(values, settled)

    assert len(asked.around(count - 2, window, [small])) == 1
    assert asked.around(count - 1, window, [small]) == ()


def test_few_decoded_frames_are_held() -> None:
    values = stack(6)
    asked = beside(values, [Settled(())] * 6, most_bytes=1)

    for index in range(6):
        asked.around(index, WHOLE, [LABEL])

    assert len(asked._held) == 2


def test_slices_are_told_from_moments() -> None:
    assert [is_stacked(one) for one in ("CT", "mr ", "PT", "US", "XA", "")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
