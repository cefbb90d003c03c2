"""What the YAML can say of work."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from deid_node.work.workers.options import EngineOptions, LocalOptions


class WorkOptions(BaseModel):
    """Where instances are cleaned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineOptions = Field(
        default=LocalOptions(),
        discriminator="kind",
        description="Where its workers have their models: each its own, or on a cluster.",
    )

    @field_validator("engine", mode="before")
    @classmethod
    def _local_where_it_does_not_say(cls, said: Any) -> Any:
        # It was the only kind for long: files without one are about.
        return {"kind": "local", **said} if isinstance(said, dict) else said
