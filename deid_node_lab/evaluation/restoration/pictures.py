"""Held-out pictures, 8-bit and deeper, on which fills are measured.

No picture that a model of ours was trained on is among them: a figure from such a
picture would tell how well it was learned by heart.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from deid_node.dicom import part10
from deid_node.errors import CleaningError, InputError
from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import Layout, pixel_keyword
from deid_node.pixels.fill.tones import TOP, Shown
from deid_node_lab.training.backgrounds import Background, permitted, read_backgrounds

_LEAST_SIDE: Final = 128
_TAILS: Final = (0.5, 99.5)
_DEEP_MODALITIES: Final = frozenset({"CT", "MR", "NM"})
_MOST_DEEP: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One text-free frame in stored values; `source` is the patient or folder it comes from.

    `low` is shown as 0, and `step` stored values make one of 255 levels.
    """

    source: str
    modality: str
    values: StoredFrame
    layout: Layout
    low: float = 0.0
    step: float = 1.0

    @property
    def deep(self) -> bool:
        """Whether it has more than 8 bits."""
        return self.layout.bits_stored > 8

    def shown(self, values: StoredFrame) -> Shown:
        """Return stored values of this picture, or of a part, on a scale of 0 to 255."""
        return np.asarray((values.astype(np.float32) - self.low) / self.step, np.float32)


def picture_of(background: Background) -> Picture:
    """Return an 8-bit picture."""
    rows, columns = background.pixels.shape[:2]
    grey = background.pixels.ndim == 2
    layout = Layout(
        "PixelData", rows, columns, 1 if grey else 3, 8, 8, 7, False,
        "MONOCHROME2" if grey else "RGB", 0, 1,
    )  # fmt: skip
    return Picture(background.source, background.modality, background.pixels, layout)


def held_out(data: Path, *, limit: int, seed: int) -> tuple[Picture, ...]:
    """Return up to `limit` pictures, the modalities in turn, then the sources in turn.

    Parameters
    ----------
    data
        Holds the folder ``train`` with its ``manifest.csv``.
    limit
        A modality with few pictures leaves its turns to the others.
    seed
        Decides which pictures of a source come first.
    """
    folder = data / "train"
    if not (folder / "manifest.csv").is_file():
        raise InputError(f"{folder} holds no manifest.csv")
    every = [
        one
        for part in ("validation", "excluded")
        for one in read_backgrounds(folder, part)
        if not one.graphic and min(one.pixels.shape[:2]) >= _LEAST_SIDE
    ]
    chance = np.random.default_rng(seed)
    order = [every[index] for index in chance.permutation(len(every))]
    by_modality = _grouped(order, lambda one: one.modality)
    turns = {
        name: _in_turn(_grouped(some, lambda one: one.source).values())
        for name, some in sorted(by_modality.items())
    }
    return tuple(picture_of(one) for one in _in_turn(turns.values())[:limit])


def deep_held_out(data: Path) -> tuple[Picture, ...]:
    """Return frames of more than 8 bits, of repositories that no training takes from."""
    folder = data / "dicom_zoo"
    if not (folder / "manifest.csv").is_file():
        return ()
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if _usable(row)]
    found = (_deep_picture(folder / row["path"], row) for row in rows)
    return tuple(one for one in found if one is not None)[:_MOST_DEEP]


def _usable(row: dict[str, str]) -> bool:
    stored = row["bits"].partition("/")[0]
    return (
        not permitted(row)
        and row["modality"] in _DEEP_MODALITIES
        and not row["text"]
        and stored.isdigit()
        and int(stored) > 8
        and min(int(row["width"] or 0), int(row["height"] or 0)) >= _LEAST_SIDE
    )


def _deep_picture(file: Path, row: dict[str, str]) -> Picture | None:
    try:
        dataset = part10.read(file)
        frames = Frames(dataset, pixel_keyword(dataset) or "PixelData")
        values = values_of(frames[0], frames.layout).copy()
    except CleaningError:
        return None
    low, high = (float(end) for end in np.percentile(values, _TAILS))
    step = max((high - low) / TOP, 1e-6)
    return Picture(row["source_repo"], row["modality"], values, frames.layout, low, step)


def _grouped(
    some: Iterable[Background], key: Callable[[Background], str]
) -> dict[str, list[Background]]:
    groups: dict[str, list[Background]] = {}
    for one in some:
        groups.setdefault(key(one), []).append(one)
    return groups


def _in_turn(groups: Iterable[Sequence[Background]]) -> list[Background]:
    """Return the first of each group, then the second of each, and so on."""
    waiting = [list(group) for group in groups]
    taken = []
    for turn in range(max(map(len, waiting), default=0)):
        taken += [group[turn] for group in waiting if turn < len(group)]
    return taken
