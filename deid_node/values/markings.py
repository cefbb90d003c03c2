"""What a person decided about the pixels of one instance, after looking at it.

Data for the corridor, like its configuration: what is filled is filled by the corridor,
and nothing here says anything of the header. What stays is no more than what the
person was shown; text that comes to light elsewhere is found as ever.
"""

from dataclasses import dataclass

from deid_node.values.geometry import Box

MOST_BOXES = 2000
"""Boxes that one instance may have; a person draws fewer, and what was found has a bound."""


@dataclass(frozen=True, slots=True)
class Marking:
    """A box of frame number `frame`, from 0; None means every frame."""

    frame: int | None
    box: Box

    def is_on(self, frame: int) -> bool:
        """Return whether it counts on frame number `frame`."""
        return self.frame is None or self.frame == frame


@dataclass(frozen=True, slots=True)
class Markings:
    """Boxes to `fill`, and boxes that a person looked at and that are no text (`stays`)."""

    fill: tuple[Marking, ...] = ()
    stays: tuple[Marking, ...] = ()

    def __post_init__(self) -> None:
        if len(self.fill) + len(self.stays) > MOST_BOXES:
            raise ValueError("more boxes than a person could have looked at")

    def filled_on(self, frame: int) -> tuple[Box, ...]:
        """Return what is filled on frame number `frame`."""
        return tuple(one.box for one in self.fill if one.is_on(frame))

    def staying_on(self, frame: int) -> tuple[Box, ...]:
        """Return what is no text on frame number `frame`."""
        return tuple(one.box for one in self.stays if one.is_on(frame))
