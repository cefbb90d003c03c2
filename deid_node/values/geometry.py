"""Rectangles of pixels, in one convention for the whole house.

A box counts in stored pixels of the full frame, origin at the top left, right
and bottom edges excluded. Other conventions (corner plus size, row before
column, fractions) are turned into this one where a library is called, never
further inside.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """The pixels with ``left <= x < right`` and ``top <= y < bottom``."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right and 0 <= self.top < self.bottom):
            raise ValueError(f"not a box: {self!r}")

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the box in an array of shape ``(rows, columns, ...)``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def area_pixels(self) -> int:
        """Number of pixels in the box."""
        return (self.right - self.left) * (self.bottom - self.top)

    def grown(self, margin_pixels: int, *, rows: int, columns: int) -> "Box":
        """Return the box with `margin_pixels` added on each side, cut at the frame's edge."""
        return Box(
            max(0, self.left - margin_pixels),
            max(0, self.top - margin_pixels),
            min(columns, self.right + margin_pixels),
            min(rows, self.bottom + margin_pixels),
        )

    def within(self, window: "Box") -> "Box":
        """Return the box counted from the corner of `window`, which holds it."""
        return Box(
            self.left - window.left,
            self.top - window.top,
            self.right - window.left,
            self.bottom - window.top,
        )

    def intersects(self, other: "Box") -> bool:
        """Return whether the two share at least one pixel."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def contains(self, other: "Box") -> bool:
        """Return whether every pixel of `other` lies in this box."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A box in which a finder sees text, with its certainty between 0 and 1."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Region:
    """A box of one frame that was filled, and how.

    `frame` counts from 0; `source` is the finder or ``device_rule``; `fill` is
    the method that made the new pixels (``solid``, ``telea``, ...).
    """

    frame: int
    box: Box
    score: float
    source: str
    fill: str


@dataclass(frozen=True, slots=True)
class KeptRegion:
    """A box of one frame in which a line of text stays, as the treatment lets it.

    `frame` counts from 0, `score` is the finder's. What the line says is nowhere
    but in the pixels. `source` is the reader that was sure of it.
    """

    frame: int
    box: Box
    score: float
    source: str


@dataclass(frozen=True, slots=True)
class DoubtedRegion:
    """A box of one frame for which an instance is withheld: a person has to look at it.

    `frame` counts from 0, `score` and `source` are the finder's. Nothing there was changed.
    """

    frame: int
    box: Box
    score: float
    source: str
