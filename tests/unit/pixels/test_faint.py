"""A faint line in the middle of what a scanner declares to be the body waits for a person."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory
from deid_node.pixels.text.evidence import Band, evidence_of
from deid_node.pixels.text.faint import is_faint_line
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.keep.sorter import Sorter
from deid_node.pixels.text.kinds import Kind
from deid_node.pixels.text.search import Look
from deid_node.pixels.text.ultrasound_regions import image_regions
from deid_node.spool.files import PLAIN
from deid_node.values.geometry import Box, Found
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Withheld
from tests.builders.samples import BURNED_IN
from tests.builders.values import an_origin

IMAGE = Box(20, 20, 180, 180)
LINE = Box(60, 60, 100, 76)


def region(spatial_format: int, **other: int) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat = spatial_format
    edges = {"MinX0": 20, "MinY0": 20, "MaxX1": 179, "MaxY1": 179} | other
    for edge, value in edges.items():
        setattr(item, f"RegionLocation{edge}", value)
    return item


def with_regions(*declared: Dataset) -> Dataset:
    dataset = Dataset()
    dataset.SequenceOfUltrasoundRegions = list(declared)
    return dataset


def order(folder: Path, name: str) -> WorkOrder:
    received = BURNED_IN / "dicom" / name
    return WorkOrder(InstanceId("0123456789abcdef"), 1, received, folder / "clean", an_origin())


@pytest.mark.parametrize(
    ("box", "score", "faint"),
    [
        (LINE, 0.7, True),
        (LINE, 0.8, False),
        (Box(60, 60, 90, 76), 0.7, False),  # as long as a digit or two
        (Box(60, 60, 100, 65), 0.7, False),  # a speck
        (Box(10, 60, 50, 76), 0.7, False),  # beside the image
    ],
)
def test_a_faint_line_is_long_unsure_and_within_the_image(
    box: Box, score: float, faint: bool
) -> None:
    assert is_faint_line(Found(box, score), [IMAGE], below=0.8) is faint


def test_only_whole_images_of_the_body_are_declared() -> None:
    curve = region(3)
    broken = region(1)
    del broken.RegionLocationMaxX1
    unsaid = region(1)
    del unsaid.RegionSpatialFormat

    assert image_regions(with_regions(region(1), curve), rows=200, columns=200) == (IMAGE,)
    assert image_regions(with_regions(broken, region(1)), rows=200, columns=200) == (IMAGE,)
    assert image_regions(with_regions(unsaid), rows=200, columns=200) == ()
    assert image_regions(Dataset(), rows=200, columns=200) == ()


def test_what_is_faint_is_in_doubt_and_what_is_sure_beside_it_is_filled() -> None:
    sure, faint = Found(Box(30, 30, 90, 46), 0.99), Found(LINE, 0.6)
    look = Look(0, (np.zeros((200, 200), np.uint8),), ((sure, faint),))
    sorter = Sorter(
        None, rows=200, columns=200, grid_pixels=1, images=[IMAGE],
        band=Band(doubt=0.2, sure=0.2, beside=0.2, faint=0.8),
    )  # fmt: skip

    settled = sorter.sorted_out(look, (), "finder")

    assert [mark.box for mark in settled.doubtful] == [LINE]
    assert all(not mark.box.contains(LINE) for mark in settled.marks)
    assert any(mark.box.contains(sure.box) for mark in settled.marks)


def test_the_shipped_bands_doubt_faint_lines_of_ultrasound_unless_a_site_fills_in_doubt() -> None:
    band = evidence_of(CrnnOptions()).band(Kind.ULTRASOUND, suspicious=False)

    assert band.faint == 0.8
    assert band.on_text().faint == 0.8
    assert band.without_doubt().faint == 0


@pytest.mark.shared
def test_the_tip_of_a_real_sector_is_not_filled(tmp_path: Path) -> None:
    corridor = corridor_factory(Config(), keys=[bytes(range(32))], files=PLAIN, offline=True)()
    outcome = corridor.clean(order(tmp_path, "fo-dicom__DIRW0007.dcm"))

    assert isinstance(outcome, Withheld)
    assert outcome.code == "text_uncertain"
    assert any(Box(190, 48, 320, 120).contains(seen.box) for seen in outcome.seen)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["deid-data__GREYSCALE_IMAGE.dcm", "pydicom-data__JPGLosslessP14SV1_1s_1f_8b.dcm"]
)
def test_real_screens_whose_lines_are_sure_are_cleaned(tmp_path: Path, name: str) -> None:
    corridor = corridor_factory(Config(), keys=[bytes(range(32))], files=PLAIN, offline=True)()

    outcome = corridor.clean(order(tmp_path, name))

    assert isinstance(outcome, Cleaned)
