"""Showing frames to a finder, many at a time and no more than fit in memory.

A picture that equals an earlier one, bit for bit, is not shown again: a finder gives
the same boxes for it, and many a cine stands still. Not the frames are compared
but what is shown of them: equal frames may have windows of their own.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from deid_node.pixeldata.arrays import DisplayFrame, StoredFrame
from deid_node.pixeldata.display import Display
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.find.base import Finder
from deid_node.values.geometry import Found
from deid_node.values.stage import Stage

Known: TypeAlias = dict[bytes, tuple[Found, ...]]
"""What was found on a view, by the digest of the view."""

BATCH_BYTES: Final = 64 * 2**20
"""Views that are held for one call of the finder."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The views of frame `index`, and what was found on each of them, in the same order.

    A grey frame is shown in three views at once; what was found on them was found on each.
    """

    index: int
    views: tuple[DisplayFrame, ...]
    seen: tuple[tuple[Found, ...], ...]

    @property
    def found(self) -> tuple[Found, ...]:
        """What was found on any view, once."""
        return tuple(dict.fromkeys(found for on_view in self.seen for found in on_view))


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
    known: Known = {}
    waiting: list[tuple[int, tuple[DisplayFrame, ...]]] = []
    held_bytes = 0
    for index, values in frames:
        views: tuple[DisplayFrame, ...] = ()
        if (values != values.flat[0]).any():
            with watch.running(Stage.FIND):
                views = display.views(values, index, like=None if like is None else like(index))
        waiting.append((index, views))
        held_bytes += sum(view.nbytes for view in views)
        if held_bytes >= batch_bytes:
            yield from _asked(finder, display, waiting, known, watch)
            waiting, held_bytes = [], 0
    yield from _asked(finder, display, waiting, known, watch)


def _asked(
    finder: Finder,
    display: Display,
    waiting: list[tuple[int, tuple[DisplayFrame, ...]]],
    known: Known,
    watch: Stopwatch,
) -> Iterator[Look]:
    with watch.running(Stage.FIND):
        digests = [[_digest(view) for view in views] for _, views in waiting]
        fresh = {
            digest: view
            for (_, views), own in zip(waiting, digests, strict=True)
            for view, digest in zip(views, own, strict=True)
            if digest not in known
        }
        answers = tuple(finder.find(list(fresh.values()))) if fresh else ()
    if len(answers) != len(fresh):
        raise RuntimeError("the finder answered for another number of frames")
    known.update(zip(fresh, answers, strict=True))
    for (index, pictures), own in zip(waiting, digests, strict=True):
        readable = display.readable(pictures)
        seen = tuple(
            known[digest] for digest, apart in zip(own, readable, strict=True) for _ in apart
        )
        yield Look(index, tuple(view for apart in readable for view in apart), seen)


def _digest(view: DisplayFrame) -> bytes:
    # 32 bytes: who could make two frames of one digest could hide the text of one.
    shape = repr(view.shape).encode("ascii")
    return hashlib.blake2b(np.ascontiguousarray(view).data, digest_size=32, key=shape).digest()
