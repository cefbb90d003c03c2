"""Finders that find what they are told to: no model, no chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box, Found

Script = Callable[[DisplayFrame], Sequence[Box]]


@dataclass
class ScriptedFinder:
    """Asks `script` about each frame; remembers what it was shown."""

    script: Script = field(default=lambda _frame: ())
    score: float = 0.9
    name: str = "scripted"
    shown: list[DisplayFrame] = field(default_factory=list)

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        self.shown += [frame.copy() for frame in frames]
        return tuple(
            tuple(Found(_cut(box, frame), self.score) for box in self.script(frame))
            for frame in frames
        )


def finds_nothing() -> ScriptedFinder:
    """Return a finder for which no frame has text."""
    return ScriptedFinder(name="nothing")


def finds_always(*boxes: Box) -> ScriptedFinder:
    """Return a finder that sees `boxes` on every frame, filled or not."""
    return ScriptedFinder(lambda _frame: boxes, name="always")


def finds_ink(*boxes: Box, contrast: int = 40) -> ScriptedFinder:
    """Return a finder that sees each box as long as grey levels in it differ by `contrast`."""

    def script(frame: DisplayFrame) -> Sequence[Box]:
        return [box for box in boxes if has_ink(frame, box, contrast=contrast)]

    return ScriptedFinder(script, name="ink")


def has_ink(frame: DisplayFrame, box: Box, *, contrast: int = 40) -> bool:
    """Return whether grey levels in `box` differ by `contrast`."""
    part = frame[box.slices].astype(int)
    return bool((part.max(axis=(0, 1)) - part.min(axis=(0, 1))).max() >= contrast)


def _cut(box: Box, frame: DisplayFrame) -> Box:
    rows, columns = frame.shape[:2]
    left, top = min(box.left, columns - 1), min(box.top, rows - 1)
    return Box(
        left, top, max(left + 1, min(columns, box.right)), max(top + 1, min(rows, box.bottom))
    )
