"""Colour whose order of samples nobody told, or told wrongly: told by the samples, or withheld."""

from collections.abc import Callable

import cv2
import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import (
    BASELINE,
    BIG,
    EXPLICIT,
    IMPLICIT,
    J2K,
    JLS,
    Array,
    Kind,
    codestream,
    instance,
    noise,
    outside,
    reread,
)

ROWS, COLUMNS = 96, 132


def scan() -> Array:
    """A grey ultrasound screen with a coloured box and words."""
    draw = np.random.default_rng(3)
    speckle = cv2.GaussianBlur(draw.random((ROWS, COLUMNS)).astype(np.float32), (0, 0), 2)
    grey = np.clip((speckle - speckle.min()) / np.ptp(speckle) * 200, 0, 255).astype(np.uint8)
    grey[:20] = 0
    cv2.putText(grey, "DOE JANE", (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    picture = np.stack([grey] * 3, axis=2)
    picture[40:60, 50:80] = (150, 20, 30)
    return picture


def ramp(axis: int) -> Array:
    line = np.linspace(0, 255, (ROWS, COLUMNS)[axis]).astype(np.uint8)
    grey = np.broadcast_to(line[:, None] if axis == 0 else line[None], (ROWS, COLUMNS))
    return np.stack([grey] * 3, axis=2)


PICTURES: dict[str, Callable[[], Array]] = {"scan": scan, "across": lambda: ramp(1)}


def without_planar(picture: Array, kind: Kind, frames: int = 1) -> Dataset:
    dataset = instance(np.stack([picture] * frames), kind)
    del dataset.PlanarConfiguration
    return reread(dataset)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("picture", PICTURES)
def test_the_order_of_samples_is_told_by_the_samples(
    picture: str, syntax: str, planar: int
) -> None:
    shown = PICTURES[picture]()
    dataset = without_planar(shown, Kind(syntax, "RGB", planar=planar), frames=2)

    frames = Frames(dataset, "PixelData")

    assert frames.source.planar == planar
    assert all(np.array_equal(frame, shown) for frame in frames)


@pytest.mark.parametrize("planar", [0, 1])
def test_what_is_filled_keeps_the_order_that_it_came_in(planar: int) -> None:
    kind = Kind(EXPLICIT, "RGB", planar=planar)
    dataset = without_planar(scan(), kind)
    cleaner = PixelCleaner(
        finds_always(Box(4, 4, 80, 20)), SolidInpainter(), second_look=finds_nothing()
    )

    cleaned = cleaner.clean(dataset, seed=1)

    again = Frames(cleaned.dataset, "PixelData")
    keep = outside((ROWS, COLUMNS), [region.box for region in cleaned.regions])
    assert again.source.planar == planar
    assert np.array_equal(again[0][keep], scan()[keep])
    assert not np.array_equal(again[0], scan())


def test_one_value_is_the_same_picture_in_any_order() -> None:
    blank = np.zeros((ROWS, COLUMNS, 3), np.uint8)

    assert np.array_equal(
        Frames(without_planar(blank, Kind(EXPLICIT, "RGB")), "PixelData")[0], blank
    )


def saturated() -> Array:
    """Planes that differ more than pixels do: nothing speaks for one order alone."""
    picture = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    picture[..., 0] = ramp(0)[..., 0]
    picture[..., 2] = 255 - ramp(1)[..., 0]
    return picture


@pytest.mark.parametrize(
    "dataset",
    [
        lambda: without_planar(noise(Kind(EXPLICIT, "RGB"), frames=1)[0], Kind(EXPLICIT, "RGB")),
        lambda: without_planar(saturated(), Kind(EXPLICIT, "RGB", planar=1)),
        lambda: without_planar(ramp(0), Kind(EXPLICIT, "RGB")),
    ],
    ids=["noise", "saturated", "ramp"],
)
def test_what_the_samples_do_not_tell_is_withheld(dataset: Callable[[], Dataset]) -> None:
    with pytest.raises(MalformedDataset):
        Frames(dataset(), "PixelData")


def test_frames_in_two_orders_are_withheld() -> None:
    one = instance(scan()[None], Kind(EXPLICIT, "RGB", planar=0))
    other = instance(scan()[None], Kind(EXPLICIT, "RGB", planar=1))
    one.PixelData += other.PixelData
    one.NumberOfFrames = 2
    del one.PlanarConfiguration

    with pytest.raises(MalformedDataset):
        Frames(reread(one), "PixelData")


def labelled_subsampled(frames: int, *, planar: int | None = 0) -> Dataset:
    luma = scan()[..., 0]
    picture = cv2.cvtColor(np.stack([luma] * 3, axis=2), cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    dataset = instance(np.stack([picture] * frames), Kind(EXPLICIT, "YBR_FULL"))
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    if planar is None:
        del dataset.PlanarConfiguration
    return reread(dataset)


@pytest.mark.parametrize("planar", [0, None])
@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_samples_in_full_under_the_name_of_half_are_all_looked_at(
    frames: int, planar: int | None
) -> None:
    dataset = labelled_subsampled(frames, planar=planar)

    read = Frames(dataset, "PixelData")

    assert read.source.photometric == "YBR_FULL"
    assert len(read) == frames
    assert np.array_equal(read[frames - 1][..., 0], scan()[..., 0])


def test_samples_in_full_under_the_name_of_half_leave_as_they_came() -> None:
    dataset = labelled_subsampled(1)

    cleaned = PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1)

    assert cleaned.dataset.PixelData == dataset.PixelData
    assert cleaned.dataset.PhotometricInterpretation == "YBR_FULL_422"


def test_more_subsampled_frames_than_are_told_are_no_samples_in_full() -> None:
    """Three subsampled frames are as long as two in full; one of them would never be seen."""
    kind = Kind(EXPLICIT, "YBR_FULL_422")
    luma, chroma = scan()[..., 0].reshape(-1, 2), np.full((ROWS * COLUMNS // 2, 2), 128, np.uint8)
    frame = np.concatenate([luma, chroma], axis=1).astype(np.uint8).tobytes()
    dataset = instance(np.stack([scan()] * 2), kind, pixels=frame * 3)

    with pytest.raises(MalformedDataset):
        Frames(dataset, "PixelData")


def test_half_a_frame_more_is_no_samples_in_full() -> None:
    dataset = labelled_subsampled(1)
    dataset.PixelData += b"\x01\x02"

    with pytest.raises(MalformedDataset):
        Frames(reread(dataset), "PixelData")


def test_subsampled_samples_have_one_order_only() -> None:
    kind = Kind(EXPLICIT, "YBR_FULL_422")
    raw = bytes(range(256)) * (ROWS * COLUMNS * 2 // 256 + 1)
    dataset = instance(scan()[None], kind, pixels=raw[: ROWS * COLUMNS * 2])
    expected = Frames(dataset, "PixelData")[0]
    del dataset.PlanarConfiguration

    assert np.array_equal(Frames(reread(dataset), "PixelData")[0], expected)


@pytest.mark.parametrize("syntax", [BASELINE, JLS, J2K])
def test_a_second_picture_behind_the_first_is_a_frame_that_nobody_looks_at(syntax: str) -> None:
    kind = Kind(syntax)
    frame = noise(kind, frames=1)
    two = codestream(frame[0], kind).rstrip(b"\x00") + codestream(255 - frame[0], kind)
    item = b"\xfe\xff\x00\xe0"
    pixels = item + bytes(4) + item + (len(two) + len(two) % 2).to_bytes(4, "little") + two
    dataset = instance(frame, kind, pixels=pixels + b"\x00" * (len(two) % 2))

    with pytest.raises(MalformedDataset):
        PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1)


def test_a_preview_behind_the_picture_is_removed() -> None:
    kind = Kind(BASELINE)
    frame = noise(kind, frames=1)
    stream = codestream(frame[0], kind).rstrip(b"\x00")
    both = stream + bytes(imagecodecs.jpeg8_encode(frame[0, ::4, ::4].copy()))
    item = b"\xfe\xff\x00\xe0"
    pixels = item + bytes(4) + item + (len(both) + len(both) % 2).to_bytes(4, "little") + both
    dataset = instance(frame, kind, pixels=pixels + b"\x00" * (len(both) % 2))

    cleaned = PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1)

    assert cleaned.dataset.PixelData.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("frames", [None, "1"])
@pytest.mark.parametrize("syntax", [BASELINE, JLS, J2K])
def test_three_frames_under_the_number_of_one_are_withheld(syntax: str, frames: str | None) -> None:
    """As uncompressed ones are: two of the three would be lost, and nobody told."""
    dataset = instance(noise(Kind(syntax), frames=3), Kind(syntax))
    if frames is None:
        del dataset.NumberOfFrames
    else:
        dataset.NumberOfFrames = frames

    with pytest.raises(MalformedDataset):
        Frames(dataset, "PixelData")
