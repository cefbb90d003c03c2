"""How the slices of an instance lie in the patient: size of a pixel, direction, scale.

A single object has it at its top level, an enhanced one in functional groups, shared
or of each frame.

Source: PS3.3 C.7.6.2 (Image Plane), C.7.6.16.2.1 and C.7.6.16.2.4 (Pixel Measures, Plane
Orientation), C.11.1 (Modality LUT), C.7.6.16.2.9 (Pixel Value Transformation).
"""

import math
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.attributes import items, numbers
from deid_node.pixeldata.layout import Layout

_LONGEST_MM: Final = 2500.0
"""No image of one body is larger, so a spacing that says so is wrong."""

_UPRIGHT: Final = 0.9
"""Cosine of the angle from the body's axis up to which a slice lies across it: 26 degrees."""

_SIDEWAYS: Final = 0.7


@dataclass(frozen=True, slots=True)
class Plane:
    """One frame in the patient; sizes in millimetres.

    `across` says that it lies across the body, so that a step from left to right in the
    patient is a step along a row of pixels (`rows_run_sideways`) or along a column.
    """

    pixel_height_mm: float
    pixel_width_mm: float
    height_mm: float
    width_mm: float
    across: bool
    rows_run_sideways: bool

    @property
    def longest_mm(self) -> float:
        """The longer side."""
        return max(self.height_mm, self.width_mm)


@dataclass(frozen=True, slots=True)
class Scale:
    """Straight line from stored values to those that are meant; `known` where it is given."""

    slope: float
    intercept: float
    known: bool


class Planes:
    """The planes and scales of the frames of one instance.

    What cannot be read counts as not there: then nobody knows how a frame lies.
    """

    def __init__(self, dataset: Dataset, layout: Layout) -> None:
        self._dataset: Final = dataset
        self._layout: Final = layout
        self._shared: Final = _items(dataset, "SharedFunctionalGroupsSequence")
        self._per_frame: Final = _items(dataset, "PerFrameFunctionalGroupsSequence")

    def plane(self, index: int) -> Plane | None:
        """Return how frame `index` lies, or None where its pixels have no known size.

        A frame without a direction lies in no known one: it counts as not across.
        """
        spacing = self._numbers(index, "PixelMeasuresSequence", "PixelSpacing", 2)
        if spacing is None or not all(0 < one < _LONGEST_MM for one in spacing):
            return None
        height = spacing[0] * self._layout.rows
        width = spacing[1] * self._layout.columns
        if max(height, width) > _LONGEST_MM:
            return None
        direction = self._numbers(index, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
        across = sideways = False
        if direction is not None:
            along_row, along_column = direction[:3], direction[3:]
            normal_z = along_row[0] * along_column[1] - along_row[1] * along_column[0]
            units = math.hypot(*along_row), math.hypot(*along_column)
            sideways = abs(along_row[0]) >= _SIDEWAYS
            straight = sideways or abs(along_column[0]) >= _SIDEWAYS
            is_direction = all(0.99 < unit < 1.01 for unit in units)
            across = is_direction and straight and abs(normal_z) >= _UPRIGHT
        return Plane(spacing[0], spacing[1], height, width, across, sideways)

    def scale(self, index: int) -> Scale:
        """Return the scale of frame `index`; values as stored where none is given."""
        slope = self._numbers(index, "PixelValueTransformationSequence", "RescaleSlope", 1)
        shift = self._numbers(index, "PixelValueTransformationSequence", "RescaleIntercept", 1)
        if slope is None or shift is None or slope[0] <= 0:
            return Scale(1.0, 0.0, known=False)
        return Scale(slope[0], shift[0], known=True)

    def _numbers(
        self, index: int, sequence: str, keyword: str, count: int
    ) -> tuple[float, ...] | None:
        groups = (*self._per_frame[index : index + 1], *self._shared)
        levels = [level for group in groups for level in _items(group, sequence)]
        for level in (*levels, self._dataset):
            found = numbers(level, keyword)
            if len(found) == count and all(map(math.isfinite, found)):
                return found
        return None


def _items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    try:
        return items(dataset, keyword)
    except MalformedDataset:
        return ()
