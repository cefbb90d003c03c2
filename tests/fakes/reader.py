"""Readers that read what they are told to: no model, no chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.text.read.base import Reading
from deid_node.values.geometry import Box
from tests.fakes.finder import has_ink

NOTHING = Reading("", 0.0)


@dataclass
class ScriptedReader:
    """Asks `script` about each box of a frame; remembers what it was asked."""

    script: Callable[[DisplayFrame, Box], Reading] = field(default=lambda _frame, _box: NOTHING)
    name: str = "scripted"
    min_confidence: float = 0.9
    asked: list[Box] = field(default_factory=list)

    def read(self, frame: DisplayFrame, boxes: Sequence[Box]) -> Sequence[Reading]:
        self.asked += boxes
        return tuple(self.script(frame, box) for box in boxes)


def reads(lines: Mapping[Box, str], *, confidence: float = 0.99) -> ScriptedReader:
    """Return a reader that reads, as long as there is ink, what stands at each of `lines`.

    A box that lies askew on a line reads as that line; one on two lines reads as both.
    """

    def script(frame: DisplayFrame, box: Box) -> Reading:
        there = [text for at, text in lines.items() if at.intersects(box) and has_ink(frame, at)]
        return Reading(" ".join(there), confidence) if there else NOTHING

    return ScriptedReader(script, name="reads")


def reads_always(text: str, *, confidence: float = 0.99) -> ScriptedReader:
    """Return a reader that reads `text` in every box."""
    return ScriptedReader(lambda _frame, _box: Reading(text, confidence), name="always")
