"""What is made difficult, one thing at a time, and at last two: everything else stays plain.

Plain is white on black, upright, capitals of 14 pixels, in the font that OpenCV
brings. A level that needs a font names the file; without it the level
is left out, and whoever asks is told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from deid_node_lab.evaluation.graphics import GRAPHICS
from deid_node_lab.training.content import Script

Ground: TypeAlias = Literal["flat", "bright anatomy", "dark anatomy", "noise", "pictures"]
Place: TypeAlias = Literal["inside", "border", "cut off", "seam"]
Damage: TypeAlias = Literal["none", "interlace", "JPEG 50", "JPEG 30", "blur"]
Style: TypeAlias = Literal["plain", "outline", "shadow"]
Colour: TypeAlias = tuple[int, int, int]

_DEJAVU: Final = ("DejaVuSans.ttf",)
_CJK: Final = ("wqy-microhei.ttc", "DroidSansFallbackFull.ttf")
_BITMAP: Final = ("terminus-normal.otb", "ter-x14n.pcf.gz")


@dataclass(frozen=True, slots=True)
class Setting:
    """How text is drawn; the defaults are plain.

    `fonts` are file names, of which the first that is found is used; `plotted` takes
    plotter strokes instead. `negative` names a graphic that is drawn in place of text.
    """

    capital_pixels: float = 14.0
    ink: Colour = (255, 255, 255)
    ground_level: int = 0
    ground: Ground = "flat"
    angle_degrees: int = 0
    style: Style = "plain"
    plotted: bool = False
    fonts: tuple[str, ...] = ()
    script: Script = "latin"
    damage: Damage = "none"
    place: Place = "inside"
    size: tuple[int, int] = (288, 288)
    negative: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One row of the table: the nuisance, how much of it, and the setting that makes it."""

    nuisance: str
    name: str
    setting: Setting


def levels() -> tuple[Level, ...]:
    """Return every level, in the order of the table."""
    return tuple(
        Level(nuisance, name, setting)
        for nuisance, found in _nuisances()
        for name, setting in found
    )


def font_of(setting: Setting, folders: Sequence[Path]) -> Path | None:
    """Return the font file that a setting asks for, None where it is not there."""
    for name in setting.fonts:
        for folder in folders:
            for file in sorted(folder.rglob(name)):
                return file
    return None


def _nuisances() -> Iterator[tuple[str, Sequence[tuple[str, Setting]]]]:
    plain = Setting()
    yield "height", [(f"{height} px", _high(height)) for height in (6, 7, 8, 10, 14, 20, 40, 80)]
    yield "contrast", [(f"{step} levels", _faint(step)) for step in (10, 20, 40, 80, 255)]
    yield (
        "angle",
        [
            (f"{angle} degrees", replace(plain, angle_degrees=angle))
            for angle in (0, 2, 5, 90, 180, 270)
        ],
    )
    yield (
        "background",
        [
            ("black", plain),
            ("bright anatomy, made", replace(plain, ground="bright anatomy")),
            ("dark anatomy, made", replace(plain, ground="dark anatomy")),
            ("noise", replace(plain, ground="noise")),
            ("held-out pictures", replace(plain, ground="pictures")),
        ],
    )
    yield (
        "ink",
        [
            ("white", plain),
            ("black on grey", replace(plain, ink=(0, 0, 0), ground_level=170)),
            ("grey", replace(plain, ink=(130, 130, 130))),
            ("colour", replace(plain, ink=(255, 190, 0))),
            ("outline", replace(plain, style="outline", ground_level=150)),
            ("shadow", replace(plain, style="shadow", ground_level=150)),
            ("stroke font", replace(plain, plotted=True)),
            ("vector font", replace(plain, fonts=_DEJAVU)),
            ("bitmap font", replace(plain, fonts=_BITMAP)),
        ],
    )
    damages: tuple[Damage, ...] = ("interlace", "JPEG 50", "JPEG 30", "blur")
    yield "degradation", [(damage, replace(plain, damage=damage)) for damage in damages]
    yield (
        "position",
        [
            ("at the border", replace(plain, place="border")),
            ("cut off", replace(plain, place="cut off")),
            ("tile seam, 1.5k x 2k", replace(plain, place="seam", size=(1536, 2048))),
            ("tile seam, 3k x 4k", replace(plain, place="seam", size=(3072, 4096))),
        ],
    )
    written: tuple[tuple[Script, tuple[str, ...]], ...] = (
        ("latin", _DEJAVU), ("accents", _DEJAVU), ("greek", _DEJAVU), ("cyrillic", _DEJAVU),
        ("arabic", _DEJAVU), ("cjk", _CJK),
    )  # fmt: skip
    yield (
        "script",
        [(script, replace(plain, script=script, fonts=fonts)) for script, fonts in written],
    )
    yield (
        "no text",
        [
            ("nothing", replace(plain, negative="nothing")),
            *((name, replace(plain, negative=name)) for name in GRAPHICS),
        ],
    )


def _high(height: int) -> Setting:
    side = 288 if height <= 20 else 576
    return Setting(capital_pixels=float(height), size=(side, side))


def _faint(step: int) -> Setting:
    ground = min(90, 255 - step)
    return Setting(ink=(ground + step,) * 3, ground_level=ground)
