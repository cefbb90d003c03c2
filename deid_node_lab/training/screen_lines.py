"""Lines of real screens, read by people, to measure a reader by; none is ever trained on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box
from deid_node_lab.training.alphabet import asked_for
from deid_node_lab.training.examples import Part, screens

_BROKEN_OFF = "..."


@dataclass(frozen=True, slots=True)
class ScreenLine:
    """One line of a screen: where it stands and what a reader is to say."""

    frame: DisplayFrame
    box: Box
    text: str


def screen_lines(folder: Path, part: Part) -> Iterator[ScreenLine]:
    """Yield the lines of the DICOM screens that ``boxes.json`` below `folder` has texts for.

    Left out are logos and fragments, and texts that were written down only as far as
    three dots.
    """
    boxes = json.loads((folder / "boxes.json").read_text("utf-8"))["images"]
    for screen in screens(folder, part):
        for one in boxes[screen.name]["boxes"]:
            if not one.get("optional") and not one["text"].endswith(_BROKEN_OFF):
                box = Box(one["x0"], one["y0"], one["x1"], one["y1"])
                yield ScreenLine(screen.frame, box, asked_for(one["text"]))
