"""What the YAML can say of the spool."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SpoolOptions(BaseModel):
    """Where received instances are kept until every destination has confirmed them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dir: Path = Field(
        default=Path("./spool"),
        description=(
            "Folder of the spool. It holds patient data: keep it on an encrypted disk, "
            "whether the node encrypts its files or not."
        ),
    )
    encryption: Literal["none", "aes_gcm"] = Field(
        default="none",
        description=(
            "Whether the files of instances are encrypted: those being received, received, "
            "withheld and clean. The journal is not."
        ),
    )
    encryption_key_file: Path | None = Field(
        default=None,
        description=(
            "File with the key (32 random bytes or more, mode 0600, not the pseudonym key). "
            "With encryption switched off again it opens what is still encrypted."
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

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.encryption != "none" and self.encryption_key_file is None:
            raise ValueError("encryption needs encryption_key_file")
        return self
