import cv2
import numpy as np
import pytest

from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.palette import Palette
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.choice import CHOICE, MADE_UP, MODEL_EVERYWHERE, Ground, ground_of
from deid_node.pixels.fill.crops import crop_of, picture_crop
from deid_node.pixels.fill.gradient import plane_of
from deid_node.pixels.fill.surround import islands_of
from deid_node.values.fill import Fill
from deid_node.values.geometry import Box
from tests.unit.pixeldata.instances import Array

HOLE = Box(40, 40, 100, 56)
TALL = Box(40, 30, 100, 80)


def flat() -> Array:
    return np.full((110, 140), 40, np.uint8)


def flat_with_a_line() -> Array:
    values = flat()
    values[:, 98:104] = 250
    return values


def gradient() -> Array:
    down, right = np.mgrid[:110, :140]
    return np.asarray(np.rint(30 + 0.5 * down + 0.7 * right)).astype(np.uint8)


def texture(strength: float = 8) -> Array:
    draw = np.random.default_rng(4)
    return np.clip(100 + draw.normal(0, strength, (110, 140)), 0, 255).astype(np.uint8)


def anatomy() -> Array:
    draw = np.random.default_rng(4).standard_normal((110, 140)).astype(np.float32)
    smooth = cv2.GaussianBlur(draw, (0, 0), 4)
    return np.asarray(np.clip(128 + 50 * smooth / smooth.std(), 0, 255)).astype(np.uint8)


def grounds(values: Array, hole: Box) -> list[Ground]:
    mask = np.zeros((110, 140), dtype=np.bool_)
    mask[hole.slices] = True
    crop = picture_crop(values, mask)
    return [ground_of(crop, island, ring) for island, ring in islands_of(crop.target, crop.mask)]


@pytest.mark.parametrize(
    ("values", "hole", "ground"),
    [
        (flat(), HOLE, Ground.FLAT),
        (flat_with_a_line(), HOLE, Ground.FLAT),
        (gradient(), HOLE, Ground.GRADIENT),
        (gradient(), TALL, Ground.GRADIENT),
        (texture(), HOLE, Ground.TEXTURE),
        (texture(), TALL, Ground.ANATOMY),
        (texture(40), HOLE, Ground.ANATOMY),
        (anatomy(), HOLE, Ground.ANATOMY),
    ],
    ids=["flat", "line", "gradient", "tall", "texture", "thick", "strong", "anatomy"],
)
def test_a_ground_is_told_by_what_surrounds_the_hole(
    values: Array, hole: Box, ground: Ground
) -> None:
    assert grounds(values, hole) == [ground]


@pytest.mark.parametrize("kind", ["u2", "i2", "f4"])
def test_deep_grounds_are_told_likewise_and_filled_exactly(kind: str) -> None:
    down, right = np.mgrid[:110, :140]
    keyword = "FloatPixelData" if kind == "f4" else "PixelData"
    bits = 8 * int(kind[1])
    layout = Layout(keyword, 110, 140, 1, bits, bits, bits - 1, kind[0] == "i", "MONOCHROME2", 0, 1)
    mask = np.zeros((110, 140), dtype=np.bool_)
    mask[HOLE.slices] = True
    inpainter = AutoInpainter(backends(), CHOICE)
    for values, fill in (
        (np.full((110, 140), 1234).astype(kind), Fill.SOLID),
        ((100 + 7 * down + 3 * right).astype(kind), Fill.GRADIENT),
    ):
        text = values.copy()
        text[mask] = 30000

        (filled,) = inpainter.fill([crop_of(text, mask, layout, None)])

        assert [part.method for part in filled.parts] == [fill]
        assert np.allclose(filled.values, values, atol=0 if kind != "f4" else 1e-3)


def test_a_plane_is_not_tilted_by_a_neighbour() -> None:
    values = gradient().astype(np.float64)
    values[:, :20] = 255
    where = np.zeros((110, 140), dtype=np.bool_)
    where[30:70, 10:120] = True

    plane = plane_of(values, where)

    assert np.abs(plane[:, 20:] - gradient()[:, 20:]).max() < 1


def test_entries_of_a_palette_are_no_gradient() -> None:
    """Their numbers may rise evenly and their colours do not."""
    colours = np.random.default_rng(2).integers(0, 256, (256, 3)).astype(np.uint8)
    layout = Layout("PixelData", 110, 140, 1, 8, 8, 7, False, "PALETTE COLOR", 0, 1)
    mask = np.zeros((110, 140), dtype=np.bool_)
    mask[HOLE.slices] = True
    values = gradient()

    (filled,) = AutoInpainter(backends(), CHOICE).fill(
        [crop_of(values, mask, layout, Palette(0, colours))]
    )

    assert [part.method for part in filled.parts] == [Fill.TELEA]
    assert set(np.unique(filled.values[mask])) <= set(np.unique(values[~mask]))


def test_each_part_is_filled_by_its_own_ground() -> None:
    values = np.concatenate([flat()[:, :70], anatomy()[:, 70:]], axis=1)
    mask = np.zeros((110, 140), dtype=np.bool_)
    flat_part, tissue = Box(10, 40, 50, 56), Box(90, 40, 130, 56)
    mask[flat_part.slices] = mask[tissue.slices] = True
    inpainter = AutoInpainter(backends(), CHOICE)
    crop = picture_crop(values, mask)

    (filled,) = inpainter.fill([crop])

    assert filled.method_in(flat_part) == Fill.SOLID
    assert filled.method_in(tissue) == Fill.TELEA
    assert filled.method_in(Box(0, 0, 5, 5)) == ""
    assert (filled.values[flat_part.slices] == 40).all()
    assert inpainter.made_up_pixels(crop) == tissue.area_pixels


@pytest.mark.parametrize("table", [CHOICE, MODEL_EVERYWHERE])
def test_every_ground_has_a_fill_and_even_ones_are_never_made_up(
    table: dict[Ground, Fill],
) -> None:
    assert set(table) == set(Ground)
    assert {table[Ground.FLAT], table[Ground.GRADIENT]}.isdisjoint(MADE_UP)


def test_without_a_model_the_table_falls_back_to_telea() -> None:
    mask = np.zeros((110, 140), dtype=np.bool_)
    mask[HOLE.slices] = True

    (filled,) = AutoInpainter(backends(), MODEL_EVERYWHERE).fill([picture_crop(anatomy(), mask)])

    assert [part.method for part in filled.parts] == [Fill.TELEA]
