from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmwrite

from deid_node.errors import CleaningError, NotDicom, Undecodable
from deid_node.pixeldata.picture import png_of, shown_frame
from deid_node.pixels.text.scan import FrameChoice, look
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always
from tests.unit.pixeldata.instances import EXPLICIT, Kind, instance, noise

BOX = Box(4, 3, 20, 9)


@pytest.fixture
def cine(tmp_path: Path) -> Path:
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 12)
    path = tmp_path / "cine.dcm"
    dcmwrite(path, instance(noise(kind, frames=3), kind), enforce_file_format=True)
    return path


@pytest.mark.parametrize(("choice", "frames"), [(FrameChoice.ALL, 3), (FrameChoice.FIRST, 1)])
def test_frames_of_a_cine_are_looked_at(cine: Path, choice: FrameChoice, frames: int) -> None:
    report = look(cine, finds_always(BOX), frames=choice)

    assert (report.frames, report.width, report.height) == (frames, 56, 40)
    assert [(r.frame, r.box) for r in report.regions] == [(n, BOX) for n in range(frames)]
    assert report.seconds > 0


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("shape", [(40, 56), (40, 56, 3)])
def test_pictures_are_looked_at(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    path = tmp_path / f"picture{suffix}"
    cv2.imwrite(str(path), np.zeros(shape, np.uint8))
    finder = finds_always(BOX)

    report = look(path, finder)

    assert (report.frames, report.width, report.height) == (1, 56, 40)
    assert [r.box for r in report.regions] == [BOX]
    assert finder.shown[0].dtype == np.uint8


def test_colours_of_a_picture_are_in_the_order_that_finders_expect(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((4, 4, 3), (0, 0, 255), np.uint8))
    finder = finds_always()

    look(path, finder)

    assert finder.shown[0][0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", NotDicom),
        (b"hello", NotDicom),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 40, Undecodable),
        (b"\xff\xd8\xff\xe0broken", Undecodable),
    ],
)
def test_other_files_are_refused_by_name(
    tmp_path: Path, content: bytes, error: type[CleaningError]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(error):
        look(path, finds_always())


def test_before_and_after_are_shown_with_one_window() -> None:
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 12)
    stored = noise(kind, frames=1)
    darker = stored // 2
    before, after = instance(stored, kind), instance(darker, kind)

    shown = shown_frame(after, window_of=before)

    assert shown.shape == (40, 56)
    assert shown.max() <= 129
    assert shown_frame(before).max() == 255


def test_a_png_holds_the_picture() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (7, 9, 3)).astype(np.uint8)

    read = cv2.imdecode(np.frombuffer(png_of(picture), np.uint8), cv2.IMREAD_COLOR)

    assert read is not None
    assert np.array_equal(read[..., ::-1], picture)
