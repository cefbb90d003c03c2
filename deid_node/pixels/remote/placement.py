"""What a node asks of the cluster for one worker: a place at an actor, and what that is."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from deid_node.pixels.remote.wanted import WantedModels


class Placement(BaseModel):
    """Goes to the foreman as JSON; places of equal placements may be at one actor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: WantedModels
    seats: Annotated[int, Field(ge=1, le=64)]
    cpus: Annotated[float, Field(gt=0, le=256)]
    gpus: Annotated[float, Field(ge=0, le=16)]
    resources: Mapping[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
