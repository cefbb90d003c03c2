"""What a second look at a filled frame means: the fill's fault, or text that was missed.

Under a mask no text can be left: nothing there comes from the original. What is found
there was drawn by the fill, a streak that looks like a letter, and the answer is
another fill, not a larger mask: masks that grow by their own streaks end as slabs.
Only what is found on pixels as they came is text that was missed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.base import Filled
from deid_node.pixels.text.evidence import Sorted
from deid_node.values.fill import Fill
from deid_node.values.geometry import Box, Found

_EVEN: Final = frozenset({Fill.SOLID, Fill.GRADIENT})
"""Fills in which nothing can look like a letter."""


class Manner(IntEnum):
    """How what has to be made up in a hole is made, the next where the one before drew letters."""

    POLICY = 0
    """As the treatment wants it."""

    SMOOTH = 1
    """Shades without texture."""

    PLAIN = 2
    """One value."""


@dataclass(frozen=True, slots=True)
class Blamed:
    """A box in which a fill drew something, and the manner in which it is made next."""

    box: Box
    manner: Manner


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a second look; all empty where the frame is done.

    `missed` is text on pixels as they came, `blamed` the fills that are to be changed,
    `stuck` what is found in a fill that has nothing in it any more, and `doubtful` what
    may be text on pixels as they came.
    """

    missed: tuple[Found, ...] = ()
    blamed: tuple[Blamed, ...] = ()
    stuck: tuple[Found, ...] = ()
    doubtful: tuple[Found, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the frame may stay as it is."""
        return self == Verdict()


def verdict_on(seen: Sorted, mask: Mask, fills: Sequence[tuple[Box, Filled]]) -> Verdict:
    """Return what `seen`, found on a filled frame, means.

    Parameters
    ----------
    seen
        Without the lines that stay.
    mask
        ``(rows, columns)``, all that is filled.
    fills
        Each fill of the frame, with the window where it lies.
    """
    missed: list[Found] = []
    blamed: list[Blamed] = []
    stuck: list[Found] = []
    for found in seen.sure:
        under = mask[found.box.slices]
        drawn = _drawn(found.box, fills)
        if not under.any():
            missed.append(found)
        elif drawn:
            # It may run on beyond the mask: the next look tells, when no streak leads it there.
            blamed.append(Blamed(found.box, _next(drawn)))
        elif not under.all():
            missed.append(found)
        else:
            stuck.append(found)
    doubtful = tuple(found for found in seen.doubtful if not mask[found.box.slices].any())
    return Verdict(tuple(missed), tuple(blamed), tuple(stuck), doubtful)


def manner_of(boxes: Iterable[Box], blamed: Iterable[Blamed]) -> Manner:
    """Return in which manner a hole of `boxes` is filled after all that was blamed so far."""
    holes = tuple(boxes)
    manners = [b.manner for b in blamed if any(b.box.intersects(box) for box in holes)]
    return max(manners, default=Manner.POLICY)


def _drawn(box: Box, fills: Sequence[tuple[Box, Filled]]) -> frozenset[str]:
    """Return the methods that made something up under `box`."""
    methods = set()
    for window, filled in fills:
        if not window.intersects(box):
            continue
        shared = Box(
            max(box.left, window.left),
            max(box.top, window.top),
            min(box.right, window.right),
            min(box.bottom, window.bottom),
        ).within(window)
        methods |= {
            part.method
            for part in filled.parts
            if part.method not in _EVEN and part.where[shared.slices].any()
        }
    return frozenset(methods)


def _next(drawn: frozenset[str]) -> Manner:
    return Manner.PLAIN if drawn == {Fill.SMOOTH} else Manner.SMOOTH
