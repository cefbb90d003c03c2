"""What lies outside all regions of an ultrasound screen: banner, menus, the name.

The regions are those that the scanner declares. One that is broken does not
count as a region: then more is outside, not less.

Source: PS3.3 C.8.5.5 (US Region Calibration Module).
"""

import itertools
from collections.abc import Iterator, Sequence

from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.attributes import integer, items
from deid_node.values.geometry import Box


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
    regions = []
    for item in items(dataset, "SequenceOfUltrasoundRegions"):
        box = _region(item, rows=rows, columns=columns)
        if box is not None:
            regions.append(box)
    return complement(regions, rows=rows, columns=columns)


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
