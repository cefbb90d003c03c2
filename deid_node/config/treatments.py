"""What a worker is told: how an instance is cleaned, and by which models.

Apart from the rest of the configuration, so that a worker loads the options of no door.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from deid_node.metadata.plan.options import Option, ProjectOptions
from deid_node.pixels.fill.options import AnatomyOptions, FillPolicy, InpainterOptions
from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.pixels.text.doubt import DoubtOptions
from deid_node.pixels.text.find.options import CrnnOptions, FinderOptions
from deid_node.pixels.text.keep.options import KeepEntry
from deid_node.pixels.text.read.options import CrnnReaderOptions, ReaderOptions
from deid_node.spool.series_options import WaitForSeriesOptions


class TreatmentOptions(BaseModel):
    """How an instance is cleaned; a rule names the treatment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Literal["all", "keep_listed"] = Field(
        default="all",
        description=(
            "Which burned-in text goes: all, or under keep_listed all but the lines that `keep` "
            "lists and that say nothing of the header."
        ),
    )
    keep: tuple[KeepEntry, ...] = Field(
        default=(),
        validate_default=True,
        description=(
            "Lines that stay under keep_listed: regular expressions that match a whole line, or "
            "lists that ship: @laterality, @orientation, @projection, @radiographs, @measurements."
        ),
    )
    fill: FillPolicy = Field(
        default=FillPolicy.AUTO,
        description="What new pixels are made by: auto chooses by what surrounds the text.",
    )
    anatomy: AnatomyOptions = Field(
        default=AnatomyOptions(),
        description="How much of a frame may be made up where text lay over anatomy.",
    )
    doubt: DoubtOptions = Field(
        default=DoubtOptions(),
        description="What becomes of instances that may show more text than was found.",
    )
    provenance: Literal["none", "seg"] = Field(
        default="none",
        description=(
            "What marks the pixels that were filled: nothing, or a DICOM Segmentation that goes "
            "beside each instance that has any; needs deid-node[provenance]."
        ),
    )
    wait_for_series: WaitForSeriesOptions | None = Field(
        default=None,
        description=(
            "Hold each instance until the rest of its series has come, so that text on one slice "
            "is filled by what the slices beside it show; null = each is cleaned when it comes."
        ),
    )
    options: tuple[Option, ...] | None = Field(
        default=None,
        description=(
            "Options of PS3.15 Annex E; null = those of `metadata.options`. "
            "Pixels are always cleaned, whether clean_pixel_data is named or not."
        ),
    )

    project: ProjectOptions = Field(
        default=ProjectOptions(),
        description="Its own key, subjects, dates and crosswalk, where two projects share a node.",
    )

    @field_validator("keep")
    @classmethod
    def _goes_with_text(cls, keep: tuple[str, ...], said: ValidationInfo) -> tuple[str, ...]:
        # A wrong value of `text` is missing here, and is a fault of its own.
        match said.data.get("text"), bool(keep):
            case "all", True:
                raise ValueError("lists lines although text is all: say keep_listed or list none")
            case "keep_listed", False:
                raise ValueError("must list at least one line under keep_listed")
        return keep


class PixelsOptions(BaseModel):
    """How burned-in text is found and filled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finder: FinderOptions = Field(default=CrnnOptions(), description="What finds text.")
    reader: ReaderOptions = Field(
        default=CrnnReaderOptions(),
        description=(
            "What reads the lines of treatments that keep some, and what is found in masks and "
            "maps; other text is never read."
        ),
    )
    inpainter: InpainterOptions = Field(
        default=InpainterOptions(), description="The model that restores anatomy under text."
    )
    regions: tuple[DeviceRegionsOptions, ...] = Field(
        default=(), description="Fixed regions per device, beside what the finder finds."
    )
    regions_file: Path | None = Field(
        default=None,
        description=(
            "YAML list of more of them, read anew for each instance; the review desk adds to it "
            "what an admin accepts. One that is not there yet has none; null = no such file."
        ),
    )
