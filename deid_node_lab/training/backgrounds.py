"""Real, text-free images as backgrounds, and which of them may be used.

The licence column decides: a weight that ships must not rest on a picture whose
licence does not allow it. Validation pictures are held out by patient or source
folder, never picture by picture: two slices of one head are one head.
"""

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Part: TypeAlias = Literal["train", "validation", "excluded"]
"""``excluded`` are those whose licence keeps them out of training: they only measure."""

_EXCLUDED_LICENCE = re.compile(r"GPL|MIAS|research|no licence|BY-SA", re.IGNORECASE)
_EXCLUDED_NOTE = re.compile(r"MIAS", re.IGNORECASE)
_SUBJECT = re.compile(r"subject ([\w.-]+)")
_VOLUME = re.compile(r"^kind=(?:nii|nrrd|mha|dcm|img)\b")
_NUMBERED = re.compile(r"_\d+$")
_HELD_OUT_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Background:
    """One text-free picture: grey ``(rows, columns)`` or RGB ``(rows, columns, 3)``.

    `source` is the patient or the folder that it was taken from.
    """

    path: str
    modality: str
    licence: str
    pixels: NDArray[np.uint8]
    source: str = ""

    @property
    def graphic(self) -> bool:
        """Whether it is drawn graphics without letters rather than an image of a body."""
        return self.modality == "OT"


def read_every(folders: Iterable[Path], part: Part) -> tuple[Background, ...]:
    """Return the pictures of `part` below each of `folders`, in order."""
    return tuple(one for folder in folders for one in read_backgrounds(folder, part))


def read_backgrounds(folder: Path, part: Part) -> tuple[Background, ...]:
    """Return the pictures of `part` below `folder`, which holds a ``manifest.csv``."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        wanted = [row for row in csv.DictReader(lines) if not row["text"] and _part(row) == part]
    return tuple(
        Background(
            row["path"], row["modality"], row["licence"], _read(folder / row["path"]), _source(row)
        )
        for row in wanted
    )


def permitted(row: dict[str, str]) -> bool:
    """Return whether weights that ship may be trained on this row of the manifest."""
    return not (_EXCLUDED_LICENCE.search(row["licence"]) or _EXCLUDED_NOTE.search(row["note"]))


def licences(backgrounds: Iterable[Background]) -> dict[str, int]:
    """Return how many pictures came under each licence, for the model card."""
    count: dict[str, int] = {}
    for background in backgrounds:
        count[background.licence] = count.get(background.licence, 0) + 1
    return dict(sorted(count.items()))


class Pictures:
    """Pictures to draw from: modality by the root of its count, then source, then picture.

    Half of a collection may be slices of one study: drawn picture by picture, a training
    would see little else.
    """

    def __init__(self, backgrounds: Sequence[Background]) -> None:
        self._groups: dict[str, dict[str, list[Background]]] = {}
        for one in backgrounds:
            self._groups.setdefault(one.modality, {}).setdefault(one.source, []).append(one)
        self._modalities = sorted(self._groups)
        counts = [sum(map(len, self._groups[name].values())) for name in self._modalities]
        self._shares = np.sqrt(counts) / max(1e-9, float(np.sqrt(counts).sum()))

    def __bool__(self) -> bool:
        return bool(self._groups)

    def pick(self, chance: np.random.Generator) -> Background:
        """Return one picture."""
        series = self.pick_series(chance)
        return series[int(chance.integers(len(series)))]

    def pick_of(self, modality: str, chance: np.random.Generator) -> Background:
        """Return one picture of `modality`, or any where there is none of it."""
        sources = list(self._groups.get(modality, {}).values())
        if not sources:
            return self.pick(chance)
        series = sources[int(chance.integers(len(sources)))]
        return series[int(chance.integers(len(series)))]

    def pick_series(self, chance: np.random.Generator) -> Sequence[Background]:
        """Return all pictures of one source."""
        name = self._modalities[int(chance.choice(len(self._modalities), p=self._shares))]
        sources = self._groups[name]
        counts = np.sqrt([len(own) for own in sources.values()])
        chosen = int(chance.choice(len(sources), p=counts / counts.sum()))
        return list(sources.values())[chosen]


def _part(row: dict[str, str]) -> Part:
    if not permitted(row):
        return "excluded"
    return "validation" if _held_out(row) else "train"


def _held_out(row: dict[str, str]) -> bool:
    return hashlib.sha256(_source(row).encode()).digest()[0] < 256 * _HELD_OUT_SHARE


def _source(row: dict[str, str]) -> str:
    subject = _SUBJECT.search(row["note"])
    if subject:
        key = subject.group(1)
    elif _VOLUME.search(row["note"]):
        key = _NUMBERED.sub("", Path(row["path"]).stem)  # the file's name begins with the volume's
    elif row["modality"] in {"SM", "CR", "DMS"}:
        key = row["source_path"]  # one picture a patient
    else:
        folder, _, name = row["source_path"].rpartition("/")
        key = name if row["modality"] in {"US", "OT"} else folder or name
    return f"{row['source_repo']}|{key}"


def _read(file: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError(f"not a picture: {file.name}")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels[..., :3], cv2.COLOR_BGR2RGB)
        if (np.ptp(pixels.astype(np.int16), axis=2)).max() < 4:
            pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels, dtype=np.uint8)
