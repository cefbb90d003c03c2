"""What the YAML can name as an engine."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from deid_node.lines.options import LineTlsOptions


class WorkerOptions(BaseModel):
    """What each worker process on this machine may take, whatever the engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class LocalOptions(WorkerOptions):
    """Worker processes on this machine."""

    kind: Literal["local"] = "local"
    processes: Literal["auto"] | Annotated[int, Field(ge=1, le=512)] = Field(
        default="auto", description="How many; auto is one for each core that the node may use."
    )


class RayOptions(WorkerOptions):
    """Worker processes on this machine whose models stand on a Ray cluster.

    The node itself never speaks with Ray: it asks the cluster's foreman for places at models,
    over mutual TLS, and shows these nothing but pixels.
    """

    kind: Literal["ray"] = "ray"
    host: str = Field(description="Where the cluster's foreman listens.", min_length=1)
    port: int = Field(default=7443, ge=1, le=65535, description="And on which port.")
    tls: LineTlsOptions
    actors: Annotated[int, Field(ge=1, le=512)] = Field(
        default=1, description="How many actors have the models loaded at once, at most."
    )
    workers_per_actor: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1,
        description=(
            "How many worker processes share an actor; more than one where it has a GPU, which "
            "then looks at views of several instances in one call."
        ),
    )
    cpus_per_actor: float = Field(
        default=1, gt=0, le=256, description="Processors that Ray sets aside for an actor."
    )
    gpus_per_actor: float = Field(
        default=0, ge=0, le=16, description="GPUs that Ray sets aside for an actor."
    )
    resources_per_actor: Mapping[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="Other resources by which the cluster says where an actor may stand.",
    )
    placement_seconds: float = Field(
        default=60,
        gt=0,
        description=(
            "How long one try waits for a place; after it the worker tries again and its "
            "instances wait. A cluster that grows needs minutes, and gets them over several tries."
        ),
    )
    silence_seconds: float = Field(
        default=20,
        ge=3,
        description="How long models may be silent before they count as lost.",
    )
    answer_seconds: float = Field(
        default=300,
        gt=0,
        description="How long one answer of models may take before they count as lost.",
    )


EngineOptions: TypeAlias = LocalOptions | RayOptions
"""Told apart by `kind`."""
