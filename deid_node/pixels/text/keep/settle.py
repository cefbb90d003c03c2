"""Lines that stay, and what makes them go after all: a mask that comes near.

A line stands alone or it does not stay: what is left of a line whose other half
is filled may be the half that names somebody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deid_node.pixels.text.masks import Marked, is_covered, merged
from deid_node.values.geometry import Box

LOWEST_PIXELS: Final = 5
"""Height below which nothing is believed that is read."""

_HIGHEST_SHARE: Final = 0.2  # of the frame's shorter side
_NARROWEST: Final = 0.25  # letter heights a character; a box of two lines is narrower
_WIDEST: Final = 0.9
_PADDING: Final = 0.7
_TALLEST: Final = 2.2  # letter heights of one narrow letter, an L or an I
_MOST_REACH_PIXELS: Final = 32


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A found line that stays on its frame, and what it says; the text is never shown.

    `seen_as` are its boxes on the views on which it was found, `mark` holds them all.
    """

    mark: Marked
    seen_as: tuple[Box, ...]
    text: str = field(repr=False)

    @property
    def box(self) -> Box:
        """Where it stands."""
        return self.mark.box


@dataclass(frozen=True, slots=True)
class Settled:
    """What is filled on one frame, widened, what stays, and what nobody is sure of, as found."""

    marks: tuple[Marked, ...]
    kept: tuple[KeptLine, ...] = ()
    doubtful: tuple[Marked, ...] = ()

    @property
    def in_doubt(self) -> tuple[Marked, ...]:
        """What is doubtful and lies under nothing that is filled, or stays by leave."""
        sure = [mark.box for mark in self.marks] + [line.box for line in self.kept]
        return tuple(mark for mark in self.doubtful if not is_covered(mark.box, sure))


def is_line_high(box: Box, *, rows: int, columns: int) -> bool:
    """Return whether the letters of one line may be as high as `box` on a frame of that size."""
    highest = max(LOWEST_PIXELS, min(rows, columns) * _HIGHEST_SHARE)
    return LOWEST_PIXELS <= min(_sides(box)) <= highest


def is_as_long_as(box: Box, text: str) -> bool:
    """Return whether `box` is as long as one line that says `text`, level or turned by a quarter.

    A box that is much longer holds something that was not read; one that is much
    shorter holds two lines.
    """
    width, height = _sides(box)
    letter = min(width, height)
    longest = _WIDEST * len(text) + _PADDING
    if len(text) == 1 and height > width:
        longest = _TALLEST
    return _NARROWEST * len(text) * letter <= max(width, height) <= longest * letter


def lengthened(box: Box, *, rows: int, columns: int) -> Box:
    """Return `box` with the height of its letters added at both ends, cut at the frame's edge.

    A line that was found in part says more in there.
    """
    width, height = _sides(box)
    reach = min(width, height, _MOST_REACH_PIXELS)
    if height > _TALLEST * width:
        return Box(box.left, max(0, box.top - reach), box.right, min(rows, box.bottom + reach))
    return Box(max(0, box.left - reach), box.top, min(columns, box.right + reach), box.bottom)


def standing_alone(lines: Sequence[KeptLine]) -> tuple[KeptLine, ...]:
    """Return those of `lines` that do not run on into another of them."""
    return tuple(
        line
        for line in lines
        if not any(
            _runs_into(one.box, two.box)
            for other in lines
            if other is not line
            for one, two in ((line, other), (other, line))
        )
    )


def settled(
    marks: tuple[Marked, ...],
    kept: tuple[KeptLine, ...],
    *,
    widen: Callable[[list[Marked]], tuple[Marked, ...]],
) -> Settled:
    """Return `marks` with every line of `kept` that one of them touches, until none does.

    Parameters
    ----------
    marks
        Widened, as they will be filled.
    kept
        As found, without a margin.
    widen
        Gives marks their margin.
    """
    filled, staying = marks, kept
    while True:
        lost = [line for line in staying if any(_is_touched(line.box, m.box) for m in filled)]
        if not lost:
            return Settled(filled, staying)
        staying = tuple(line for line in staying if line not in lost)
        filled = merged((*filled, *widen([line.mark for line in lost])))


def _is_touched(line: Box, mask: Box) -> bool:
    return line.intersects(mask) or _runs_into(line, mask)


def _runs_into(line: Box, other: Box) -> bool:
    """Return whether `other` stands where `line` would go on: within the height of its letters.

    A box that is about as wide as high may be read either way.
    """
    width, height = _sides(line)
    reach = min(width, height, _MOST_REACH_PIXELS)
    along = Box(max(0, line.left - reach), line.top, line.right + reach, line.bottom)
    down = Box(line.left, max(0, line.top - reach), line.right, line.bottom + reach)
    return (width * 2 > height and along.intersects(other)) or (
        height * 2 > width and down.intersects(other)
    )


def _sides(box: Box) -> tuple[int, int]:
    return box.right - box.left, box.bottom - box.top
