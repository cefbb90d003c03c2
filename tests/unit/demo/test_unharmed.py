"""The demo sees when text-free pixels do not arrive as they were sent, and where."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from deid_node.demo.mosaic import mosaic_of
from deid_node.demo.samples import FILES, give_uid, mosaic, shipped, write_samples
from deid_node.demo.table import Row
from deid_node.demo.unharmed import FLOW, MOSAIC, TEXT_FREE, flow_harmed, harmed
from deid_node.dicom.silence import silenced

COLOUR = "ultrasound, colour"


def row(title: str, original: Dataset, uid: str | None) -> Row:
    clean = None if uid is None else SimpleNamespace(sop_instance_uid=uid)
    ended = SimpleNamespace(journey=SimpleNamespace(clean=clean), reason=None)
    return Row(title, original, cast("Any", ended))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path


def arrived(archive: Path, dataset: Dataset, uid: str) -> None:
    give_uid(dataset, uid)
    dataset.save_as(archive / f"{uid}.dcm", enforce_file_format=True)


def test_pixels_that_came_as_they_were_sent_harm_nobody(archive: Path) -> None:
    sent = dcmread(shipped("MR_small.dcm"))
    arrived(archive, dcmread(shipped("MR_small_RLE.dcm")), "1.2.3")

    assert harmed([row("MR", sent, "1.2.3")], archive) == ()


def test_one_pixel_that_differs_is_told_by_the_title(archive: Path) -> None:
    sent, filled = dcmread(shipped("MR_small.dcm")), dcmread(shipped("MR_small.dcm"))
    stored = filled.pixel_array.copy()
    stored[40, 50] += 1
    filled.PixelData = stored.tobytes()
    arrived(archive, filled, "1.2.3")

    assert harmed([row("MR", sent, "1.2.3")], archive) == ("MR",)
    assert harmed([row("CT", sent, "1.2.3")], archive) == (), "text may stand on any other"


def test_a_text_free_sample_that_is_withheld_is_harmed(archive: Path) -> None:
    sent = dcmread(shipped("MR_small.dcm"))

    assert harmed([row("MR", sent, None)], archive) == ("MR (withheld)",)


def test_of_the_ultrasound_the_flow_alone_must_stay(archive: Path) -> None:
    sent, letters, flow = (dcmread(shipped("examples_rgb_color.dcm")) for _ in range(3))
    box = FLOW[COLOUR]
    for number, (dataset, place) in enumerate(((letters, (0, 0)), (flow, (box.top, box.left)))):
        stored = dataset.pixel_array.copy()
        stored[place] ^= 255
        dataset.PixelData = stored.tobytes()
        arrived(archive, dataset, f"1.2.{number}")

    assert flow_harmed([row(COLOUR, sent, "1.2.0")], archive) == ()
    assert flow_harmed([row(COLOUR, sent, "1.2.1")], archive) == (COLOUR,)


def test_the_flow_lies_where_the_box_says() -> None:
    stored = dcmread(shipped("examples_rgb_color.dcm")).pixel_array.astype(np.int16)
    vivid = np.ptp(stored, axis=2) > 60
    box = FLOW[COLOUR]

    inside = int(vivid[box.slices].sum())
    vivid[:, :30] = vivid[:, 290:] = False  # the colour bars

    assert inside == int(vivid.sum()) > 2000


def test_every_title_is_a_sample(tmp_path: Path) -> None:
    with silenced():
        titles = {sample.title for sample in write_samples(tmp_path / "scanner")}

    assert titles >= TEXT_FREE | set(FLOW)
    assert titles == {title for title, _ in FILES} | {
        "CT of the canary",
        "MR of the canary",
        MOSAIC,
    }


def test_the_mosaic_is_a_frame_of_small_slices_without_overlays() -> None:
    source = dcmread(shipped("examples_overlay.dcm"))
    before = int(source.pixel_array.max())

    made = mosaic()

    stored = made.pixel_array
    tiles = stored.reshape(6, 64, 6, 64).swapaxes(1, 2).reshape(36, 64, 64)
    assert made.ImageType[2:] == ["M", "ND", "MOSAIC"]
    assert [bool(tile.any()) for tile in tiles] == [True] * 33 + [False] * 3
    assert before / 2 < int(stored.max()) <= before
    assert not [element for element in made if element.tag.group in range(0x6000, 0x6020)]
    assert made.SOPInstanceUID != source.SOPInstanceUID
    assert mosaic_of(source).PixelData == made.PixelData
