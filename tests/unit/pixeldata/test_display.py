import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid_node.pixeldata.display import Display, rgb_of_ybr, ybr_of_rgb
from deid_node.pixeldata.layout import Layout
from tests.unit.pixeldata.instances import Array

READABLE_LEVELS = 12
"""Fewer grey levels between a stroke and its ground are hard to read for anyone."""


def layout(bits: int = 12, *, signed: bool = False, name: str = "MONOCHROME2") -> Layout:
    samples = 3 if name in {"RGB", "YBR_FULL"} else 1
    allocated = 8 if bits <= 8 else 16
    return Layout("PixelData", 40, 80, samples, allocated, bits, bits - 1, signed, name, 0, 1)


def written_on(ground: Array, ink: int) -> tuple[Array, Array]:
    """Return `ground` with text in value `ink`, and where the strokes are."""
    strokes = np.zeros(ground.shape[:2], np.uint8)
    cv2.putText(strokes, "DOE", (8, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2, cv2.LINE_8)
    values = ground.copy()
    values[strokes > 0] = ink
    return values, strokes > 0


def best_contrast(dataset: Dataset, kind: Layout, values: Array, strokes: Array) -> float:
    views = Display(dataset, kind).views(values, 0)
    around = cv2.dilate(strokes.astype(np.uint8), np.ones((5, 5))).astype(bool) & ~strokes
    return max(
        abs(float(np.median(channel[strokes])) - float(np.median(channel[around])))
        for view in views
        for channel in np.moveaxis(view, 2, 0)
    )


def windowed(center: float, width: float, slope: float = 1, intercept: float = 0) -> Dataset:
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth = center, width
    dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
    return dataset


def scene(low: int, high: int, dtype: str = "u2") -> Array:
    """Return a frame whose lower part runs through the whole range, upper part flat at `low`."""
    values = np.full((40, 80), low, dtype=dtype)
    values[34:] = np.linspace(low, high, 80).astype(dtype)
    return values


@pytest.mark.parametrize(
    ("dataset", "kind", "ground", "ink"),
    [
        (windowed(40, 400, 1, -1024), layout(), scene(0, 4095), 4095),
        (windowed(3000, 100), layout(), scene(0, 4095), 400),
        (windowed(40, 400), layout(16, signed=True), scene(-1000, 3000, "i2"), -850),
        (windowed(40, 400), layout(16, signed=True), scene(-32768, 32767, "i2"), -32700),
        (windowed(128, 256), layout(), scene(0, 4095), 20),
        (Dataset(), layout(16), scene(0, 65535), 300),
        (Dataset(), layout(), np.full((40, 80), 7, np.uint16), 8),
        (Dataset(), layout(8), np.full((40, 80), 20, np.uint8), 24),
        (Dataset(), layout(8), np.full((40, 80), 255, np.uint8), 0),
        (Dataset(), layout(10, name="MONOCHROME1"), scene(0, 1023), 1000),
    ],
    ids=[
        *("white-ink", "below-window", "negative-hu", "whole-range", "low-contrast"),
        *("deep-low-contrast", "nearly-constant", "dim-8-bit", "black-on-white", "monochrome1"),
    ],
)
def test_text_is_seen_in_one_of_the_views(
    dataset: Dataset, kind: Layout, ground: Array, ink: int
) -> None:
    values, strokes = written_on(ground, ink)

    assert best_contrast(dataset, kind, values, strokes) >= READABLE_LEVELS


def test_the_first_view_is_the_clinical_window() -> None:
    values = np.array([[0, 924, 1064, 1264, 4095]], dtype=np.uint16)

    view = Display(windowed(40, 400, 1, -1024), layout()).picture(values, 0)

    assert view.tolist() == [[0, 64, 153, 255, 255]] or view[0, 0] == 0
    assert (int(view[0, 0]), int(view[0, -1])) == (0, 255)
    assert np.all(np.diff(view[0].astype(int)) >= 0)


def test_monochrome1_is_shown_as_a_reader_sees_it() -> None:
    values = np.array([[0, 1023]], dtype=np.uint16)

    view = Display(Dataset(), layout(10, name="MONOCHROME1")).picture(values, 0)

    assert view.tolist() == [[255, 0]]


def test_each_frame_has_its_own_window() -> None:
    dataset = Dataset()
    groups = []
    for center in (100, 900):
        voi = Dataset()
        voi.WindowCenter, voi.WindowWidth = center, 100
        group = Dataset()
        group.FrameVOILUTSequence = Sequence([voi])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    values = np.array([[0, 500, 1000]], dtype=np.uint16)
    display = Display(dataset, layout())

    assert display.picture(values, 0)[0, 1] == 255
    assert display.picture(values, 1)[0, 1] == 0


@pytest.mark.parametrize("value", ["abc", "", [], "1\\x"])
def test_a_window_that_cannot_be_read_is_left_out(value: object) -> None:
    dataset = windowed(40, 400)
    dataset["WindowWidth"]._value = value

    assert Display(dataset, layout()).views(np.array([[0, 4095]], np.uint16), 0)


def test_views_of_floats_survive_what_is_no_number() -> None:
    kind = Layout("FloatPixelData", 1, 4, 1, 32, 32, 31, True, "MONOCHROME2", 0, 1)
    values = np.array([[np.nan, -np.inf, 0.5, 1e30]], dtype=np.float32)

    for view in Display(Dataset(), kind).views(values, 0):
        assert view.dtype == np.uint8
        assert view.shape == (1, 4, 3)


@pytest.mark.parametrize(
    ("dtype", "ground", "ink", "far"),
    [
        ("f4", 10, 200, 1e30),
        ("f4", 10, 200, -3.4e38),
        ("f8", 0.1, 0.2, 1e300),
        ("i4", 1000, 1100, 2**31 - 1),
        ("u4", 1000, 1100, 2**32 - 1),
    ],
)
def test_one_far_value_does_not_hide_the_others(
    dtype: str, ground: float, ink: float, far: float
) -> None:
    values = np.full((40, 60), ground).astype(dtype)
    values[10:14, 10:50] = ink
    values[0, 0] = far
    bits = 8 * values.dtype.itemsize
    keyword = "FloatPixelData" if values.dtype.kind == "f" else "PixelData"
    signed = values.dtype.kind != "u"
    layout = Layout(keyword, 40, 60, 1, bits, bits, bits - 1, signed, "MONOCHROME2", 0, 1)

    views = Display(Dataset(), layout).views(values, 0)

    assert max(np.abs(view[12, 20].astype(int) - view[30, 20]).max() for view in views) > 100


def test_colour_is_shown_as_rgb() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (40, 80, 3)).astype(np.uint8)

    (same,) = Display(Dataset(), layout(8, name="RGB")).views(rgb, 0)
    (close,) = Display(Dataset(), layout(8, name="YBR_FULL")).views(ybr_of_rgb(rgb), 0)

    assert np.array_equal(same, rgb)
    assert np.abs(close.astype(int) - rgb).max() <= 3


