"""Only look: which text a finder sees in a file, DICOM, PNG or JPEG.

Nothing is changed and nothing is written. Boxes are those of the finder, as they
are, without the margin that a mask would get.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from deid_node.dicom import part10
from deid_node.errors import Undecodable, UnsupportedObject
from deid_node.pixeldata.arrays import DisplayFrame, StoredFrame
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.display import Display, in_views
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.pixels.hidden.supported import require_open
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.masks import Marked, merged
from deid_node.pixels.text.search import found_on
from deid_node.values.geometry import Box

_PICTURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


class FrameChoice(StrEnum):
    """Which frames are looked at."""

    ALL = "all"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class SeenRegion:
    """A box in which text is seen, of frame `frame`, counted from 0."""

    frame: int
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class LookReport:
    """What was seen in one file; `frames` counts the frames that were looked at."""

    frames: int
    width: int
    height: int
    regions: tuple[SeenRegion, ...]
    seconds: float


def look(path: Path, finder: Finder, *, frames: FrameChoice = FrameChoice.ALL) -> LookReport:
    """Return what `finder` sees in the file at `path`.

    Raises
    ------
    NotDicom
        Neither DICOM nor PNG nor JPEG.
    Undecodable
        A picture that is broken, or deeper than 16 bits.
    CleaningError
        What `PixelCleaner.clean` raises for the object.
    OSError
        The file cannot be opened.
    """
    start = time.perf_counter()
    with path.open("rb") as file:
        head = file.read(8)
    if is_picture(head):
        picture = read_picture(path)
        rows, columns = picture.shape[:2]
        regions = _regions((0, found) for found in [_found(finder, picture)])
        return LookReport(1, columns, rows, regions, time.perf_counter() - start)
    dataset = part10.read(path)
    require_open(dataset)
    keyword = pixel_keyword(dataset)
    if keyword is None:
        raise UnsupportedObject("the object has no pixels")
    stored = Frames(dataset, keyword)
    count = 1 if frames is FrameChoice.FIRST else len(stored)
    display = Display(dataset, stored.layout, big_endian=stored.syntax.big_endian)

    def chosen() -> Iterator[tuple[int, StoredFrame]]:
        for index in range(count):
            yield index, values_of(stored[index], stored.layout)

    looks = found_on(finder, display, chosen(), Stopwatch())
    regions = _regions(
        (index, tuple(Marked(f.box, f.score, "") for f in found)) for index, found in looks
    )
    layout = stored.layout
    return LookReport(count, layout.columns, layout.rows, regions, time.perf_counter() - start)


def is_picture(head: bytes) -> bool:
    """Return whether a file that begins with these 8 bytes is a PNG or a JPEG."""
    return head.startswith(_PICTURES)


def read_picture(path: Path) -> DisplayFrame:
    """Return a PNG or JPEG file as an 8-bit picture; raises `Undecodable`, `OSError`."""
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_ANYCOLOR)
    if image is None or image.dtype != np.uint8:
        raise Undecodable("the picture cannot be decoded")
    plain = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return np.ascontiguousarray(plain, dtype=np.uint8)


def _found(finder: Finder, picture: DisplayFrame) -> tuple[Marked, ...]:
    (found,) = finder.find([in_views(picture) if picture.ndim == 2 else picture])
    return tuple(Marked(f.box, f.score, "") for f in found)


def _regions(looks: Iterator[tuple[int, tuple[Marked, ...]]]) -> tuple[SeenRegion, ...]:
    return tuple(
        SeenRegion(index, mark.box, mark.score) for index, marks in looks for mark in merged(marks)
    )
