"""What counts as found. Every rule in one place, each as counts of one image.

No rule of another paper is hidden in these: what is published elsewhere without its
rule cannot be compared with any of them to the third digit.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.text.masks import Marked, mask_of, widened
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.areas import painted, upright
from deid_node_lab.evaluation.cases import Case, Item
from deid_node_lab.evaluation.ink import Ink, ink_of
from deid_node_lab.evaluation.lone_marks import is_lone_mark

COVERED_SHARE: Final = 0.9
"""A line is found when that much of its box, or of its ink, lies under the mask.

Half a name is a name.
"""

OVERLAP: Final = 0.5
"""Intersection over union from which a found box and a line are one and the same."""

ON_TEXT_SHARE: Final = 0.5
"""A found box is right when at least that much of it lies on text."""

SLACK_PIXELS: Final = 4
"""Boxes drawn by hand are that much too wide or too narrow."""

KINDS: Final = (
    "images", "images_with_text", "items", "items_covered", "images_whole", "images_touched",
    "boxes", "boxes_on_text", "boxes_matched", "items_matched", "pixels", "pixels_unneeded",
    "pixels_of_text", "pixels_found", "pixels_hit", "unseen", "lines", "lines_covered", "marks",
    "marks_covered", "images_with_ink", "images_ink_whole", "images_with_lines",
    "images_lines_whole",
)  # fmt: skip
"""What is counted on each image."""


def masked_boxes(boxes: Sequence[Box], *, rows: int, columns: int) -> tuple[Box, ...]:
    """Return `boxes` with the margin that the cleaner gives them."""
    marks = widened((Marked(box, 1.0, "") for box in boxes), rows=rows, columns=columns)
    return tuple(mark.box for mark in marks)


def covered(mask: Mask, item: Item) -> bool:
    """Return whether the mask hides the line."""
    place, inside = painted(item.corners, mask.shape)
    total = int(inside.sum())
    return not total or int((mask[place] & inside).sum()) >= COVERED_SHARE * total


def counts_of(
    case: Case, boxes: Sequence[Box], ink: Sequence[Ink] | None = None
) -> tuple[dict[str, int], tuple[bool, ...]]:
    """Return the counts of one image, by `KINDS`, and which of its asked items are hidden.

    Parameters
    ----------
    case
        The image with what stands on it.
    boxes
        What a finder found on it, without a margin.
    ink
        The visible ink of each asked item, where it is known already.
    """
    rows, columns = case.picture.shape[:2]
    asked = case.asked
    spared = [item for item in case.items if item.optional]
    mask = mask_of(masked_boxes(boxes, rows=rows, columns=columns), rows=rows, columns=columns)
    hits = tuple(covered(mask, item) for item in asked)
    allowed = _around(case.items, rows=rows, columns=columns)
    unneeded = int((mask & ~allowed).sum())
    counted = dict.fromkeys(KINDS, 0) | {
        "images": 1,
        "images_with_text": int(bool(asked)),
        "items": len(asked),
        "items_covered": sum(hits),
        "images_whole": int(bool(asked) and all(hits)),
        "images_touched": int(any(not allowed[box.slices].any() for box in boxes)),
        "pixels": rows * columns,
        "pixels_unneeded": unneeded,
    }
    counted |= _of_ink(asked, ink_of(case, asked) if ink is None else ink, mask)
    counted |= _of_boxes(boxes, asked, spared, rows=rows, columns=columns)
    counted |= _of_pixels(boxes, asked, spared, rows=rows, columns=columns)
    return counted, hits


def matched(overlaps: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """Return pairs ``(row, column)`` of at least `OVERLAP`, greedily, each side used once.

    The largest overlap is paired first. One box over two words matches one of them at
    most; two boxes on one line match it at most once.
    """
    pairs: list[tuple[int, int]] = []
    left = overlaps.copy()
    while left.size and left.max() >= OVERLAP:
        row, column = (int(n) for n in np.unravel_index(int(left.argmax()), left.shape))
        pairs.append((row, column))
        left[row, :] = -1
        left[:, column] = -1
    return tuple(pairs)


def overlap(box: Box, other: Box) -> float:
    """Return intersection over union."""
    if not box.intersects(other):
        return 0.0
    shared = (min(box.right, other.right) - max(box.left, other.left)) * (
        min(box.bottom, other.bottom) - max(box.top, other.top)
    )
    return shared / (box.area_pixels + other.area_pixels - shared)


def _of_ink(asked: Sequence[Item], ink: Sequence[Ink], mask: Mask) -> dict[str, int]:
    """Count lines by what can be seen of them, lone marks apart."""
    seen = [(item, one) for item, one in zip(asked, ink, strict=True) if one.seen]
    hidden = [
        (is_lone_mark(item.text), one.hidden_share(mask) >= COVERED_SHARE) for item, one in seen
    ]
    lines = [hit for mark, hit in hidden if not mark]
    marks = [hit for mark, hit in hidden if mark]
    return {
        "unseen": len(asked) - len(seen),
        "lines": len(lines),
        "lines_covered": sum(lines),
        "marks": len(marks),
        "marks_covered": sum(marks),
        "images_with_ink": int(bool(hidden)),
        "images_ink_whole": int(bool(hidden) and all(lines + marks)),
        "images_with_lines": int(bool(lines)),
        "images_lines_whole": int(bool(lines) and all(lines)),
    }


def _of_boxes(
    boxes: Sequence[Box], asked: Sequence[Item], spared: Sequence[Item], *, rows: int, columns: int
) -> dict[str, int]:
    """Count boxes against lines; a box that lies on an optional line is left out."""
    spared_area = _area(spared, rows=rows, columns=columns)
    # A box on nothing but an optional line is no answer to a question.
    judged = [box for box in boxes if spared_area[box.slices].mean() < ON_TEXT_SHARE]
    text = _area(asked, rows=rows, columns=columns) | spared_area
    reach = 2 * SLACK_PIXELS + 1
    near = cv2.dilate(text.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    uprights = [upright(item, rows=rows, columns=columns) for item in asked]
    overlaps = np.array([[overlap(box, one) for one in uprights] for box in judged], np.float64)
    pairs = matched(overlaps.reshape(len(judged), len(uprights)))
    return {
        "boxes": len(judged),
        "boxes_on_text": sum(near[box.slices].mean() >= ON_TEXT_SHARE for box in judged),
        "boxes_matched": len(pairs),
        "items_matched": len(pairs),
    }


def _of_pixels(
    boxes: Sequence[Box], asked: Sequence[Item], spared: Sequence[Item], *, rows: int, columns: int
) -> dict[str, int]:
    text = _area(asked, rows=rows, columns=columns)
    counted = ~_area(spared, rows=rows, columns=columns) | text
    found = mask_of(boxes, rows=rows, columns=columns) & counted
    return {
        "pixels_of_text": int(text.sum()),
        "pixels_found": int(found.sum()),
        "pixels_hit": int((found & text).sum()),
    }


def _area(items: Sequence[Item], *, rows: int, columns: int) -> Mask:
    area = np.zeros((rows, columns), np.bool_)
    for item in items:
        place, inside = painted(item.corners, area.shape)
        area[place] |= inside
    return area


def _around(items: Sequence[Item], *, rows: int, columns: int) -> Mask:
    """Return where a mask is no waste: each line, the margin of a box on it, and the slack."""
    area = np.zeros((rows, columns), np.bool_)
    for item in items:
        whole = upright(item, rows=rows, columns=columns)
        slack = whole.grown(SLACK_PIXELS, rows=rows, columns=columns)
        (grown,) = masked_boxes([slack], rows=rows, columns=columns)
        reach = max(whole.left - grown.left, grown.right - whole.right, 1)
        reach = max(reach, whole.top - grown.top, grown.bottom - whole.bottom)
        place, inside = painted(item.corners, area.shape, more=reach)
        side = 2 * reach + 1
        area[place] |= cv2.dilate(inside.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return area