def test_a_grey_frame_is_shown_in_three_views_at_once() -> None:
    values = scene(0, 4095)
    kind = layout()
    display = Display(windowed(40, 400, 1, -1024), kind)

    (shown,) = display.views(values, 0)
    (apart,) = display.readable((shown,))

    assert np.array_equal(shown[..., 0], display.picture(values, 0))
    assert (int(shown[..., 1].min()), int(shown[..., 1].max())) == (0, 255)
    assert len(apart) == 3
    assert all(np.array_equal(view, shown[..., n]) for n, view in enumerate(apart))


def test_a_second_window_makes_a_second_picture() -> None:
    dataset = windowed(0, 1)
    dataset.WindowCenter, dataset.WindowWidth = [1000, 3000], [100, 200]

    first, second = Display(dataset, layout()).views(scene(0, 4095), 0)

    assert not np.array_equal(first[..., 0], second[..., 0])
    assert np.array_equal(first[..., 1:], second[..., 1:])


def test_colour_is_read_as_it_is_and_its_sum_in_views() -> None:
    values = np.zeros((40, 80, 3), dtype=np.uint8)
    values[10:20, 10:60, 2] = 1
    display = Display(Dataset(), layout(8, name="RGB"))

    plain, in_steps = display.views(values, 0)

    assert [len(apart) for apart in display.readable((plain, in_steps))] == [1, 3]
    assert np.ptp(in_steps[..., 1].astype(int)) == 255


def test_a_frame_of_one_value_shows_nothing() -> None:
    (shown,) = Display(Dataset(), layout()).views(np.full((40, 80), 9, np.uint16), 0)

    assert (shown == shown[0, 0]).all()


def test_dim_text_in_colour_is_shown_stretched_too() -> None:
    values = np.zeros((40, 80, 3), dtype=np.uint8)
    values[10:20, 10:60, 2] = 20

    plain, stretched = Display(Dataset(), layout(8, name="RGB")).views(values, 0)

    assert np.array_equal(plain, values)
    assert stretched.max() == 255


@pytest.mark.parametrize("dtype", ["u2", "i2", "u4", "f4"])
def test_a_filled_frame_is_shown_as_the_original_was(dtype: str) -> None:
    original = np.arange(0, 4000, 5).reshape(20, 40).astype(dtype)
    filled = original.copy()
    filled[15:] = 100
    bits = original.dtype.itemsize * 8
    keyword = "FloatPixelData" if dtype == "f4" else "PixelData"
    kind = Layout(keyword, 20, 40, 1, bits, bits, bits - 1, dtype == "i2", "MONOCHROME2", 0, 1)
    display = Display(windowed(500, 800), kind)

    before = display.views(original, 0)
    after = display.views(filled, 0, like=original)

    assert len(before) == len(after) == 1
    for one, two in zip(before, after, strict=True):
        assert np.array_equal(one[:15], two[:15])


def test_grey_is_grey_in_both_colour_spaces() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)

    assert np.array_equal(rgb_of_ybr(ybr_of_rgb(grey)), grey)
