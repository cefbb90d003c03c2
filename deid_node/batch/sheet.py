"""A contact sheet: of each instance the frame with the most boxes, small, with what is in doubt.

The sheet shows pixels as they came, so it may show names: it is made where a person asks for it,
for its owner alone.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from deid_node.errors import InputError
from deid_node.pixeldata.picture import framed, png_of, shown_frame
from deid_node.values.geometry import Box, DoubtedRegion, Region

TILE_PIXELS: Final = 256
COLUMNS: Final = 6
ROWS: Final = 5
_CAPTION_PIXELS: Final = 20
_GAP_PIXELS: Final = 6
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_INK: Final = (230, 230, 230)
_FILLED: Final = (255, 64, 64)
_DOUBTED: Final = (255, 190, 0)

Tile = NDArray[np.uint8]


def tile_of(dataset: Dataset, regions: Sequence[Region | DoubtedRegion]) -> bytes:
    """Return the frame of `dataset` with the most of `regions` as a small PNG, with those boxes.

    What would be filled is framed in red, what withholds the instance in yellow. Raises
    `CleaningError` where the frame cannot be decoded.
    """
    counts = Counter(region.frame for region in regions)
    number = max(sorted(counts), key=lambda frame: counts[frame])
    frame = shown_frame(dataset, number)
    rows, columns = frame.shape[:2]
    factor = min(1.0, TILE_PIXELS / max(rows, columns))
    size = max(1, round(columns * factor)), max(1, round(rows * factor))
    small: Tile = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
    for region in regions:
        if region.frame == number:
            colour = _FILLED if isinstance(region, Region) else _DOUBTED
            small = framed(small, [_scaled(region.box, factor, size)], colour=colour)
    return png_of(small)


class ContactSheet:
    """Collects tiles, and writes page after page: `path`, then ``-2`` and so on before its suffix.

    Files are made with mode 0600; what is there under their names is written over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tiles: list[tuple[Tile, str]] = []
        self.pages: list[Path] = []
        """What has been written."""

    def add(self, png: bytes, caption: str) -> None:
        """Add a tile; raises `InputError` where a page that is full cannot be written."""
        tile = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
        if tile is None:
            return
        self._tiles.append((np.asarray(tile, np.uint8), caption))
        if len(self._tiles) == COLUMNS * ROWS:
            self.finish()

    def finish(self) -> None:
        """Write what has been collected, if anything; raises `InputError`."""
        if not self._tiles:
            return
        number = len(self.pages) + 1
        name = self._path.stem if number == 1 else f"{self._path.stem}-{number}"
        page = self._path.with_name(name + self._path.suffix)
        try:
            _write_private(page, png_of(_page(self._tiles)))
        except OSError as error:
            raise InputError(f"{page} cannot be written: {error.strerror}") from None
        self.pages.append(page)
        self._tiles.clear()


def _page(tiles: Sequence[tuple[Tile, str]]) -> Tile:
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // COLUMNS)
    width, height = TILE_PIXELS + _GAP_PIXELS, TILE_PIXELS + _CAPTION_PIXELS + _GAP_PIXELS
    page = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
    for number, (tile, caption) in enumerate(tiles):
        top, left = number // COLUMNS * height, number % COLUMNS * width
        origin = (left + 2, top + _CAPTION_PIXELS - 6)
        cv2.putText(page, caption, origin, _FONT, 0.42, _INK, 1, cv2.LINE_AA)
        top += _CAPTION_PIXELS
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return page


def _scaled(box: Box, factor: float, size: tuple[int, int]) -> Box:
    left, top = int(box.left * factor), int(box.top * factor)
    right = min(size[0], max(left + 1, round(box.right * factor)))
    bottom = min(size[1], max(top + 1, round(box.bottom * factor)))
    return Box(min(left, right - 1), min(top, bottom - 1), right, bottom)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
