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
    memory_limit_bytes: Literal["auto"] | Annotated[int, Field(ge=100_000_000)] = Field(
        default="auto",
        description=(
            "How much memory a worker may hold before it is killed, with what is swapped out and "
            "without pages of files; auto is four fifths of the machine's or container's."
        ),
    )
    memory_growth_bytes: Literal["auto"] | Annotated[int, Field(ge=10_000_000)] = Field(
        default="auto",
        description=(
            "How much more than at its start a worker may hold between two instances before it "
            "is replaced; auto is its equal share of four fifths of the memory."
        ),
    )


# A second engine makes this a union, told apart by `kind`.
EngineOptions: TypeAlias = LocalOptions
