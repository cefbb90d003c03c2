"""Fixed boxes per device: where a site knows that a scanner writes, without looking.

Every rule that fits an instance counts, not the first one only: two that overlap
fill more, never less. Of an ultrasound screen a rule may also name all that lies outside
the regions that the scanner declares: banner, menus, the name.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.attributes import integer, text, value_of
from deid_node.pixeldata.layout import Layout
from deid_node.pixels.text.masks import FIXED, Marked
from deid_node.pixels.text.ultrasound_regions import outside_regions
from deid_node.values.device import LONGEST_NAME, Device
from deid_node.values.geometry import Box

_NO_TEXT: Final = frozenset({"SQ", "OB", "OW", "OF", "OD", "OL", "OV", "UN", "OB or OW"})
_COMPARISONS: Final = frozenset({"less_than", "greater_than"})
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


class AttributeTest(BaseModel):
    """A test of one attribute of the dataset itself, taken as text; absent, it is empty text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str = Field(description="Keyword of the attribute, as `SeriesDescription`.")
    test: Literal["equals", "contains", "starts_with", "ends_with", "less_than", "greater_than"] = (
        Field(
            default="equals",
            description="What `value` is to the text; several values are joined by `\\`. "
            "A text that is no number passes less_than and greater_than, negated or not.",
        )
    )
    value: str = Field(description="What is looked for, or compared with: a number then.")
    capitals: bool = Field(default=False, description="Whether capitals and small letters differ.")
    negated: bool = Field(default=False, description="Whether the test must fail instead.")

    @field_validator("attribute")
    @classmethod
    def _is_text(cls, attribute: str) -> str:
        tag = tag_for_keyword(attribute) if attribute else None
        if tag is None or dictionary_VR(tag) in _NO_TEXT:
            raise ValueError("not the keyword of an attribute that has text")
        return attribute

    @model_validator(mode="after")
    def _compares_with_a_number(self) -> Self:
        if self.test in _COMPARISONS and _number(self.value) is None:
            raise ValueError("a comparison needs a number as its value")
        return self

    def passes(self, dataset: Dataset) -> bool:
        """Return whether `dataset` passes the test."""
        found, wanted = _joined(dataset, self.attribute), self.value
        if self.test in _COMPARISONS:
            return self._compares(_number(found), float(wanted))
        if not self.capitals:
            found, wanted = found.casefold(), wanted.casefold()
        passed = {
            "equals": found == wanted,
            "contains": wanted in found,
            "starts_with": found.startswith(wanted),
            "ends_with": found.endswith(wanted),
        }[self.test]
        return passed is not self.negated

    def _compares(self, found: float | None, wanted: float) -> bool:
        # In doubt a box is filled.
        if found is None:
            return True
        passed = found < wanted if self.test == "less_than" else found > wanted
        return passed is not self.negated


class DeviceRegionsOptions(BaseModel):
    """Boxes for the instances of one device; what is null matches everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manufacturer: str | None = None
    """Manufacturer (0008,0070), whole, capitals ignored."""

    model: str | None = None
    """Manufacturer's Model Name (0008,1090), whole, capitals ignored."""

    modality: str | None = None
    """Modality (0008,0060), whole, capitals ignored."""

    sop_class: str | None = None
    """SOP Class UID."""

    rows: Annotated[int, Field(ge=1)] | None = None
    """Rows (0028,0010) of the frames."""

    columns: Annotated[int, Field(ge=1)] | None = None
    """Columns (0028,0011) of the frames."""

    where: tuple[AttributeTest, ...] = ()
    """Further tests, all of which an instance must pass."""

    boxes: tuple[BoxOptions, ...] = ()
    """Filled on every frame, beside what the finder finds."""

    outside_ultrasound_regions: bool = False
    """Whether everything is filled that lies outside all items of Sequence of Ultrasound
    Regions (0018,6011), where an instance has it."""

    @model_validator(mode="after")
    def _not_idle(self) -> Self:
        if not self.boxes and not self.outside_ultrasound_regions:
            raise ValueError("give boxes, or set outside_ultrasound_regions")
        return self


def device_marks(
    rules: Sequence[DeviceRegionsOptions], dataset: Dataset, layout: Layout
) -> tuple[Marked, ...]:
    """Return the boxes of every rule that fits the instance, not yet cut at the frame's edge.

    What lies outside the ultrasound regions is exact: it is known to the pixel, and
    a margin would eat into the picture.
    """
    fitting = [rule for rule in rules if _fits(rule, dataset, layout)]
    marks = [
        Marked(Box(box.left, box.top, box.right, box.bottom), 1.0, FIXED)
        for rule in fitting
        for box in rule.boxes
    ]
    if any(rule.outside_ultrasound_regions for rule in fitting):
        banner = outside_regions(dataset, rows=layout.rows, columns=layout.columns)
        marks += [Marked(box, 1.0, FIXED, exact=True) for box in banner]
    return tuple(marks)


def device_of(dataset: Dataset) -> Device:
    """Return whose screen `dataset` shows; what cannot be read is not known."""
    return Device(
        maker=_said(dataset, "Manufacturer"),
        model=_said(dataset, "ManufacturerModelName"),
        modality=_said(dataset, "Modality"),
        rows=_size(dataset, "Rows"),
        columns=_size(dataset, "Columns"),
    )


def _said(dataset: Dataset, keyword: str) -> str:
    try:
        said = text(dataset, keyword)
    except MalformedDataset:
        return ""
    return said if said.isprintable() and len(said) <= LONGEST_NAME else ""


def _size(dataset: Dataset, keyword: str) -> int:
    try:
        return integer(dataset, keyword)
    except MalformedDataset:
        return 0


def _fits(rule: DeviceRegionsOptions, dataset: Dataset, layout: Layout) -> bool:
    wanted = (
        (rule.manufacturer, "Manufacturer"),
        (rule.model, "ManufacturerModelName"),
        (rule.modality, "Modality"),
        (rule.sop_class, "SOPClassUID"),
    )
    sizes = ((rule.rows, layout.rows), (rule.columns, layout.columns))
    return (
        all(
            name is None or text(dataset, keyword).casefold() == name.strip().casefold()
            for name, keyword in wanted
        )
        and all(size is None or size == own for size, own in sizes)
        and all(test.passes(dataset) for test in rule.where)
    )


def _joined(dataset: Dataset, keyword: str) -> str:
    value = value_of(dataset, keyword)
    if value is None:
        return ""
    values = value if isinstance(value, MultiValue) else [value]
    return "\\".join(str(item).strip() for item in values)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
