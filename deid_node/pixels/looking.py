"""Showing frames to a finder, many views at a time and no more than fit in memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from deid_node.pixels.arrays import DisplayFrame, StoredFrame
from deid_node.pixels.display import Display
from deid_node.pixels.find.base import Finder
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.values.geometry import Found

BATCH_BYTES: Final = 64 * 2**20
"""Views that are held for one call of the finder."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The views of frame `index`, and what was found on each of them, in the same order."""

    index: int
    views: tuple[DisplayFrame, ...]
    seen: tuple[tuple[Found, ...], ...]

    @property
    def found(self) -> tuple[Found, ...]:
        """What was found on any view."""
        return tuple(found for on_view in self.seen for found in on_view)


def found_on(
    finder: Finder,
    display: Display,
    frames: Iterable[tuple[int, StoredFrame]],
    watch: Stopwatch,
    *,
    batch_bytes: int = BATCH_BYTES,
) -> Iterator[tuple[int, tuple[Found, ...]]]:
    """Yield ``(index, found)`` for each of `frames`, in order, over all its views."""
    for look in looks(finder, display, frames, watch, batch_bytes=batch_bytes):
        yield look.index, look.found


def looks(
    finder: Finder,
    display: Display,
    frames: Iterable[tuple[int, StoredFrame]],
    watch: Stopwatch,
    *,
    batch_bytes: int = BATCH_BYTES,
    like: Callable[[int], StoredFrame] | None = None,
) -> Iterator[Look]:
    """Yield a `Look` at each of `frames`, in order.

    A frame of one value is not shown: nothing can be read on it. `like` gives the
    frame after whose range a frame is shown, where that is not its own.
    """
    waiting: list[tuple[int, tuple[DisplayFrame, ...]]] = []
    held_bytes = 0
    for index, values in frames:
        views: tuple[DisplayFrame, ...] = ()
        if (values != values.flat[0]).any():
            with watch.running("find"):
                views = display.views(values, index, like=None if like is None else like(index))
        waiting.append((index, views))
        held_bytes += sum(view.nbytes for view in views)
        if held_bytes >= batch_bytes:
            yield from _asked(finder, waiting, watch)
            waiting, held_bytes = [], 0
    yield from _asked(finder, waiting, watch)


def _asked(
    finder: Finder, waiting: list[tuple[int, tuple[DisplayFrame, ...]]], watch: Stopwatch
) -> Iterator[Look]:
    every = [view for _, views in waiting for view in views]
    with watch.running("find"):
        answers = tuple(finder.find(every)) if every else ()
    if len(answers) != len(every):
        raise RuntimeError("the finder answered for another number of frames")
    start = 0
    for index, views in waiting:
        yield Look(index, views, answers[start : start + len(views)])
        start += len(views)
