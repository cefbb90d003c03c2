import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid_node.errors import MostlyText
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.pixels.text.masks import mask_of
from deid_node.pixels.text.ultrasound_regions import complement, outside_regions
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import BASELINE, Array, Kind, instance, noise

ROWS, COLUMNS = 60, 80
BANNER = DeviceRegionsOptions(outside_ultrasound_regions=True)


def screen(*regions: tuple[int, int, int, int], kind: Kind | None = None) -> tuple[Dataset, Array]:
    """Return an instance whose regions are given by their first and last column and row."""
    kind = kind or Kind()
    values = noise(kind, frames=2, rows=ROWS, columns=COLUMNS)
    dataset = instance(values, kind)
    items = []
    for left, top, last_column, last_row in regions:
        item = Dataset()
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = last_column, last_row
        items.append(item)
    dataset.SequenceOfUltrasoundRegions = Sequence(items)
    return dataset, values


def cleaned(dataset: Dataset, *rules: DeviceRegionsOptions) -> tuple[Array, set[str]]:
    result = PixelCleaner(finds_nothing(), SolidInpainter(), rules).clean(dataset, seed=1)
    frames = Frames(result.dataset, "PixelData")
    values = np.stack([values_of(words, frames.layout) for words in frames])
    return values, {region.source for region in result.regions}


def test_everything_outside_all_regions_is_filled_and_nothing_else() -> None:
    dataset, values = screen((10, 12, 49, 59), (55, 20, 79, 40))
    inside = np.zeros((ROWS, COLUMNS), np.bool_)
    inside[12:60, 10:50] = True
    inside[20:41, 55:80] = True

    after, sources = cleaned(dataset, BANNER)

    assert np.array_equal(after[:, inside], values[:, inside])
    assert (after[:, ~inside] != values[:, ~inside]).mean() > 0.9
    assert sources == {"device_rule"}


def test_more_than_half_of_a_frame_may_lie_outside() -> None:
    dataset, values = screen((40, 20, 79, 49))

    after, _ = cleaned(dataset, BANNER)

    assert np.array_equal(after[:, 20:50, 40:80], values[:, 20:50, 40:80])


@pytest.mark.parametrize("regions", [(), ((5, 5, 4, 20),), ((0, 0, 0xFFFFFFFF, -1),)])
def test_a_screen_without_a_proper_region_is_withheld(
    regions: tuple[tuple[int, int, int, int], ...],
) -> None:
    dataset, _ = screen()
    items = []
    for left, top, right, bottom in regions:
        item = Dataset()
        item.add_new(0x00186018, "UL", left)
        item.add_new(0x0018601A, "UL", top)
        item.add_new(0x0018601C, "UL", right)
        if bottom >= 0:
            item.add_new(0x0018601E, "UL", bottom)
        items.append(item)
    dataset.SequenceOfUltrasoundRegions = Sequence(items)

    with pytest.raises(MostlyText):
        cleaned(dataset, BANNER)


def test_without_the_sequence_nothing_is_outside() -> None:
    values = noise(Kind(), frames=2)

    after, sources = cleaned(instance(values, Kind()), BANNER)

    assert np.array_equal(after, values)
    assert not sources


def test_the_option_is_off_unless_it_is_set() -> None:
    dataset, values = screen((10, 12, 49, 59))
    rule = DeviceRegionsOptions.model_validate(
        {"boxes": [{"left": 0, "top": 0, "right": 4, "bottom": 4}]}
    )

    after, _ = cleaned(dataset, rule)

    assert np.array_equal(after[:, 20:], values[:, 20:])


def test_a_page_of_text_stays_withheld_beside_a_banner() -> None:
    dataset, _ = screen((4, 4, 79, 59))
    cleaner = PixelCleaner(finds_always(Box(6, 6, 70, 58)), SolidInpainter(), [BANNER])

    with pytest.raises(MostlyText):
        cleaner.clean(dataset, seed=1)


def test_in_a_jpeg_the_banner_ends_with_its_block() -> None:
    dataset, _ = screen((12, 10, 79, 59), kind=Kind(BASELINE))
    frames = Frames(dataset, "PixelData")
    values = np.stack([values_of(words, frames.layout) for words in frames])

    after, _ = cleaned(dataset, BANNER)

    assert np.array_equal(after[:, 16:, 16:], values[:, 16:, 16:])
    assert not np.array_equal(after[:, :10], values[:, :10])


boxes = st.tuples(*[st.integers(0, 29)] * 2, *[st.integers(1, 30)] * 2).map(
    lambda n: Box(n[0], n[1], min(40, n[0] + n[2]), min(30, n[1] + n[3]))
)


@given(st.lists(boxes, max_size=5))
def test_the_complement_covers_each_pixel_once(some: list[Box]) -> None:
    covered = mask_of(some, rows=30, columns=40).astype(int)
    for box in complement(some, rows=30, columns=40):
        covered[box.slices] += 1
        assert (covered[box.slices] == 1).all()

    assert (covered == 1).all()


def test_regions_beyond_the_frame_are_cut() -> None:
    dataset, _ = screen((40, 30, 2000, 2000))

    outside = outside_regions(dataset, rows=ROWS, columns=COLUMNS)

    mask = mask_of(outside, rows=ROWS, columns=COLUMNS)
    assert not mask[30:, 40:].any()
    assert mask[:30].all()
    assert mask[:, :40].all()
