"""A finder that stands elsewhere: views go there, boxes come back."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from deid_node.lines.messages import MOST_ARRAY_BYTES, LineLost, Message
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.remote.place import Line
from deid_node.pixels.remote.words import Answer, Question
from deid_node.pixels.text.search import BATCH_BYTES
from deid_node.values.geometry import Box, Found

_AT_ONCE: Final = 1024
_MOST_BYTES: Final = 2 * BATCH_BYTES


class RemoteFinder:
    """Asks the finder at the other end of `line`; `name` is what that one is called."""

    def __init__(self, name: str, line: Line) -> None:
        self._name = name
        self._line = line

    @property
    def name(self) -> str:
        """As the finder there would say."""
        return self._name

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        """Return what is found there on each frame.

        Raises `MemoryError` where the machine there is short of it, and `LineLost` where the
        line is lost and the process goes on.
        """
        for frame in frames:
            if frame.dtype != np.uint8 or not (
                frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)
            ):
                raise ValueError(f"not a display frame: {frame.shape} {frame.dtype}")
        return tuple(found for some in _pieces(frames) for found in self._some(some))

    def _some(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        answer = self._line.ask(Message(Question.FIND, arrays=frames))
        if answer.kind == Answer.SHORT_OF_MEMORY:
            raise MemoryError
        try:
            told = answer.body["frames"] if answer.kind == Answer.FOUND else ()
            return tuple(_boxes(one, frame) for one, frame in zip(told, frames, strict=True))
        except (ValueError, TypeError, KeyError):
            self._line.give_up()
            raise LineLost("no boxes") from None


def _pieces(frames: Sequence[DisplayFrame]) -> Iterator[Sequence[DisplayFrame]]:
    """Yield `frames`, so many at a time as one question may hold."""
    piece: list[DisplayFrame] = []
    held_bytes = 0
    for frame in frames:
        if frame.nbytes > MOST_ARRAY_BYTES:
            raise MemoryError
        if piece and (len(piece) == _AT_ONCE or held_bytes + frame.nbytes > _MOST_BYTES):
            yield piece
            piece, held_bytes = [], 0
        piece.append(frame)
        held_bytes += frame.nbytes
    if piece:
        yield piece


def boxes_told(found: Sequence[Found]) -> list[list[float]]:
    """Return what was found on one frame as JSON has it."""
    return [[one.box.left, one.box.top, one.box.right, one.box.bottom, one.score] for one in found]


def _boxes(told: Any, frame: DisplayFrame) -> tuple[Found, ...]:
    """Return what is told of one frame; raise `ValueError` or `TypeError` for nonsense."""
    rows, columns = frame.shape[:2]
    found = []
    for left, top, right, bottom, score in told:
        if not all(type(edge) is int for edge in (left, top, right, bottom)):
            raise ValueError
        if right > columns or bottom > rows or not 0.0 <= score <= 1.0:
            raise ValueError
        found.append(Found(Box(left, top, right, bottom), float(score)))
    places = [(one.box.top, one.box.left) for one in found]
    if any(one > other for one, other in pairwise(places)):
        raise ValueError
    return tuple(found)
