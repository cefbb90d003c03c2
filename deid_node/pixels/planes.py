"""Where a frame lies in the patient: its plane, from whichever place the header keeps it.

A single frame has its plane at the top level, an enhanced multi-frame image in its
functional groups. A plane is only had whole: half a geometry would put things in the
wrong place.

Source: PS3.3 C.7.6.2 (Image Plane), C.7.6.16.2 (functional groups).
"""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from deid_node.pixeldata.attributes import items, numbers, put

Numbers = tuple[float, ...]

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


@dataclass(frozen=True, slots=True)
class Plane:
    """One frame's plane, in millimetres of its frame of reference.

    `position` is that of the first pixel's centre, `orientation` the direction of the
    rows and of the columns, `spacing` that of rows and of columns.
    """

    position: Numbers
    orientation: Numbers
    spacing: Numbers
    thickness: float

    @property
    def in_space(self) -> tuple[Numbers, Numbers, float]:
        """All but the position: what parallel planes share."""
        return self.orientation, self.spacing, self.thickness

    def put_into(self, dataset: Dataset) -> None:
        """Write the attributes of the Image Plane Module into `dataset`."""
        put(dataset, "ImagePositionPatient", list(self.position))
        put(dataset, "ImageOrientationPatient", list(self.orientation))
        put(dataset, "PixelSpacing", list(self.spacing))
        put(dataset, "SliceThickness", self.thickness)


def plane_of(dataset: Dataset, frame: int) -> Plane | None:
    """Return the plane of `frame`, which counts from 0; None where the header has none whole.

    Raises
    ------
    MalformedDataset
        The functional groups cannot be read.
    """
    shared, each = (items(dataset, keyword) for keyword in _GROUPS)
    if not each:
        return _whole(dataset, dataset, dataset) if frame == 0 else None
    groups = [*shared[:1], *each[frame : frame + 1]]
    position, orientation, measures = (
        next((own[0] for group in groups if (own := items(group, keyword))), Dataset())
        for keyword in (
            "PlanePositionSequence",
            "PlaneOrientationSequence",
            "PixelMeasuresSequence",
        )
    )
    return _whole(position, orientation, measures)


def _whole(position: Dataset, orientation: Dataset, measures: Dataset) -> Plane | None:
    origin = numbers(position, "ImagePositionPatient")
    cosines = numbers(orientation, "ImageOrientationPatient")
    spacing = numbers(measures, "PixelSpacing")
    thickness = numbers(measures, "SliceThickness")
    if (len(origin), len(cosines), len(spacing), len(thickness)) != (3, 6, 2, 1):
        return None
    return Plane(origin, cosines, spacing, thickness[0])
