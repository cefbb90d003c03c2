"""Showing frames to a finder, many views at a time and no more than fit in memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from deid_node.pixels.arrays import DisplayFrame, StoredFrame
from deid_node.pixels.display import Display
from deid_node.pixels.find.base import Finder
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.values.geometry import Found

BATCH_BYTES: Final = 64 * 2**20
"""Views that are held for one call of the finder."""


def found_on(
    finder: Finder,
    display: Display,
    frames: Iterable[tuple[int, StoredFrame]],
    watch: Stopwatch,
    *,
    batch_bytes: int = BATCH_BYTES,
    like: Callable[[int], StoredFrame] | None = None,
) -> Iterator[tuple[int, tuple[Found, ...]]]:
    """Yield ``(index, found)`` for each of `frames`, in order, over all its views.

    A frame of one value is not shown: nothing can be read on it. `like` gives the
    frame after whose range a frame is shown, where that is not its own.
    """
    views: list[DisplayFrame] = []
    owners: list[int] = []
    order: list[int] = []
    for index, values in frames:
        order.append(index)
        if (values != values.flat[0]).any():
            with watch.running("find"):
                shown = display.views(values, index, like=None if like is None else like(index))
            views += shown
            owners += [index] * len(shown)
        if sum(view.nbytes for view in views) >= batch_bytes:
            yield from _asked(finder, views, owners, order, watch)
            views, owners, order = [], [], []
    yield from _asked(finder, views, owners, order, watch)


def _asked(
    finder: Finder,
    views: list[DisplayFrame],
    owners: list[int],
    order: list[int],
    watch: Stopwatch,
) -> Iterator[tuple[int, tuple[Found, ...]]]:
    with watch.running("find"):
        answers = finder.find(views) if views else ()
    if len(answers) != len(views):
        raise RuntimeError("the finder answered for another number of frames")
    found: dict[int, list[Found]] = {index: [] for index in order}
    for owner, answer in zip(owners, answers, strict=True):
        found[owner] += answer
    for index in order:
        yield index, tuple(found[index])
