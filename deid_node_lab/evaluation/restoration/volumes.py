"""Held-out volumes: slices in order, of one size and one window, that resemble their neighbours.

The pictures of a collection that show one volume are put together again from what the
manifest says of each: its file, its axis, its window, its number.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node_lab.training.backgrounds import Background, Part, read_backgrounds

LEAST_SLICES: Final = 8
LEAST_ALIKE: Final = 0.6
"""Correlation of neighbouring slices, in the median; below it pictures are no stack."""

MOST_SLICES: Final = 16
_FOLDERS: Final = ("train", "train2")
_STACKED: Final = frozenset({"CT", "MR", "PT"})
_NUMBER: Final = re.compile(r"\b(?:index=|slice |frame )(\d+)")
_AXIS: Final = re.compile(r"\baxis[= ](\d)")
_WINDOW: Final = re.compile(r"\bwindow=(\w+)")


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Slices ``(count, rows, columns)``, 8 bits; `source` is the patient or folder."""

    source: str
    modality: str
    slices: NDArray[np.uint8]


def volumes_in(data: Path, parts: Sequence[Part]) -> tuple[Volume, ...]:
    """Return the volumes below `data` whose pictures are of `parts`, in order.

    Of a long one the middle `MOST_SLICES` slices.
    """
    found: list[Volume] = []
    for folder in (data / name for name in _FOLDERS):
        if not (folder / "manifest.csv").is_file():
            continue
        pictures = {one.path: one for part in parts for one in read_backgrounds(folder, part)}
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if row["path"] in pictures]
        found += _stacked(rows, pictures)
    return tuple(found)


def _stacked(
    rows: Sequence[Mapping[str, str]], pictures: Mapping[str, Background]
) -> Iterator[Volume]:
    groups: dict[tuple[str, ...], list[tuple[int, Background]]] = {}
    for row in rows:
        picture = pictures[row["path"]]
        if row["modality"] in _STACKED and picture.pixels.ndim == 2:
            volume, number = _place(row)
            key = (row["source_repo"], volume, _said(_AXIS, row), _said(_WINDOW, row),
                   str(picture.pixels.shape))  # fmt: skip
            groups.setdefault(key, []).append((number, picture))
    for _, slices in sorted(groups.items()):
        slices.sort(key=lambda one: one[0])
        first = max(0, (len(slices) - MOST_SLICES) // 2)
        chosen = [picture for _, picture in slices[first : first + MOST_SLICES]]
        if len(chosen) < LEAST_SLICES:
            continue
        stack = np.stack([picture.pixels for picture in chosen])
        if _likeness(stack) >= LEAST_ALIKE:
            yield Volume(chosen[0].source, chosen[0].modality, stack)


def _place(row: Mapping[str, str]) -> tuple[str, int]:
    """Return what volume a picture is of, and its number in it."""
    number = _NUMBER.search(row["note"])
    if number and "kind=dcm" not in row["note"]:
        return row["source_path"], int(number.group(1))
    folder, _, name = row["source_path"].rpartition("/")
    digits = re.findall(r"\d+", name)
    return folder, int(digits[-1]) if digits else 0


def _said(pattern: re.Pattern[str], row: Mapping[str, str]) -> str:
    found = pattern.search(row["note"])
    return found.group(1) if found else ""


def _likeness(stack: NDArray[np.uint8]) -> float:
    flat = stack.reshape(len(stack), -1).astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    power = np.sqrt((flat * flat).sum(axis=1))
    products = (flat[:-1] * flat[1:]).sum(axis=1)
    return float(np.median(products / np.maximum(power[:-1] * power[1:], 1e-9)))
