"""What the YAML can say about metrics, health and the log."""

from pydantic import BaseModel, ConfigDict, Field

from deid_node.observe.logs import LogForm, LogLevel


class HttpOptions(BaseModel):
    """Where ``/metrics``, ``/health/live`` and ``/health/ready`` are served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; loopback unless another machine scrapes the metrics.",
    )
    port: int = Field(
        default=9464,
        ge=0,
        le=65535,
        description="TCP port; 0 takes a free one, which the event node_ready names.",
    )


class ObserveOptions(BaseModel):
    """How the node tells what it does; no setting can put a patient value into it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    http: HttpOptions = HttpOptions()
    log_level: LogLevel = Field(
        default="info",
        description="Lowest level of the events that are written: debug, info, warning or error.",
    )
    log_form: LogForm = Field(
        default="json",
        description="How a line of the log is written: json for programs, text for people.",
    )
