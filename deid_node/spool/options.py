"""What the YAML can say of the spool."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SpoolOptions(BaseModel):
    """Where received instances are kept until every destination has confirmed them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dir: Path = Field(
        default=Path("./spool"),
        description=(
            "Folder of the spool. It holds patient data: keep it on an encrypted disk, "
            "the node does not encrypt it."
        ),
    )
    reserve_bytes: int = Field(
        default=2_000_000_000,
        ge=0,
        description="Free bytes below which associations are refused and C-STORE answers 0xA700.",
    )
    keep_delivered_seconds: float = Field(
        default=0,
        ge=0,
        description="How long the bytes of delivered and discarded instances stay in the spool.",
    )
