"""What the YAML can say of waiting for a series."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from deid_node.values.series import WaitLimits

Modality = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,16}$")]


class WaitForSeriesOptions(BaseModel):
    """Which instances of a treatment wait until the rest of their series has come.

    What is filled on one slice is then filled by what the slices beside it show.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quiet_seconds: float = Field(
        default=60,
        gt=0,
        le=86_400,
        description="A series is whole when so long none of it has come.",
    )
    at_most_seconds: float = Field(
        default=3600,
        gt=0,
        le=604_800,
        description="Longest wait, from the first instance of a series on.",
    )
    at_most_instances: int = Field(
        default=2000, ge=2, description="Instances of a series that wait; then all of them go on."
    )
    at_most_bytes: int = Field(
        default=4_000_000_000,
        ge=1,
        description="Bytes of a series that wait; then all of them go on.",
    )
    only: tuple[Modality, ...] = Field(
        default=("CT", "MR", "PT"),
        min_length=1,
        description=(
            "Modalities (0008,0060) that wait; of them, instances of one frame with a position "
            "in the patient."
        ),
    )

    @property
    def limits(self) -> WaitLimits:
        """The same, as the journal keeps it."""
        return WaitLimits(
            self.quiet_seconds, self.at_most_seconds, self.at_most_instances, self.at_most_bytes
        )
