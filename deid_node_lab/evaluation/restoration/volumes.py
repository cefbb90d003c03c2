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

from deid_node_lab.evaluation.anatomy import UNTOLD, of_picture
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
_ENDS: Final = re.compile(r"\bwindow=[a-z]+\((-?[\d.]+),(-?[\d.]+)\)")


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Slices ``(count, rows, columns)``, 8 bits; `source` is the patient or folder.

    `ends` are what 0 and 255 stand for where the manifest says so: Hounsfield units of a CT.
    """

    source: str
    modality: str
    slices: NDArray[np.uint8]
    anatomy: str = UNTOLD
    ends: tuple[float, float] | None = None


def sources_in_turn(volumes: Sequence[Volume], limit: int) -> tuple[Volume, ...]:
    """Return up to `limit` volumes: the first of each source, then the second, and so on."""
    turns: dict[str, int] = {}
    ranked = []
    for place, one in enumerate(volumes):
        turns[one.source] = turns.get(one.source, 0) + 1
        ranked.append((turns[one.source], place))
    return tuple(volumes[place] for _, place in sorted(sorted(ranked)[:limit], key=lambda r: r[1]))


def volumes_in(data: Path, parts: Sequence[Part]) -> tuple[Volume, ...]:
    """Return the volumes below `data` whose pictures are of `parts`, in order.

    Of a long one the middle `MOST_SLICES` slices.
    """
    found: list[Volume] = []
    for folder in folders_in(data):
        found += volumes_of(
            folder, [one for part in parts for one in read_backgrounds(folder, part)]
        )
    return tuple(found)


def folders_in(data: Path) -> tuple[Path, ...]:
    """Return the folders of pictures below `data` that have a manifest."""
    folders = (data / name for name in _FOLDERS)
    return tuple(folder for folder in folders if (folder / "manifest.csv").is_file())


def volumes_of(folder: Path, pictures: Sequence[Background]) -> tuple[Volume, ...]:
    """Return the volumes among `pictures`, which were read from `folder`, in order."""
    known = {one.path: one for one in pictures}
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["path"] in known]
    return tuple(_stacked(rows, known))


def _stacked(
    rows: Sequence[Mapping[str, str]], pictures: Mapping[str, Background]
) -> Iterator[Volume]:
    groups: dict[tuple[str, ...], list[tuple[int, Background]]] = {}
    ends: dict[tuple[str, ...], tuple[float, float] | None] = {}
    for row in rows:
        picture = pictures[row["path"]]
        if row["modality"] in _STACKED and picture.pixels.ndim == 2:
            volume, number = _place(row)
            key = (row["source_repo"], volume, _said(_AXIS, row), _said(_WINDOW, row),
                   str(picture.pixels.shape))  # fmt: skip
            groups.setdefault(key, []).append((number, picture))
            ends[key] = _ends(row)
    for kind, slices in sorted(groups.items()):
        slices.sort(key=lambda one: one[0])
        first = max(0, (len(slices) - MOST_SLICES) // 2)
        chosen = [picture for _, picture in slices[first : first + MOST_SLICES]]
        if len(chosen) < LEAST_SLICES:
            continue
        stack = np.stack([picture.pixels for picture in chosen])
        if _likeness(stack) >= LEAST_ALIKE:
            (one, *_), (anatomy, _) = chosen, of_picture(chosen[0].path)
            yield Volume(one.source, one.modality, stack, anatomy, ends[kind])


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


def _ends(row: Mapping[str, str]) -> tuple[float, float] | None:
    """Return what 0 and 255 stand for on a CT of a named window, in Hounsfield units."""
    found = _ENDS.search(row["note"])
    if found is None or row["modality"] != "CT":
        return None
    return float(found.group(1)), float(found.group(2))


def _likeness(stack: NDArray[np.uint8]) -> float:
    flat = stack.reshape(len(stack), -1).astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    power = np.sqrt((flat * flat).sum(axis=1))
    products = (flat[:-1] * flat[1:]).sum(axis=1)
    return float(np.median(products / np.maximum(power[:-1] * power[1:], 1e-9)))
