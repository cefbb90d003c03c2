# ruff: noqa: INP001  # a script, not a package
"""Draw what the finder masks on real ultrasound screens: one sheet to look at.

``python scripts/contact_sheet.py`` writes ``docs/images/found-regions.jpg`` from screens
inside the installed pydicom package. With ``--shared DIR --out FILE`` it draws every
screen of the shared data instead; that sheet stays outside the repository.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT: Final = Path(__file__).resolve().parents[1]
SHEET: Final = ROOT / "docs" / "images" / "found-regions.jpg"
SCREENS: Final = ("examples_palette.dcm", "examples_jpeg2k.dcm", "examples_ybr_color.dcm")
_WIDTH, _GAP = 640, 8
_MOST_BYTES: Final = 400_000
_MARK: Final = (255, 225, 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the sheet and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, help="the shared data folder")
    parser.add_argument("--out", type=Path, default=SHEET)
    parser.add_argument("--columns", type=int, default=2)
    chosen = parser.parse_args(arguments)
    if chosen.shared is not None and chosen.out.resolve().is_relative_to(ROOT):
        parser.error("a sheet of shared images stays outside the repository: name --out")
    paths = _packaged() if chosen.shared is None else _shared(chosen.shared)
    sheet = arranged([drawn(path) for path in paths], columns=chosen.columns)
    most = _MOST_BYTES if chosen.shared is None else 1 << 30
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_bytes(_jpeg(sheet, most))
    return 0


def drawn(path: Path) -> NDArray[np.uint8]:
    """Return the first frame of a file as RGB with a frame around every region that is masked."""
    from deid_node.dicom import part10
    from deid_node.pixels.cleaner import PixelCleaner
    from deid_node.pixels.fill.solid import SolidInpainter
    from deid_node.pixels.text.find.build import build_finder
    from deid_node.pixels.text.find.options import CrnnOptions
    from deid_node_lab.evaluation.arms import OwnArm
    from deid_node_lab.evaluation.cases import case_of
    from deid_node_lab.evaluation.hits import masked_boxes

    finder = build_finder(CrnnOptions(device="cpu"))
    case = case_of(part10.read(path), ())
    boxes = OwnArm(finder, PixelCleaner(finder, SolidInpainter())).find(case)
    picture = case.picture
    rows, columns = picture.shape[:2]
    canvas = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture.copy()
    for box in masked_boxes(boxes, rows=rows, columns=columns):
        corner = (box.right - 1, box.bottom - 1)
        cv2.rectangle(canvas, (box.left, box.top), corner, _MARK, 1 + columns // 1000)
    return np.asarray(canvas, np.uint8)


def arranged(pictures: Sequence[NDArray[np.uint8]], *, columns: int) -> NDArray[np.uint8]:
    """Return the pictures at one width, each put under what leaves its column the shortest."""
    stacks: list[list[NDArray[np.uint8]]] = [[] for _ in range(min(columns, len(pictures)))]
    for picture in pictures:
        min(stacks, key=_height).append(_scaled(picture))
    size = (max(map(_height, stacks)) + _GAP, len(stacks) * (_WIDTH + _GAP) + _GAP, 3)
    sheet = np.full(size, 255, np.uint8)
    for index, stack in enumerate(stacks):
        left, top = _GAP + index * (_WIDTH + _GAP), _GAP
        for one in stack:
            sheet[top : top + one.shape[0], left : left + _WIDTH] = one
            top += one.shape[0] + _GAP
    return sheet


def _height(stack: Sequence[NDArray[np.uint8]]) -> int:
    return sum(one.shape[0] + _GAP for one in stack)


def _scaled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = picture.shape[:2]
    method = cv2.INTER_AREA if columns > _WIDTH else cv2.INTER_LINEAR
    size = (_WIDTH, round(rows * _WIDTH / columns))
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def _packaged() -> list[Path]:
    import pydicom.data

    folder = Path(pydicom.data.__file__).parent / "test_files"
    return [folder / name for name in SCREENS]


def _shared(folder: Path) -> list[Path]:
    from deid_node_lab.evaluation.boxes_file import read_boxes

    screens = folder / "burned_in"
    return [screens / name for name in sorted(read_boxes(screens / "boxes.json"))]


def _jpeg(sheet: NDArray[np.uint8], most_bytes: int) -> bytes:
    for quality in (90, 80, 70, 60, 50):
        _, coded = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(coded) <= most_bytes:
            return bytes(coded.tobytes())
    raise ValueError("the sheet is too large")


if __name__ == "__main__":
    # The package lies beside this folder, installed or not.
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
