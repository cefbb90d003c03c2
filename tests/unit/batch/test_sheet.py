"""The contact sheet: small frames with what is in doubt, for its owner's eyes alone."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from deid_node.batch.sheet import COLUMNS, ROWS, TILE_PIXELS, ContactSheet, tile_of
from deid_node.errors import InputError
from deid_node.pixeldata.picture import png_of
from deid_node.values.fill import Fill
from deid_node.values.geometry import Box, DoubtedRegion, Region
from tests.builders.samples import packaged

TEXT = Box(20, 30, 60, 40)


def _picture(png: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def _filled(box: Box, frame: int = 0) -> Region:
    return Region(frame, box, 0.9, "a finder", Fill.SOLID)


def test_what_would_be_filled_is_framed_in_red_and_hidden_by_nothing() -> None:
    tile = _picture(tile_of(dcmread(packaged("CT_small.dcm")), [_filled(TEXT)]))

    assert tile.shape == (128, 128, 3)
    assert (tile[TEXT.top - 1, TEXT.left : TEXT.right] == (255, 64, 64)).all()
    inside = tile[TEXT.slices]
    assert (inside[..., 0] == inside[..., 1]).all()


def test_what_withholds_is_framed_in_another_colour() -> None:
    doubted = DoubtedRegion(0, TEXT, 0.4, "a finder")

    tile = _picture(tile_of(dcmread(packaged("CT_small.dcm")), [doubted]))

    assert (tile[TEXT.top - 1, TEXT.left : TEXT.right] == (255, 190, 0)).all()


def test_a_large_frame_is_made_small_and_its_boxes_are_seen_all_the_same() -> None:
    dataset = dcmread(packaged("CT_small.dcm"))
    dataset.Rows, dataset.Columns = 900, 1200
    dataset.PixelData = np.zeros((900, 1200), np.int16).tobytes()

    tile = _picture(
        tile_of(dataset, [_filled(Box(1190, 880, 1199, 890)), _filled(Box(0, 0, 2, 2))])
    )

    assert tile.shape == (TILE_PIXELS * 3 // 4, TILE_PIXELS, 3)
    red = np.argwhere((tile == (255, 64, 64)).all(axis=2))
    assert len(red)
    assert red[:, 1].max() >= TILE_PIXELS - 4


def test_of_many_frames_the_one_with_the_most_boxes_is_shown() -> None:
    dataset = dcmread(packaged("CT_small.dcm"))
    dataset.NumberOfFrames = 3
    frames = [np.full((128, 128), level, np.int16) for level in (0, 500, 1000)]
    dataset.PixelData = np.stack(frames).tobytes()
    dataset.WindowCenter, dataset.WindowWidth = 0, 2000
    regions = [_filled(TEXT, 0), _filled(TEXT, 1), _filled(Box(1, 1, 9, 9), 1), _filled(TEXT, 2)]

    tile = _picture(tile_of(dataset, regions))

    assert (tile[100, 100] == _picture(tile_of(dataset, [_filled(TEXT, 1)]))[100, 100]).all()
    assert (tile[0, 2] == (255, 64, 64)).all()


def test_pages_follow_each_other_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    path.write_text("what was there")
    path.chmod(0o644)
    sheet = ContactSheet(path)
    png = png_of(np.full((TILE_PIXELS, TILE_PIXELS), 90, np.uint8))

    for number in range(COLUMNS * ROWS + 1):
        sheet.add(png, f"{number}: 1 boxes")
    sheet.finish()

    assert [page.name for page in sheet.pages] == ["sheet.png", "sheet-2.png"]
    assert {page.stat().st_mode & 0o777 for page in sheet.pages} == {0o600}
    first, second = (_picture(page.read_bytes()) for page in sheet.pages)
    assert first.shape[1] == COLUMNS * second.shape[1]


def test_without_tiles_there_is_no_page(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")

    sheet.finish()

    assert list(tmp_path.iterdir()) == []


def test_a_sheet_is_not_drawn_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "sheet.png").symlink_to(tmp_path / "elsewhere")
    sheet = ContactSheet(tmp_path / "sheet.png")
    sheet.add(png_of(np.zeros((9, 9), np.uint8)), "1")

    with pytest.raises(InputError, match="cannot be written"):
        sheet.finish()

    assert not (tmp_path / "elsewhere").exists()
