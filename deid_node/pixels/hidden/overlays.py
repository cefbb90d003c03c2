"""Overlay planes that may stay: those that can be looked at, and on which nothing is read.

A plane is a bitmap that a viewer draws over the image, in which workstations write
names. It stays whole or it goes whole: nothing is filled in it.

Source: PS3.3 C.9.2 (Overlay Plane), C.9.3 (Multi-frame Overlay); PS3.5 8.1.2
(bits in order of significance, frames without padding between them); PS3.15 E.3.3.
"""

import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from deid_node.pixeldata.display import in_views
from deid_node.pixels.text.find.base import Finder

STAYING: Final = frozenset({0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x0100, 0x0102, 0x3000})
"""Elements of a plane that stay with it: size, type, place, bits. No label, no description."""

_ROWS, _COLUMNS, _FRAMES, _DEPTH, _BIT, _CONTENT = 0x0010, 0x0011, 0x0015, 0x0100, 0x0102, 0x3000
_WHITE: Final = 255


def planes_without_text(dataset: Dataset, finder: Finder) -> frozenset[int]:
    """Return the groups of `dataset` whose plane `finder` was shown whole and saw nothing in.

    Every frame of a plane is shown, as a viewer draws it: white on black, and black on
    white. A plane whose attributes do not fit its bits is not among them, nor is one in
    an instance of Big Endian, nor one that lies in the upper bits of the pixels.
    """
    groups = sorted({tag >> 16 for tag in map(int, dataset.keys()) if _is_plane(tag)})
    return frozenset(group for group in groups if _reads_nothing(dataset, group, finder))


def _is_plane(tag: int) -> bool:
    return 0x6000 <= tag >> 16 <= 0x60FF and not tag >> 16 & 1


def _reads_nothing(dataset: Dataset, group: int, finder: Finder) -> bool:
    try:
        for plane in _frames(dataset, group):
            views = [in_views(plane), in_views(_WHITE - plane)]
            if plane.any() and not plane.all() and any(finder.find(views)):
                return False
    except _NotSure:
        return False
    return True


def _frames(dataset: Dataset, group: int) -> Iterator[NDArray[np.uint8]]:
    """Yield each frame of a plane as ``(rows, columns)`` of 0 and 255."""
    rows, columns = _number(dataset, group, _ROWS), _number(dataset, group, _COLUMNS)
    frames = _number(dataset, group, _FRAMES, 1)
    content = _value(dataset, group, _CONTENT)
    one_bit = (_number(dataset, group, _DEPTH), _number(dataset, group, _BIT)) == (1, 0)
    _, is_little_endian = dataset.original_encoding
    if not one_bit or min(rows, columns, frames) < 1 or is_little_endian is False:
        raise _NotSure
    size = rows * columns
    need = -(-size * frames // 8)
    if not isinstance(content, bytes) or not need <= len(content) <= need + need % 2:
        raise _NotSure
    if any(content[need:]) or _is_set_behind(content[:need], size * frames):
        raise _NotSure
    for index in range(frames):
        first, offset = divmod(index * size, 8)
        last = -(-(index + 1) * size // 8)
        bits = np.unpackbits(np.frombuffer(content[first:last], np.uint8), bitorder="little")
        yield bits[offset : offset + size].reshape(rows, columns) * np.uint8(_WHITE)


def _is_set_behind(content: bytes, count: int) -> bool:
    """Return whether a bit is set in the last byte behind the first `count` bits."""
    return bool(count % 8 and content[-1] >> count % 8)


def _number(dataset: Dataset, group: int, element: int, default: int | None = None) -> int:
    value = _value(dataset, group, element)
    if value is None and default is not None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise _NotSure from None


def _value(dataset: Dataset, group: int, element: int) -> Any:
    tag = Tag(group, element)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dataset[tag].value if tag in dataset else None
    except Exception:  # noqa: BLE001 - pydicom raises nearly anything, with values in the text
        raise _NotSure from None


class _NotSure(Exception):
    """It cannot be said what a viewer would show."""
