"""Faint lines on an image of the body: layers of tissue, or letters that nobody can be sure of.

At the tip of a sector the skin lies in bright short layers, and on a screen that bears text
for sure a low score is enough for them to be filled. Where the scanner itself declares an
image of the body, what is as long as a word and no surer than that waits for a person.
"""

from collections.abc import Iterable
from typing import Final

from deid_node.values.geometry import Box, Found

LEAST_LENGTH: Final = 2.0
"""Widths to heights from which a box is as long as a word; a digit of a scale is shorter."""

LEAST_HEIGHT_PIXELS: Final = 6


def is_faint_line(found: Found, images: Iterable[Box], *, below: float) -> bool:
    """Return whether `found` is a line with a score `below` that, within one of `images`."""
    box = found.box
    height = box.bottom - box.top
    return (
        found.score < below
        and height >= LEAST_HEIGHT_PIXELS
        and box.right - box.left >= LEAST_LENGTH * height
        and any(image.contains(box) for image in images)
    )
