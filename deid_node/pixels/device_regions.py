"""Fixed boxes per device: where a site knows that a scanner writes, without looking."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydicom.dataset import Dataset

from deid_node.pixels.attributes import text
from deid_node.pixels.layout import Layout
from deid_node.pixels.masks import Marked
from deid_node.values.geometry import Box

SOURCE = "device_rule"

_Edge = Annotated[int, Field(ge=0)]


class BoxOptions(BaseModel):
    """Half-open pixels of the stored frame, origin top left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left: _Edge = Field(description="First column of the box.")
    top: _Edge = Field(description="First row of the box.")
    right: _Edge = Field(description="First column behind the box.")
    bottom: _Edge = Field(description="First row below the box.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError("a box needs left < right and top < bottom")
        return self


class DeviceRegionsOptions(BaseModel):
    """Boxes for the instances of one device; what is null matches everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manufacturer: str | None = None
    """Manufacturer (0008,0070), whole, capitals ignored."""

    model: str | None = None
    """Manufacturer's Model Name (0008,1090), whole, capitals ignored."""

    sop_class: str | None = None
    """SOP Class UID."""

    rows: Annotated[int, Field(ge=1)] | None = None
    """Rows (0028,0010) of the frames."""

    columns: Annotated[int, Field(ge=1)] | None = None
    """Columns (0028,0011) of the frames."""

    boxes: Annotated[tuple[BoxOptions, ...], Field(min_length=1)]
    """Filled on every frame, beside what the finder finds."""


def device_marks(
    rules: Sequence[DeviceRegionsOptions], dataset: Dataset, layout: Layout
) -> tuple[Marked, ...]:
    """Return the boxes of every rule that fits the instance, not yet cut at the frame's edge."""
    return tuple(
        Marked(Box(box.left, box.top, box.right, box.bottom), 1.0, SOURCE)
        for rule in rules
        if _fits(rule, dataset, layout)
        for box in rule.boxes
    )


def _fits(rule: DeviceRegionsOptions, dataset: Dataset, layout: Layout) -> bool:
    wanted = (
        (rule.manufacturer, "Manufacturer"),
        (rule.model, "ManufacturerModelName"),
        (rule.sop_class, "SOPClassUID"),
    )
    sizes = ((rule.rows, layout.rows), (rule.columns, layout.columns))
    return all(
        name is None or text(dataset, keyword).casefold() == name.strip().casefold()
        for name, keyword in wanted
    ) and all(size is None or size == own for size, own in sizes)
