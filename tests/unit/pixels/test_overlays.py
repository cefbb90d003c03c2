"""A plane stays only if the finder was shown all of it and saw nothing."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.hidden.overlays import planes_without_text
from deid_node.pixels.hidden.pictures import without_hidden_pictures
from deid_node.values.geometry import Box
from tests.fakes.finder import ScriptedFinder, finds_always, finds_ink, finds_nothing
from tests.unit.pixeldata.instances import BIG, EXPLICIT, Array, Kind, instance, noise, reread

ROWS, COLUMNS = 41, 57
"""Odd on purpose: a frame of a plane need not begin with a byte."""

NAME = Box(4, 10, 50, 24)


def contour() -> Array:
    plane = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.circle(plane, (28, 33), 6, 1)
    return plane


def name() -> Array:
    plane = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.putText(plane, "DOE", (5, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    return plane


def with_plane(
    *frames: Array,
    group: int = 0x6000,
    dataset: Dataset | None = None,
    other: Mapping[int, object] = MappingProxyType({}),
) -> Dataset:
    """Return `dataset` with a plane of `frames`; `other` are other values of its elements."""
    dataset = instance(noise(Kind(), frames=1), Kind()) if dataset is None else dataset
    bits = np.concatenate([frame.reshape(-1) for frame in frames])
    content = np.packbits(bits, bitorder="little").tobytes()
    for element, vr, value in (
        (0x0010, "US", ROWS),
        (0x0011, "US", COLUMNS),
        (0x0015, "IS", len(frames)),
        (0x0022, "LO", "plane of Jane Doe"),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x1500, "LO", "Doe"),
        (0x3000, "OW", content + b"\x00" * (len(content) % 2)),
    ):
        given = other.get(element, value)
        if given is not None:
            dataset.add_new((group, element), vr, given)
    return reread(dataset)


def test_a_plane_on_which_nothing_is_read_stays_without_its_labels() -> None:
    dataset = with_plane(contour(), contour())
    cleaner = PixelCleaner(finds_ink(NAME), SolidInpainter(), keep_overlays=True)
    # The ground of the image is noise: only planes are to be looked at here.
    dataset.PixelData = bytes(len(dataset.PixelData))

    cleaned = cleaner.clean(dataset, seed=1).dataset

    left = {tag.elem for tag in (e.tag for e in cleaned) if tag.group == 0x6000}
    assert left == {0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0100, 0x0102, 0x3000}
    assert cleaned[0x60003000].value == dataset[0x60003000].value


@pytest.mark.parametrize("frames", [1, 3])
def test_a_name_on_any_frame_of_a_plane_takes_the_plane_away(frames: int) -> None:
    dataset = with_plane(*[contour()] * (frames - 1), name())
    dataset = with_plane(contour(), group=0x6002, dataset=dataset)

    assert planes_without_text(dataset, finds_ink(NAME)) == {0x6002}


def test_each_frame_is_shown_as_a_viewer_draws_it_in_both_polarities() -> None:
    frames = [contour(), name(), 1 - contour()]
    finder = finds_nothing()

    planes_without_text(with_plane(*frames), finder)

    expected = [shown for frame in frames for shown in (frame * 255, 255 - frame * 255)]
    assert len(finder.shown) == len(expected)
    assert all(map(np.array_equal, (one[..., 0] for one in finder.shown), expected))


def test_what_is_seen_in_one_polarity_only_counts() -> None:
    dark = ScriptedFinder(lambda frame: [NAME] if frame[0, 0, 0] else [])

    assert not planes_without_text(with_plane(contour()), dark)


@pytest.mark.parametrize(
    "other",
    [
        {0x0010: 400},
        {0x0010: 20},
        {0x0010: 0},
        {0x0011: None},
        {0x0015: 2},
        {0x0015: -1},
        {0x0100: 16},
        {0x0100: None},
        {0x0102: 3},
        {0x3000: None},
        {0x3000: np.packbits(contour(), bitorder="little").tobytes() + b"\x00name"},
        {0x3000: np.packbits(contour(), bitorder="little").tobytes()[:-1] + b"\xff\x00"},
    ],
    ids=str,
)
def test_a_plane_that_does_not_fit_its_bits_does_not_stay(other: dict[int, object]) -> None:
    assert planes_without_text(with_plane(contour()), finds_nothing()) == {0x6000}
    assert not planes_without_text(with_plane(contour(), other=other), finds_nothing())


def test_a_plane_in_big_endian_does_not_stay() -> None:
    dataset = instance(noise(Kind(BIG), frames=1), Kind(BIG))

    assert not planes_without_text(with_plane(contour(), dataset=dataset), finds_nothing())


def test_planes_inside_sequences_go_whatever_stays_above() -> None:
    dataset = with_plane(contour())
    inner = Dataset()
    inner.add_new((0x6000, 0x3000), "OW", b"\x00\x00")
    dataset.ReferencedImageSequence = [inner]

    clean, removed = without_hidden_pictures(reread(dataset), frozenset({0x6000}))

    assert removed
    assert (0x6000, 0x3000) in clean
    assert not list(clean.ReferencedImageSequence[0])


def test_no_plane_stays_unless_it_was_asked_for() -> None:
    dataset = with_plane(contour(), dataset=instance(noise(Kind(EXPLICIT), frames=1), Kind()))
    cleaner = PixelCleaner(finds_nothing(), SolidInpainter())

    assert not [e for e in cleaner.clean(dataset, seed=1).dataset if e.tag.group == 0x6000]


def test_a_plane_on_which_the_finder_always_sees_something_goes() -> None:
    assert not planes_without_text(with_plane(contour()), finds_always(NAME))
    assert planes_without_text(with_plane(contour() * 0), finds_always(NAME)) == {0x6000}
