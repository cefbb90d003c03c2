"""Lines that stay, through the whole pixel room, with a finder and a reader that obey."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from deid_node.errors import ResidualText
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.cleaner import PixelCleaner, PixelsCleaned
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.device_regions import BoxOptions, DeviceRegionsOptions
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.keep.judge import KeepList
from deid_node.pixels.text.keep.patterns import compiled
from deid_node.pixels.text.read.base import Reader, Reading
from deid_node.values.geometry import Box
from tests.fakes.finder import ScriptedFinder, finds_always, finds_ink, has_ink
from tests.fakes.reader import NOTHING, ScriptedReader, reads, reads_always
from tests.unit.pixeldata.instances import BASELINE, EXPLICIT, RLE, Array, Kind, instance
from tests.unit.pixels.test_cleaner import values

SIDE = Box(150, 20, 166, 38)
SCALE = Box(20, 150, 90, 166)
NAME = Box(10, 60, 140, 84)
WRITTEN = {SIDE: "R", SCALE: "10.5 mm", NAME: "LEE ROBERT"}


def a_film(lines: Mapping[Box, str], *, kind: Kind, frames: int = 1) -> Array:
    """Return frames with the first lines small and all of them in their boxes."""
    frame = np.full((200, 200), 20, kind.dtype)
    frame[100:140] = np.random.default_rng(4).integers(10, 60, (40, 200))
    for box, text in lines.items():
        height = box.bottom - box.top
        at = (box.left + 2, box.bottom - height // 4)
        ink = np.zeros((200, 200), np.uint8)
        cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SIMPLEX, height / 36, 255, 1)
        clip = np.zeros_like(ink)
        clip[box.slices] = ink[box.slices]
        frame[clip > 0] = 250
    if kind.samples == 3:
        frame = np.stack([frame] * 3, axis=2)
    return np.stack([frame] * frames)


def clean(
    dataset: Dataset,
    *,
    finder: Finder | None = None,
    second_look: Finder | None = None,
    reader: Reader | None = None,
    patterns: Sequence[str] = ("@laterality", "@measurements"),
    says: Callable[[str], bool] = lambda line: "LEE" in line,
    regions: Sequence[DeviceRegionsOptions] = (),
) -> PixelsCleaned:
    keep = KeepList(
        reader or reads(WRITTEN), tuple(one for entry in patterns for one in compiled(entry))
    )
    cleaner = PixelCleaner(
        finder or finds_ink(*WRITTEN),
        SolidInpainter(),
        regions,
        second_look=second_look,
        keep=keep,
    )
    return cleaner.clean(dataset, seed=1, names_patient=says)


@pytest.mark.req("REQ-PX-10")
@pytest.mark.parametrize(
    "kind", [Kind(), Kind(RLE, "RGB"), Kind(EXPLICIT, "MONOCHROME1", 16, 12)], ids=str
)
def test_listed_lines_stay_bit_for_bit_and_the_name_goes(kind: Kind) -> None:
    stored = a_film(WRITTEN, kind=kind)

    cleaned = clean(instance(stored, kind))

    after = values(cleaned.dataset)
    assert [region.box for region in cleaned.kept] == [SCALE, SIDE]
    for box in (SIDE, SCALE):
        assert np.array_equal(after[0][box.slices], stored[0][box.slices])
    assert np.ptp(after[0][NAME.slices]) == 0
    assert all(
        not region.box.intersects(kept.box) for region in cleaned.regions for kept in cleaned.kept
    )


def test_an_instance_whose_lines_all_stay_leaves_with_the_pixels_it_came_with() -> None:
    dataset = instance(a_film({SIDE: "R"}, kind=Kind(RLE)), Kind(RLE))

    cleaned = clean(dataset)

    assert not cleaned.changed
    assert cleaned.looked_at
    assert [region.box for region in cleaned.kept] == [SIDE]
    assert cleaned.dataset.PixelData == dataset.PixelData


def test_unless_the_header_is_asked_nothing_stays() -> None:
    keep = KeepList(reads(WRITTEN), compiled("@laterality"))
    cleaner = PixelCleaner(finds_ink(*WRITTEN), SolidInpainter(), keep=keep)

    cleaned = cleaner.clean(instance(a_film(WRITTEN, kind=Kind()), Kind()), seed=1)

    assert cleaned.kept == ()
    assert np.ptp(values(cleaned.dataset)[0][SIDE.slices]) == 0


@pytest.mark.req("REQ-PX-15")
def test_without_a_keep_list_nothing_is_read_and_the_bytes_are_those_of_always() -> None:
    dataset = instance(a_film(WRITTEN, kind=Kind(RLE)), Kind(RLE))
    reader = reads_always("R", confidence=0.0)

    never = PixelCleaner(finds_ink(*WRITTEN), SolidInpainter()).clean(
        dataset, seed=1, names_patient=lambda _line: False
    )
    unsure = clean(dataset, reader=reader)

    assert reader.asked
    assert never.kept == unsure.kept == ()
    assert never.regions == unsure.regions
    assert never.dataset == unsure.dataset


@pytest.mark.req("REQ-PX-12")
def test_each_frame_is_judged_by_itself() -> None:
    kind = Kind(RLE)
    with_name = {**WRITTEN, SIDE: "R", Box(150, 60, 166, 78): "B"}
    stored = np.concatenate([a_film({SIDE: "R"}, kind=kind), a_film(with_name, kind=kind)])
    lines = {**WRITTEN, Box(150, 60, 166, 78): "B"}

    cleaned = clean(instance(stored, kind), finder=finds_ink(*lines), reader=reads(lines))

    assert [(region.frame, region.box) for region in cleaned.kept] == [
        (0, SIDE),
        (1, SCALE),
        (1, SIDE),
    ]
    assert {region.frame for region in cleaned.regions} == {1}


@pytest.mark.req("REQ-PX-12")
def test_a_line_that_another_view_shows_to_say_more_goes() -> None:
    """A window that the file names shows R alone; the full range shows what is faint beside it."""
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 16)
    stored = a_film({SIDE: "R"}, kind=kind)
    dataset = instance(stored, kind)
    dataset.WindowCenter, dataset.WindowWidth = "200", "20"
    shown: set[bytes] = set()

    def read(frame: DisplayFrame, _box: Box) -> Reading:
        shown.add(frame.tobytes())
        return Reading("R" if len(shown) == 1 else "LEE R", 0.99)

    cleaned = clean(
        dataset,
        finder=finds_ink(SIDE),
        reader=ScriptedReader(read),
        second_look=finds_ink(SIDE),
        says=lambda _line: False,
    )

    assert len(shown) > 1
    assert cleaned.kept == ()
    assert any(region.box.contains(SIDE) for region in cleaned.regions)


@pytest.mark.req("REQ-PX-13")
def test_a_line_that_a_fixed_region_touches_goes() -> None:
    corner = BoxOptions(left=140, top=10, right=152, bottom=30)
    rule = DeviceRegionsOptions(boxes=(corner,))

    cleaned = clean(instance(a_film(WRITTEN, kind=Kind()), Kind()), regions=[rule])

    assert [region.box for region in cleaned.kept] == [SCALE]
    assert np.ptp(values(cleaned.dataset)[0][SIDE.slices]) == 0


@pytest.mark.req("REQ-PX-13")
def test_a_line_beside_a_name_goes_with_it() -> None:
    beside = Box(144, 62, 160, 82)
    lines = {NAME: "LEE ROBERT", beside: "R"}

    cleaned = clean(
        instance(a_film(lines, kind=Kind()), Kind()), finder=finds_ink(*lines), reader=reads(lines)
    )

    assert cleaned.kept == ()
    assert np.ptp(values(cleaned.dataset)[0][beside.slices]) == 0


def test_lossy_frames_widen_the_mask_and_take_what_the_blocks_touch() -> None:
    kind = Kind(BASELINE)
    name, below = Box(10, 60, 140, 85), Box(20, 92, 90, 108)
    lines = {name: "LEE ROBERT", below: "10.5 mm"}
    finder, reader = finds_ink(*lines), reads(lines)

    native = clean(instance(a_film(lines, kind=Kind()), Kind()), finder=finder, reader=reader)
    blocks = clean(instance(a_film(lines, kind=kind), kind), finder=finder, reader=reader)

    assert [region.box for region in native.kept] == [below]
    assert blocks.kept == ()


@pytest.mark.req("REQ-PX-12")
def test_a_line_that_reads_otherwise_after_the_fill_goes() -> None:
    def read(frame: DisplayFrame, box: Box) -> Reading:
        if box.intersects(NAME):
            return Reading("LEE", 0.99)
        return Reading("R" if has_ink(frame, NAME) else "B", 0.99)

    cleaned = clean(
        instance(a_film({SIDE: "R", NAME: "LEE"}, kind=Kind()), Kind()),
        finder=finds_ink(SIDE, NAME),
        reader=ScriptedReader(read),
    )

    assert cleaned.kept == ()
    assert np.ptp(values(cleaned.dataset)[0][SIDE.slices]) == 0


@pytest.mark.parametrize(
    ("again", "stays"),
    [
        (Box(148, 18, 168, 40), True),
        (Box(147, 17, 169, 41), True),
        (Box(146, 20, 166, 38), False),
        (Box(150, 20, 190, 38), False),
    ],
    ids=["a little larger", "by the margin", "beyond the margin", "longer"],
)
def test_a_line_is_seen_again_only_where_it_stands(again: Box, stays: bool) -> None:
    cleaned = clean(
        instance(a_film(WRITTEN, kind=Kind()), Kind()),
        second_look=finds_ink(again),
    )

    assert (SIDE in [region.box for region in cleaned.kept]) is stays


@pytest.mark.req("REQ-PX-05")
def test_text_that_stays_and_is_not_listed_still_withholds() -> None:
    stubborn = Box(20, 104, 60, 120)

    with pytest.raises(ResidualText):
        clean(
            instance(a_film(WRITTEN, kind=Kind()), Kind()),
            finder=finds_ink(*WRITTEN),
            second_look=finds_always(stubborn),
        )


def test_a_frame_full_of_boxes_is_not_read() -> None:
    boxes = [Box(x, y, x + 12, y + 14) for x in range(20, 60) for y in range(20, 26)]
    reader = reads_always("R")

    cleaned = clean(
        instance(a_film(WRITTEN, kind=Kind()), Kind()),
        finder=ScriptedFinder(lambda _frame: boxes[:201]),
        second_look=ScriptedFinder(),
        reader=reader,
        patterns=["R"],
    )

    assert reader.asked == []
    assert cleaned.kept == ()


def test_a_line_in_a_map_of_labels_withholds_although_it_is_listed() -> None:
    dataset = instance(a_film({SIDE: "R"}, kind=Kind()), Kind())
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"

    with pytest.raises(ResidualText):
        clean(dataset)


def test_a_box_without_a_reading_goes() -> None:
    cleaned = clean(
        instance(a_film(WRITTEN, kind=Kind()), Kind()),
        reader=ScriptedReader(lambda _frame, _box: NOTHING),
    )

    assert cleaned.kept == ()
