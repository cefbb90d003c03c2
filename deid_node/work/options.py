"""What the YAML can say of work."""

from pydantic import BaseModel, ConfigDict, Field

from deid_node.work.workers.options import EngineOptions, LocalOptions


class WorkOptions(BaseModel):
    """Where instances are cleaned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineOptions = Field(default=LocalOptions())
