"""The regions that an ultrasound scanner declares on its screen, and what lies outside them.

A region that is broken does not count as one: then more is outside, not less.

Source: PS3.3 C.8.5.5 (US Region Calibration Module).
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.attributes import integer, items
from deid_node.values.geometry import Box

_IMAGE: Final = 1  # Region Spatial Format: 2D; others are curves, wave forms and graphics


def outside_regions(dataset: Dataset, *, rows: int, columns: int) -> tuple[Box, ...]:
    """Return boxes that cover every pixel outside all ultrasound regions, and no other.

    Parameters
    ----------
    dataset
        Where Sequence of Ultrasound Regions is looked up; empty where it has none.
    rows, columns
        Of the frames.
    """
    if "SequenceOfUltrasoundRegions" not in dataset:
        return ()
    declared = items(dataset, "SequenceOfUltrasoundRegions")
    regions = [_region(item, rows=rows, columns=columns) for item in declared]
    return complement([box for box in regions if box], rows=rows, columns=columns)


def image_regions(dataset: Dataset, *, rows: int, columns: int) -> tuple[Box, ...]:
    """Return the regions that are images of the body, neither curves nor scales.

    What is broken declares nothing. Arguments as of `outside_regions`.
    """
    try:
        declared = items(dataset, "SequenceOfUltrasoundRegions")
        images = [one for one in declared if integer(one, "RegionSpatialFormat") == _IMAGE]
    except MalformedDataset:
        return ()
    regions = (_region(item, rows=rows, columns=columns) for item in images)
    return tuple(box for box in regions if box)


def complement(boxes: Sequence[Box], *, rows: int, columns: int) -> tuple[Box, ...]:
    """Return boxes that cover what `boxes`, all within the frame, do not; none overlaps another."""
    edges = sorted({0, rows, *(box.top for box in boxes), *(box.bottom for box in boxes)})
    left: list[Box] = []
    for top, bottom in itertools.pairwise(edges):
        inside = [box for box in boxes if box.top <= top and bottom <= box.bottom]
        for start, stop in _gaps(inside, columns):
            # A strip goes on below where the strip above it ends at the same columns.
            above = next(
                (b for b in left if (b.left, b.right, b.bottom) == (start, stop, top)), None
            )
            if above is not None:
                left.remove(above)
            left.append(Box(start, top if above is None else above.top, stop, bottom))
    return tuple(sorted(left))


def _gaps(boxes: Sequence[Box], columns: int) -> Iterator[tuple[int, int]]:
    position = 0
    for start, stop in sorted((box.left, box.right) for box in boxes):
        if start > position:
            yield position, start
        position = max(position, stop)
    if position < columns:
        yield position, columns


def _region(item: Dataset, *, rows: int, columns: int) -> Box | None:
    try:
        left = max(0, integer(item, "RegionLocationMinX0"))
        top = max(0, integer(item, "RegionLocationMinY0"))
        # The lower right pixel belongs to the region.
        right = min(columns, integer(item, "RegionLocationMaxX1") + 1)
        bottom = min(rows, integer(item, "RegionLocationMaxY1") + 1)
    except MalformedDataset:
        return None
    return Box(left, top, right, bottom) if left < right and top < bottom else None
