"""Fonts found in folders, each with the scripts that it can really draw.

A font file answers for letters that it lacks with a box or a blank; labels made
of such boxes would teach the finder to mask empty frames. Each face is probed,
letter by letter, before it is used.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import ImageFont

from deid_node_lab.training.content import PROBES, Script

_SUFFIXES = (".ttf", ".otf", ".otb", ".pcf", ".pcf.gz", ".pfb", ".ttc")
_NOT_LETTERS = re.compile(
    r"dingbat|symbol|symb\d|d050000|math|music|emoji|cursor|deco|olgl|olcursor|barcode|braille"
    r"|-iso8859-(?!1\.)|-koi8|jisx|gb16|ksc|hanglg|unifont_csur|lastresort",
    re.IGNORECASE,
)
_BITMAP_SIZES = range(5, 37)


@dataclass(frozen=True)
class Face:
    """One font file: what it can write, and at which sizes when it is a bitmap font."""

    file: Path
    scripts: tuple[Script, ...]
    bitmap_size: int | None

    @cached_property
    def capital_share(self) -> float:
        """Height of a capital letter as a share of the font's size."""
        size = self.bitmap_size or 64
        box = ImageFont.truetype(str(self.file), size).getbbox("H")
        return max(0.3, (box[3] - box[1]) / size)


def find_faces(folders: Iterable[Path], *, limit_per_folder: int = 60) -> tuple[Face, ...]:
    """Return the usable faces below `folders`, in a stable order.

    A folder with more than `limit_per_folder` fonts gives an even sample of them:
    hundreds of cuts of one family add time, not variety.
    """
    files: dict[Path, list[Path]] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.name.lower().endswith(_SUFFIXES) and not _NOT_LETTERS.search(file.name):
                files.setdefault(file.parent, []).append(file)
    faces: dict[Path, Face] = {}
    for group in files.values():
        step = max(1, -(-len(group) // limit_per_folder))
        for file in group[::step]:
            face = _probe(file)
            if face is not None:
                faces[file] = face
    return tuple(faces[file] for file in sorted(faces))


def by_folder(faces: Sequence[Face]) -> tuple[tuple[Face, ...], ...]:
    """Return the faces grouped by folder, so that a large family is not drawn more often."""
    groups: dict[Path, list[Face]] = {}
    for face in faces:
        groups.setdefault(face.file.parent, []).append(face)
    return tuple(tuple(groups[folder]) for folder in sorted(groups))


def _probe(file: Path) -> Face | None:
    bitmap = ".pcf" in file.name.lower() or file.name.lower().endswith(".otb")
    font: ImageFont.FreeTypeFont | None = None
    size: int | None = None
    for size in _BITMAP_SIZES if bitmap else (24,):
        try:
            font = ImageFont.truetype(str(file), size)
            font.getmask("A")
            break
        except (OSError, ValueError):
            font = None
    if font is None:
        return None
    scripts = tuple(script for script, letters in PROBES.items() if _draws(font, letters))
    if not scripts:
        return None
    return Face(file, scripts, size if bitmap else None)


def _draws(font: ImageFont.FreeTypeFont, letters: str) -> bool:
    missing = _shape(font, "\U0010fffd")
    shapes = [_shape(font, letter) for letter in letters]
    drawn = [shape for shape in shapes if shape not in {missing, b""}]
    return len(drawn) == len(letters) and len(set(drawn)) >= 0.7 * len(letters)


def _shape(font: ImageFont.FreeTypeFont, letter: str) -> bytes:
    ink = np.asarray(font.getmask(letter, mode="L"))
    return ink.tobytes() if ink.any() else b""
