from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.palette import Palette
from deid_node.pixels.fill.crops import crop_of
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.fill.telea import TeleaInpainter
from tests.unit.pixeldata.instances import Array

MASK = np.zeros((20, 30), dtype=np.bool_)
MASK[8:12, 10:20] = True


def layout(name: str, bits: int, *, signed: bool = False, keyword: str = "PixelData") -> Layout:
    samples = 3 if name in {"RGB", "YBR_FULL"} else 1
    allocated = 8 if bits <= 8 else 16 if bits <= 16 else 32
    return Layout(keyword, 20, 30, samples, allocated, bits, bits - 1, signed, name, 0, 1)


def filled(stored: Array, kind: Layout, palette: Palette | None = None) -> Array:
    crop = crop_of(stored, MASK, kind, palette)
    (fill,) = SolidInpainter().fill([crop])
    return fill.values


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (layout("MONOCHROME2", 16, signed=True), -1000),
        (layout("MONOCHROME2", 12), 3071),
        (layout("MONOCHROME2", 16), 65535),
        (layout("MONOCHROME2", 32), 2**31 + 12345),
        (layout("MONOCHROME1", 8), 200),
        (layout("RGB", 8), (1, 200, 30)),
        (layout("RGB", 16), (40000, 200, 30)),
        (layout("YBR_FULL", 8), (16, 128, 127)),
        (layout("YBR_FULL", 8), (90, 200, 17)),
        (layout("MONOCHROME2", 32, keyword="FloatPixelData"), 0.125),
    ],
)
def test_a_surround_of_one_value_comes_back_as_exactly_that(kind: Layout, value: object) -> None:
    shape = (20, 30) if kind.samples == 1 else (20, 30, 3)
    stored = np.empty(shape, dtype=kind.value_dtype)
    stored[...] = value
    stored[MASK] = 0

    result = filled(stored, kind)

    assert (result[MASK] == np.array(value, dtype=stored.dtype)).all()


@given(st.integers(-2000, 2000), st.integers(1, 3000), st.integers(0, 2**32 - 1))
def test_deep_values_stay_in_the_range_of_the_surround(low: int, width: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    stored = draw.integers(low, low + width, (20, 30)).astype(np.int16)
    stored[MASK] = 30000
    crop = crop_of(stored, MASK, layout("MONOCHROME2", 16, signed=True), None)
    wild = draw.normal(128, 300, (20, 30)).astype(np.float32)

    result = crop.back(wild)

    assert result[MASK].min() >= stored[~MASK].min()
    assert result[MASK].max() <= stored[~MASK].max()
    assert np.array_equal(result[~MASK], stored[~MASK])


@pytest.mark.parametrize("name", ["MONOCHROME2", "RGB", "YBR_FULL", "PALETTE COLOR"])
def test_what_stood_under_the_mask_does_not_reach_the_inpainter(name: str) -> None:
    draw = np.random.default_rng(5)
    kind = layout(name, 8)
    table = Palette(0, draw.integers(0, 256, (256, 3)).astype(np.uint8))
    palette = table if name == "PALETTE COLOR" else None
    shape = (20, 30) if kind.samples == 1 else (20, 30, 3)
    one = draw.integers(0, 256, shape).astype(np.uint8)
    two = one.copy()
    two[MASK] = 255 - two[MASK]
    before = one.copy()

    first = crop_of(one, MASK, kind, palette)
    second = crop_of(two, MASK, kind, palette)

    assert np.array_equal(first.stored, second.stored)
    assert np.array_equal(first.shown(), second.shown())
    assert first.tone == second.tone or palette is not None
    assert np.array_equal(one, before)


def test_a_palette_fill_takes_entries_that_the_surround_uses() -> None:
    colours = np.zeros((256, 3), dtype=np.uint8)
    colours[:, 0] = np.arange(256)
    stored = np.full((20, 30), 40, dtype=np.uint8)
    stored[:3] = 43
    stored[MASK] = 255
    palette = Palette(0, colours)
    crop = crop_of(stored, MASK, layout("PALETTE COLOR", 8), palette)
    wild = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.float32)

    result = crop.back(wild)

    assert set(np.unique(result[MASK])) <= {40, 43}


@pytest.mark.parametrize(
    "kind",
    [
        layout("MONOCHROME2", 8),
        layout("MONOCHROME1", 12),
        layout("MONOCHROME2", 16, signed=True),
        layout("RGB", 8),
        layout("MONOCHROME2", 32, keyword="FloatPixelData"),
    ],
    ids=lambda kind: f"{kind.photometric}-{kind.bits_stored}",
)
def test_what_is_shown_and_not_changed_comes_back_as_it_was(kind: Layout) -> None:
    """But for the tails of the range, which are cut."""
    draw = np.random.default_rng(3)
    stored = draw.integers(20, 100, kind.shape).astype(kind.value_dtype)
    nothing = np.zeros((20, 30), dtype=np.bool_)
    crop = replace(crop_of(stored, nothing, kind, None), target=~nothing)

    assert np.abs(crop.back(crop.shown()).astype(int) - stored).max() <= 1


def test_white_is_shown_white_whichever_end_it_has() -> None:
    """A model has learned from pictures as people see them."""
    stored = np.linspace(0, 4095, 600).astype(np.uint16).reshape(20, 30)

    plain = crop_of(stored, MASK, layout("MONOCHROME2", 12), None).shown()
    inverted = crop_of(stored, MASK, layout("MONOCHROME1", 12), None).shown()

    assert plain[0, 0] == inverted[-1, -1] == 0
    assert np.allclose(plain + inverted, 255)


def test_a_fill_of_16_bits_has_steps_as_fine_as_its_surround() -> None:
    draw = np.random.default_rng(3)
    stored = draw.integers(0, 60000, (20, 30)).astype(np.uint16)
    crop = crop_of(stored, MASK, layout("MONOCHROME2", 16), None)

    (fill,) = TeleaInpainter().fill([crop])

    assert len(np.unique(fill.values[MASK] // 235)) < len(np.unique(fill.values[MASK]))
