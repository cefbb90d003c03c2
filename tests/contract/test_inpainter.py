"""What `pixels.inpaint.base.Inpainter` promises, over every backend."""

import numpy as np
import pytest

from deid_node.errors import ConfigurationError
from deid_node.pixels.arrays import DisplayFrame, Mask
from deid_node.pixels.inpaint.auto import AutoInpainter
from deid_node.pixels.inpaint.base import Inpainter
from deid_node.pixels.inpaint.build import build_inpainter
from deid_node.pixels.inpaint.options import FillPolicy, StableDiffusionOptions
from deid_node.pixels.inpaint.solid import SolidInpainter
from deid_node.pixels.inpaint.telea import TeleaInpainter

BACKENDS: dict[str, Inpainter] = {
    "solid": SolidInpainter(),
    "telea": TeleaInpainter(),
    "auto": AutoInpainter(SolidInpainter(), TeleaInpainter()),
}
SHAPES = [(40, 60), (33, 17, 3), (8, 8), (1, 1), (1, 50, 3)]


@pytest.fixture(params=list(BACKENDS.values()), ids=list(BACKENDS))
def inpainter(request: pytest.FixtureRequest) -> Inpainter:
    backend: Inpainter = request.param
    return backend


def frames() -> list[DisplayFrame]:
    draw = np.random.default_rng(11)
    return [draw.integers(0, 256, shape).astype(np.uint8) for shape in SHAPES]


def masks() -> list[Mask]:
    some = [np.zeros(shape[:2], dtype=np.bool_) for shape in SHAPES]
    some[0][10:20, 5:50] = True
    some[1][:, 3:9] = True
    some[2][...] = True
    some[3][...] = True
    some[4][0, 10:40] = True
    return some


def test_one_frame_comes_back_for_each_in_order_and_shape(inpainter: Inpainter) -> None:
    results = inpainter.fill(frames(), masks(), seed=3)

    assert [r.frame.shape for r in results] == SHAPES
    assert all(r.frame.dtype == np.uint8 and r.method in {"solid", "telea"} for r in results)


def test_no_frames_give_nothing(inpainter: Inpainter) -> None:
    assert tuple(inpainter.fill([], [], seed=3)) == ()


def test_the_arguments_are_not_written_to(inpainter: Inpainter) -> None:
    given, over = frames(), masks()

    inpainter.fill(given, over, seed=3)

    assert all(np.array_equal(a, b) for a, b in zip(given, frames(), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(over, masks(), strict=True))


def test_the_same_seed_gives_the_same_bytes(inpainter: Inpainter) -> None:
    one = inpainter.fill(frames(), masks(), seed=3)
    two = inpainter.fill(frames(), masks(), seed=3)

    assert all(np.array_equal(a.frame, b.frame) for a, b in zip(one, two, strict=True))


@pytest.mark.req("REQ-PX-07")
def test_what_stood_under_the_mask_does_not_matter(inpainter: Inpainter) -> None:
    other = frames()
    for frame, mask in zip(other, masks(), strict=True):
        frame[mask] = 255 - frame[mask]

    one = inpainter.fill(frames(), masks(), seed=3)
    two = inpainter.fill(other, masks(), seed=3)

    for a, b, mask in zip(one, two, masks(), strict=True):
        assert np.array_equal(a.frame[mask], b.frame[mask])


def test_an_empty_mask_gives_the_frame_back(inpainter: Inpainter) -> None:
    empty = [np.zeros(shape[:2], dtype=np.bool_) for shape in SHAPES]

    results = inpainter.fill(frames(), empty, seed=3)

    assert all(np.array_equal(r.frame, f) for r, f in zip(results, frames(), strict=True))


def test_a_flat_surround_is_continued(inpainter: Inpainter) -> None:
    """Telea's own arithmetic strays by a level or two; the other backends are exact."""
    frame = np.full((30, 30, 3), (10, 60, 110), dtype=np.uint8)
    mask = np.zeros((30, 30), dtype=np.bool_)
    mask[10:20, 10:20] = True
    frame[mask] = 255

    (result,) = inpainter.fill([frame], [mask], seed=3)

    apart = np.abs(result.frame.astype(int) - np.array([10, 60, 110]))
    assert apart.max() <= (2 if result.method == "telea" else 0)


def test_what_does_not_fit_is_a_fault_of_the_caller(inpainter: Inpainter) -> None:
    frame = np.zeros((4, 5), dtype=np.uint8)
    mask = np.zeros((4, 5), dtype=np.bool_)

    with pytest.raises(ValueError, match="argument"):
        inpainter.fill([frame], [], seed=3)
    with pytest.raises(ValueError, match="does not cover"):
        inpainter.fill([frame], [mask[:2]], seed=3)


@pytest.mark.parametrize("policy", [p for p in FillPolicy if p is not FillPolicy.DIFFUSION])
def test_every_policy_but_diffusion_is_built(policy: FillPolicy) -> None:
    inpainter = build_inpainter(policy, StableDiffusionOptions())

    assert callable(inpainter.fill)


def test_diffusion_refuses_to_start(tmp_path: object) -> None:
    with pytest.raises(ConfigurationError, match="no diffusion weights"):
        build_inpainter(FillPolicy.DIFFUSION, StableDiffusionOptions())
    with pytest.raises(ConfigurationError, match="no diffusion weights"):
        build_inpainter(FillPolicy.AUTO, StableDiffusionOptions(weights_dir=str(tmp_path)))


def test_each_part_of_a_mask_takes_the_value_of_its_own_surround() -> None:
    """A label on black beside a coloured banner must not turn into the banner's colour."""
    frame = np.zeros((60, 40, 3), np.uint8)
    frame[:30] = (40, 60, 120)
    mask = np.zeros((60, 40), np.bool_)
    mask[8:16, 5:35] = mask[42:50, 5:35] = True
    frame[mask] = 255

    (filled,) = AutoInpainter(SolidInpainter(), TeleaInpainter()).fill([frame], [mask], seed=1)

    assert filled.method == "solid"
    assert (filled.frame[8:16] == (40, 60, 120)).all()
    assert (filled.frame[42:50] == 0).all()
