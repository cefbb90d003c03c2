"""Contact sheets of false alarms, for a person: what was taken for text, framed.

The sheets show the caller's images under the names of his files, so they go where he
says and nowhere else.
"""

from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.picture import png_of
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.alarms import Alarm

_CELL, _CAPTION, _GAP = 320, 30, 4
_COLUMNS, _ROWS = 5, 4
_FRAME: Final = (255, 225, 0)
_INK: Final = (20, 20, 20)


class AlarmSheets:
    """Writes ``alarms-001.png`` and so on into `folder`, twenty frames a sheet.

    Use it as a context: the last sheet is written when it ends. Sheets of an earlier run
    in the same folder are removed first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cells: list[NDArray[np.uint8]] = []
        self._written = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob("alarms-[0-9][0-9][0-9].png"):
            old.unlink()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._cells:
            self._write()

    def add(self, alarm: Alarm) -> None:
        """Put the frames of `alarm` on the sheet in hand."""
        one = alarm.specimen
        for index, picture, boxes in alarm.frames:
            what = f"{one.modality} {one.anatomy}, {one.kind}: {alarm.outcome}"
            lines = f"{one.name} frame {index + 1}", what
            self._cells.append(_cell(picture, boxes, lines))
            if len(self._cells) == _COLUMNS * _ROWS:
                self._write()

    def _write(self) -> None:
        height, width = _CELL + _CAPTION + _GAP, _CELL + _GAP
        rows = -(-len(self._cells) // _COLUMNS)
        sheet = np.full((rows * height, _COLUMNS * width, 3), 255, np.uint8)
        for place, cell in enumerate(self._cells):
            row, column = divmod(place, _COLUMNS)
            top, left = row * height, column * width
            sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
        self._written += 1
        (self._folder / f"alarms-{self._written:03}.png").write_bytes(png_of(sheet))
        self._cells.clear()


def _cell(
    picture: DisplayFrame, boxes: tuple[Box, ...], lines: tuple[str, str]
) -> NDArray[np.uint8]:
    rows, columns = picture.shape[:2]
    scale = _CELL / max(rows, columns)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    colour = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    shown = np.asarray(cv2.resize(colour, size, interpolation=method), np.uint8)
    for box in boxes:
        corner = round(box.left * scale), round(box.top * scale)
        opposite = round(box.right * scale) - 1, round(box.bottom * scale) - 1
        cv2.rectangle(shown, corner, opposite, _FRAME, 1)
    cell = np.full((_CELL + _CAPTION, _CELL, 3), 235, np.uint8)
    cell[_CAPTION : _CAPTION + shown.shape[0], : shown.shape[1]] = shown
    for number, line in enumerate(lines, 1):
        cv2.putText(cell, line[-56:], (2, 13 * number), 0, 0.38, _INK, 1, cv2.LINE_AA)
    return cell
