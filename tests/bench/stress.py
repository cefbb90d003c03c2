"""The stress set: recall of the shipped finder for each nuisance in turn.

``python -m tests.bench stress`` measures and compares with the figures that are
kept; ``python -m tests.bench.stress`` keeps new ones, which is for new weights.
"""

import json
from pathlib import Path
from typing import Any

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node_lab.evaluation.nuisances import levels
from deid_node_lab.evaluation.stress import Stress, measured
from deid_node_lab.evaluation.stress_table import stress_table
from deid_node_lab.training.backgrounds import read_backgrounds
from tests.builders.samples import SHARED

KEPT = Path(__file__).with_name("stress.json")
FONTS = Path("/usr/share/fonts")
IMAGES = 24


def measure_stress(folder: Path, *, rounds: int, each: int) -> None:
    """Print every level beside the figures that are kept; nothing here is about time."""
    figures = stress_figures()
    kept = json.loads(KEPT.read_text())
    print(f"{figures['finder']}, kept: {kept['finder']}; {figures['images']} pictures a level")
    for what in figures["left_out"]:
        print(f"left out: {what}")
    print(stress_table(figures, kept))


def stress_figures(images: int = IMAGES) -> dict[str, Any]:
    """Return the figures of the shipped finder."""
    stress = stress_set()
    every = levels()
    lacking = [
        f"{one.nuisance}, {one.name}: no {why}"
        for one in every
        if (why := stress.lacks(one)) is not None
    ]
    finder = build_finder(CrnnOptions(device="cpu"))
    return {
        "finder": finder.name,
        "images": images,
        "left_out": lacking,
        "nuisances": measured(finder, stress, every, images=images),
    }


def stress_set() -> Stress:
    """Return the stress set with the fonts and the held-out pictures that are at hand."""
    pictures: tuple[DisplayFrame, ...] = ()
    if (SHARED / "train" / "manifest.csv").exists():
        held_out = read_backgrounds(SHARED / "train", "excluded")
        pictures = tuple(one.pixels for one in held_out if not one.graphic)
    return Stress((FONTS,) if FONTS.is_dir() else (), pictures)


if __name__ == "__main__":
    KEPT.write_text(json.dumps(stress_figures(), indent=1) + "\n")
    print(f"kept in {KEPT.name}")
