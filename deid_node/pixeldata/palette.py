"""Palette Color Lookup Tables as one table of RGB.

Source: PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.9.2 (segmented).
"""

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.arrays import DisplayFrame, StoredFrame
from deid_node.pixeldata.attributes import value_of

_COLOURS: Final = ("Red", "Green", "Blue")
_MAX_ENTRIES: Final = 65536


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Colours of the stored values `first` to ``first + len(colours) - 1``.

    `colours` is ``(entries, 3)`` RGB, 8 bit. Values outside take the nearest end.
    """

    first: int
    colours: NDArray[np.uint8]

    def rgb(self, values: StoredFrame) -> DisplayFrame:
        """Return the colours of `values`, one more axis of length 3."""
        last = len(self.colours) - 1
        result: DisplayFrame = self.colours[np.clip(values.astype(np.int64) - self.first, 0, last)]
        return result

    def hides(self, values: StoredFrame) -> bool:
        """Return whether two values in use have one colour: a difference that no reader sees."""
        used = np.unique(values)
        return len(np.unique(self.rgb(used), axis=0)) < len(used)


def palette_of(dataset: Dataset, *, signed: bool, big_endian: bool) -> Palette:
    """Return the palette of an image of photometric interpretation PALETTE COLOR.

    Raises
    ------
    MalformedDataset
        A table is missing or contradicts its descriptor.
    """
    descriptor = value_of(dataset, "RedPaletteColorLookupTableDescriptor")
    try:
        entries, first, bits = (int(number) for number in descriptor)
    except (TypeError, ValueError):
        raise MalformedDataset(
            "RedPaletteColorLookupTableDescriptor is not three numbers"
        ) from None
    entries = entries & 0xFFFF or _MAX_ENTRIES
    first = (first & 0xFFFF) - (0x10000 if signed and first & 0x8000 else 0)
    columns = [_table(dataset, colour, entries, bits, big_endian=big_endian) for colour in _COLOURS]
    table = np.stack(columns, axis=1)
    if table.dtype.itemsize == 2:
        # Some writers put 8-bit entries into 16-bit words: those need no shift.
        table = table >> 8 if bits > 8 and table.max(initial=0) > 0xFF else table & 0xFF
    return Palette(first, table.astype(np.uint8))


def _table(
    dataset: Dataset, colour: str, entries: int, bits: int, *, big_endian: bool
) -> NDArray[Any]:
    order = ">" if big_endian else "<"
    name = f"{colour}PaletteColorLookupTableData"
    plain, segmented = value_of(dataset, name), value_of(dataset, f"Segmented{name}")
    if isinstance(plain, bytes):
        if len(plain) >= 2 * entries:
            return np.frombuffer(plain, dtype=f"{order}u2", count=entries).astype(np.uint16)
        if len(plain) >= entries:
            return np.frombuffer(plain, dtype=np.uint8, count=entries)
    elif isinstance(segmented, bytes):
        words = np.frombuffer(
            segmented[: len(segmented) // 2 * 2] if bits > 8 else segmented,
            dtype=f"{order}u2" if bits > 8 else np.uint8,
        )
        expanded = _expanded([int(word) for word in words], entries)
        if len(expanded) >= entries:
            return np.array(expanded[:entries], dtype=np.uint16 if bits > 8 else np.uint8)
    raise MalformedDataset(f"{name} is missing or too short")


def _expanded(words: list[int], entries: int) -> list[int]:
    """Return the entries that discrete, linear and indirect segments describe."""
    values: list[int] = []
    starts: list[int] = []
    position = 0
    while position + 1 < len(words) and len(values) < entries:
        starts.append(position)
        code, length = words[position], words[position + 1]
        if code == 2:
            if position + 4 > len(words):
                break
            target = words[position + 2] | words[position + 3] << 16
            _repeat(words, starts, target, length, values)
            position += 4
            continue
        position = _one_segment(words, position, values)
    return values


def _one_segment(words: list[int], position: int, values: list[int]) -> int:
    code, length = words[position], words[position + 1]
    if code == 0:
        values += words[position + 2 : position + 2 + length]
        return position + 2 + length
    if code == 1 and values and position + 2 < len(words):
        start, end = values[-1], words[position + 2]
        values += [round(start + (end - start) * n / length) for n in range(1, length + 1)]
        return position + 3
    raise MalformedDataset("a segmented palette colour table has an unknown segment")


def _repeat(
    words: list[int], starts: list[int], target: int, count: int, values: list[int]
) -> None:
    # The offset counts bytes in the standard's text and entries in many files: try both.
    for position in (target // 2, target):
        if position in starts[:-1]:
            for _ in range(count):
                if words[position] not in {0, 1}:
                    break
                position = _one_segment(words, position, values)  # noqa: PLW2901
            return
    raise MalformedDataset("a segmented palette colour table points nowhere")
