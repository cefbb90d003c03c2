"""What the YAML can name as an engine."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class LocalOptions(BaseModel):
    """Worker processes on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["local"] = "local"
    processes: Literal["auto"] | Annotated[int, Field(ge=1, le=512)] = Field(
        default="auto", description="How many; auto is one for each core that the node may use."
    )
    time_limit_seconds: float = Field(
        default=600,
        gt=0,
        description="How long one start of one instance may take before its worker is killed.",
    )


# A second engine makes this a union, told apart by `kind`.
EngineOptions: TypeAlias = LocalOptions
