"""What `pixels.inpaint.base.Inpainter` promises, over every backend."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.palette import Palette
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.base import Filled, Inpainter
from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.choice import CHOICE, MODEL_EVERYWHERE
from deid_node.pixels.fill.crops import Crop, crop_of, picture_crop
from deid_node.pixels.fill.diffusion import DiffusionInpainter
from deid_node.pixels.fill.folder import open_folder
from deid_node.pixels.fill.gradient import GradientInpainter
from deid_node.pixels.fill.grain import GrainedInpainter
from deid_node.pixels.fill.guided import GuidedInpainter
from deid_node.pixels.fill.harmonic import HarmonicInpainter
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.smooth import SmoothInpainter
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.fill.split import SplitInpainter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.pixels.fill.tiles import SquarePainter
from deid_node.pixels.remote.painter import RemotePainter
from tests.unit.pixeldata.instances import Array

Backend = Callable[[SquarePainter], Inpainter]
BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "solid": lambda _: SolidInpainter(),
        "gradient": lambda _: GradientInpainter(),
        "smooth": lambda _: SmoothInpainter(),
        "telea": lambda _: TeleaInpainter(),
        "grained": lambda _: GrainedInpainter(TeleaInpainter()),
        "harmonic": lambda _: HarmonicInpainter(),
        "guided": lambda _: GuidedInpainter(GrainedInpainter(HarmonicInpainter())),
        "diffusion": DiffusionInpainter,
        "diffusion-remote": DiffusionInpainter,
        "auto": lambda _: AutoInpainter(backends(), CHOICE),
        "split": lambda _: SplitInpainter(AutoInpainter(backends(), CHOICE)),
        "auto-diffusion": lambda painter: AutoInpainter(backends(painter), MODEL_EVERYWHERE),
    }
)
SHAPES = [(60, 90), (33, 17, 3), (8, 8), (1, 1), (1, 50, 3)]
COLOURS = Palette(0, np.random.default_rng(3).integers(0, 256, (256, 3)).astype(np.uint8))


@pytest.fixture(params=list(BACKENDS))
def inpainter(
    request: pytest.FixtureRequest, tiny_painter: Painter, remote_painter: RemotePainter
) -> Inpainter:
    return BACKENDS[request.param](
        remote_painter if request.param == "diffusion-remote" else tiny_painter
    )


def picture(shape: tuple[int, ...], *, seed: int = 11) -> Array:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def crops() -> list[Crop]:
    masks = [np.zeros(shape[:2], dtype=np.bool_) for shape in SHAPES]
    masks[0][20:34, 15:60] = masks[0][50:55, 70:80] = True
    masks[1][:, 3:9] = True
    masks[2][...] = masks[3][...] = True
    masks[4][0, 10:40] = True
    return [
        picture_crop(picture(shape), mask, prompt="ct image", seed=3)
        for shape, mask in zip(SHAPES, masks, strict=True)
    ]


def layout(photometric: str, bits: int, *, signed: bool = False) -> Layout:
    samples = 3 if photometric in {"RGB", "YBR_FULL"} else 1
    allocated = 8 if bits <= 8 else 16
    return Layout(
        "PixelData", 60, 90, samples, allocated, bits, bits - 1, signed, photometric, 0, 1
    )


KINDS = [
    layout("MONOCHROME2", 8),
    layout("MONOCHROME1", 10),
    layout("MONOCHROME2", 12, signed=True),
    layout("MONOCHROME2", 16),
    layout("RGB", 8),
    layout("RGB", 16),
    layout("YBR_FULL", 8),
    layout("PALETTE COLOR", 8),
]


def stored(kind: Layout) -> Array:
    low = -(1 << kind.bits_stored - 1) if kind.signed else 0
    draw = np.random.default_rng(5)
    return draw.integers(low, low + (1 << kind.bits_stored), kind.shape).astype(kind.value_dtype)


def deep_crop(kind: Layout, values: Array, *, target_only: bool = False) -> Crop:
    mask = np.zeros((60, 90), dtype=np.bool_)
    mask[20:34, 15:60] = mask[50:55, 70:80] = True
    target = mask.copy()
    target[40:] = target[40:] & (not target_only)
    palette = COLOURS if kind.photometric == "PALETTE COLOR" else None
    return crop_of(values, mask, kind, palette, target=target, seed=3)


def same(one: Filled, two: Filled) -> bool:
    return one.values.tobytes() == two.values.tobytes()


def test_one_result_comes_back_for_each_in_order_and_shape(inpainter: Inpainter) -> None:
    results = inpainter.fill(crops())

    assert [r.values.shape for r in results] == SHAPES
    assert all(r.values.dtype == np.uint8 for r in results)


def test_the_parts_cover_the_target_and_nothing_else_changes(inpainter: Inpainter) -> None:
    given = [*crops(), deep_crop(KINDS[0], stored(KINDS[0]), target_only=True)]

    for crop, result in zip(given, inpainter.fill(given), strict=True):
        covered = np.sum([part.where for part in result.parts], axis=0, dtype=int)
        assert np.array_equal(covered, crop.target.astype(int))
        assert np.array_equal(result.values[~crop.target], crop.stored[~crop.target])


def test_no_crops_give_nothing(inpainter: Inpainter) -> None:
    assert tuple(inpainter.fill([])) == ()


def test_the_arguments_are_not_written_to(inpainter: Inpainter) -> None:
    given = crops()

    inpainter.fill(given)

    for one, other in zip(given, crops(), strict=True):
        assert np.array_equal(one.stored, other.stored)
        assert np.array_equal(one.mask, other.mask)
        assert np.array_equal(one.target, other.target)


def test_the_same_crop_gives_the_same_bytes_whatever_is_asked_with_it(inpainter: Inpainter) -> None:
    together = inpainter.fill(crops())
    alone = [inpainter.fill([crop])[0] for crop in crops()]

    assert all(same(a, b) for a, b in zip(together, alone, strict=True))


@pytest.mark.req("REQ-PX-07")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.photometric}-{kind.bits_stored}")
def test_what_stood_under_the_mask_does_not_matter(inpainter: Inpainter, kind: Layout) -> None:
    """Strength 1, and no masked pixel before the encoder: not a byte of the fill may differ."""
    values = stored(kind)
    other = values.copy()
    masked = deep_crop(kind, values).mask
    other[masked] = np.roll(other[masked], 7, axis=0)

    (one,) = inpainter.fill([deep_crop(kind, values)])
    (two,) = inpainter.fill([deep_crop(kind, other)])

    assert not np.array_equal(values, other)
    assert same(one, two)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.photometric}-{kind.bits_stored}")
def test_only_the_target_changes_and_stays_in_its_range(inpainter: Inpainter, kind: Layout) -> None:
    values = stored(kind)
    values[values > np.percentile(values, 90)] = values.min()
    before = values.copy()
    crop = deep_crop(kind, values)

    (result,) = inpainter.fill([crop])

    assert result.values.dtype == values.dtype
    assert np.array_equal(result.values[~crop.mask], values[~crop.mask])
    assert np.array_equal(values, before)
    if kind.photometric != "YBR_FULL":
        known = values[~crop.mask]
        assert known.min() <= result.values[crop.mask].min()
        assert result.values[crop.mask].max() <= known.max()


def test_an_empty_target_gives_the_crop_back(inpainter: Inpainter) -> None:
    empty = [replace(crop, target=np.zeros_like(crop.mask)) for crop in crops()]

    results = inpainter.fill(empty)

    assert all(
        np.array_equal(r.values, c.stored) and not r.parts
        for r, c in zip(results, empty, strict=True)
    )
    assert sum(inpainter.made_up_pixels(crop) for crop in empty) == 0


@pytest.mark.parametrize("value", [(10, 60, 110), (0, 0, 0), (255, 255, 255)])
def test_a_flat_surround_is_continued(inpainter: Inpainter, value: tuple[int, int, int]) -> None:
    """Telea's own arithmetic strays by a level or two, an untrained model far; others are exact."""
    frame = np.full((70, 70, 3), value, dtype=np.uint8)
    mask = np.zeros((70, 70), dtype=np.bool_)
    mask[30:40, 30:40] = True
    frame[mask] = 128

    (result,) = inpainter.fill([picture_crop(frame, mask)])

    apart = np.abs(result.values.astype(int) - np.array(value)).max()
    grown = isinstance(inpainter, TeleaInpainter | GrainedInpainter)
    assert apart <= 2 * grown or isinstance(inpainter, DiffusionInpainter)


def test_what_does_not_fit_is_a_fault_of_the_caller() -> None:
    frame = np.zeros((4, 5), dtype=np.uint8)
    mask = np.zeros((4, 5), dtype=np.bool_)

    with pytest.raises(ValueError, match="does not cover"):
        picture_crop(frame, mask[:2])
    with pytest.raises(ValueError, match="does not cover"):
        picture_crop(frame.astype(np.uint16), mask)


def test_a_folder_is_loaded_on_first_use_and_once(tiny_folder: Path) -> None:
    painter = Painter(open_folder(StableDiffusionOptions(weights_dir=tiny_folder)), threads=1)

    assert not painter.loaded
    DiffusionInpainter(painter).fill([])
    assert not painter.loaded
